//! 剧本: the draft, what is wrong with it, what it changes; publications, and back to an earlier one.

mod answers;
mod versions;

use crate::{
    console::{
        View,
        desk::{Desk, Found, Typed, Wish},
        difference::{Difference, Side},
        show::{foreign, grouped, time},
        words::{Text, playbook as words},
    },
    facts::FanStatus,
    playbook::{
        InboundKind, Problem, Severity,
        publish::{request::Refused, sources::WHY_MAX},
    },
};
use maud::{Markup, html};

/// Where the form is posted to.
const ACTION: &str = "/console/playbook";
/// Characters of a line that are shown.
const LINE_SHOWN: usize = 300;

pub(in crate::console) fn body(view: &View<'_>, desk: &Desk) -> Markup {
    let said = |text: Text| text.of(view.language);
    let sure = matches!(desk.found, Found::Sure(..));
    html! {
        p { (said(words::PLAYBOOK_IS)) }
        div id="found" aria-live="polite" { (found(view, desk)) }
        @if !sure {
            (form(view, desk))
        }
        (versions::list(view, desk))
    }
}

/// A hidden field.
fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

fn button(view: &View<'_>, wish: Wish, words: Text) -> Markup {
    html! { button name="do" value=(wish.name()) { (words.of(view.language)) } }
}

/// The editor; every button posts all of it.
fn form(view: &View<'_>, desk: &Desk) -> Markup {
    let said = |text: Text| text.of(view.language);
    html! {
        form method="post" action=(ACTION) class="editor" {
            (hidden("csrf", view.csrf))
            (hidden("base", &desk.form.base.to_string()))
            (hidden("theirs", &desk.base.to_string()))
            // Enter in a field checks: the first button is what it presses.
            p {
                (button(view, Wish::Check, words::CHECK)) " " (button(view, Wish::Save, words::SAVE)) " "
                (button(view, Wish::Differ, words::DIFFER)) " " (button(view, Wish::Replay, words::REPLAY)) " "
                (button(view, Wish::Publish, words::PUBLISH))
            }
            p {
                @match &desk.draft {
                    Some(draft) => { (said(words::DRAFT_BY)) (moment(view, draft.at)) " " (foreign(&draft.by)) }
                    None => { (said(words::NO_DRAFT)) }
                }
            }
            label for="text" { (said(words::TEXT)) }
            // A browser passes over the first line break.
            textarea id="text" name="text" rows="30" cols="100" spellcheck="false" { "\n" (desk.form.text) }
            p {
                label for="why" { (said(words::WHY)) } " "
                input id="why" name="why" maxlength=(WHY_MAX) value=(desk.form.why);
            }
            (trial(view, &desk.form.typed))
        }
    }
}

fn trial(view: &View<'_>, typed: &Typed) -> Markup {
    let said = |text: Text| text.of(view.language);
    let fan = |fan| match fan {
        FanStatus::New => words::NEW,
        FanStatus::Returning => words::RETURNING,
        FanStatus::Follower => words::FOLLOWER,
    };
    html! {
        h2 { (said(words::TRY)) }
        p { (said(words::TRY_IS)) }
        div class="filter" {
            label for="on" { (said(words::COMES)) }
            select id="on" name="on" {
                @for (name, kind) in InboundKind::ALL {
                    option value=(name) selected[kind == typed.kind] { (answers::kind(view, name)) }
                }
            }
            label for="said" { (said(words::SAID)) }
            input id="said" name="said" maxlength="2048" value=(typed.text);
            label for="channel" { (said(words::CHANNEL)) }
            input id="channel" name="channel" maxlength="64" value=(typed.channel);
            label for="fan" { (said(words::WHO)) }
            select id="fan" name="fan" {
                @for (name, status) in FanStatus::ALL {
                    option value=(name) selected[status == typed.fan] { (said(fan(status))) }
                }
            }
            label for="at" { (said(words::WHEN)) }
            input id="at" name="at" type="datetime-local" value=(typed.at);
            (button(view, Wish::Try, words::TRY_IT))
        }
    }
}

/// What was asked for.
fn found(view: &View<'_>, desk: &Desk) -> Markup {
    let said = |text: Text| text.of(view.language);
    html! {
        @match &desk.found {
            Found::Nothing => {}
            Found::Problems(shown, all) => (problems(view, &desk.form.text, shown, *all)),
            Found::Difference(from, to, lines) => (versions::compared(view, desk, (*from, *to), lines.as_ref())),
            Found::Tried(draft, live) => (answers::tried(view, draft, live)),
            Found::NoMoment => p class="warning" role="alert" { (said(words::NO_MOMENT)) }
            Found::Replayed(replayed) => (answers::replayed(view, replayed)),
            Found::Meanwhile(theirs, lines) => {
                div class="warning" role="alert" {
                    p { (said(words::MEANWHILE)) }
                    @if let Some(theirs) = theirs {
                        p { (said(words::DRAFT_BY)) (moment(view, theirs.at)) " " (foreign(&theirs.by)) }
                    }
                }
                p { (said(words::MEANWHILE_DIFFERS)) }
                (difference(view, lines))
                form method="post" action=(ACTION) {
                    (hidden("csrf", view.csrf))
                    (hidden("theirs", &desk.base.to_string()))
                    (hidden("text", &desk.form.text))
                    (button(view, Wish::Overwrite, words::OVERWRITE))
                }
            }
            Found::TooLong => p class="warning" role="alert" { (said(words::TOO_LONG)) }
            Found::Sure(lines, warnings, another) => (versions::sure(view, desk, lines.as_ref(), warnings, *another)),
            Found::Refused(refused) => p class="warning" role="alert" {
                (said(words::REFUSED))
                @match refused {
                    Refused::Busy => (said(words::BUSY)),
                    refused => (foreign(&refused.to_string())),
                }
            }
        }
    }
}

/// Each problem with its line and a caret under its place; or that there are none.
pub(in crate::console) fn problems(view: &View<'_>, text: &str, problems: &[Problem], all: usize) -> Markup {
    let said = |text: Text| text.of(view.language);
    let lines: Vec<&str> = text.lines().collect();
    let more = i64::try_from(all.saturating_sub(problems.len())).unwrap_or_default();
    html! {
        @if problems.is_empty() { p class="done" role="status" { (said(words::NO_PROBLEMS)) } }
        @else {
            section aria-label=(said(words::PROBLEMS)) {
                @for problem in problems {
                    @let Problem { line, column, severity, message, help } = problem;
                    div class=(if *severity == Severity::Error { "warning" } else { "nothing" }) {
                        p {
                            strong { (said(if *severity == Severity::Error { words::ERROR } else { words::WARNING })) }
                            " " (said(words::LINE)) " " (line) ", " (said(words::COLUMN)) " " (column) ": " (foreign(message))
                        }
                        pre { code { (place(line.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default(), *column)) } }
                        p { (foreign(help)) }
                    }
                }
                @if more > 0 { p { (said(words::AND_MORE)) (grouped(more)) } }
            }
        }
    }
}

/// A line, cut around a column, and a caret below that: wide letters have a wide blank above it.
fn place(line: &str, column: usize) -> String {
    const BEFORE: usize = 60;
    const AFTER: usize = 60;
    let at = column.saturating_sub(1);
    let from = at.saturating_sub(BEFORE);
    let shown: String = line.chars().skip(from).take(BEFORE + AFTER).map(plain).collect();
    let blank = |letter: char| if letter.is_ascii() { ' ' } else { '\u{3000}' };
    let blanks: String = line.chars().skip(from).take(at - from).map(blank).collect();
    format!("{shown}\n{blanks}^")
}

/// What a browser shows as it is: no letter that turns the others round, no control.
fn plain(letter: char) -> char {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match letter {
        '\t' => ' ',
        letter if letter.is_control() || turns => '\u{fffd}',
        letter => letter,
    }
}

/// Lines with their numbers; those of one side alone are marked.
fn difference(view: &View<'_>, found: &Difference) -> Markup {
    let said = |text: Text| text.of(view.language);
    let more = i64::try_from(found.more).unwrap_or_default();
    html! {
        @if found.is_none() { p class="done" role="status" { (said(words::NO_DIFFERENCE)) } }
        @else {
            pre class="diff" {
                @for line in &found.lines {
                    @let text: String = line.text.chars().take(LINE_SHOWN).map(plain).collect();
                    @if line.leaps { "⋯\n" }
                    @match line.side {
                        Side::Both => span { (format!("{:>5}   {text}\n", line.number)) }
                        Side::Old => del { (format!("{:>5} − {text}\n", line.number)) }
                        Side::New => ins { (format!("{:>5} + {text}\n", line.number)) }
                    }
                }
            }
            @if more > 0 { p { (said(words::AND_MORE)) (grouped(more)) } }
        }
    }
}

fn moment(view: &View<'_>, at: crate::time::Timestamp) -> String {
    time(at, view.language, view.brand.settings.utc_offset)
}

#[cfg(test)]
mod tests {
    use super::place;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_caret_stands_below_its_column_also_behind_chinese_and_in_a_long_line() {
        assert_eq!(place("a = 猫粮", 6), "a = 猫粮\n    \u{3000}^");
        assert_eq!(place("", 1), "\n^");
        assert_eq!(place("\u{202e}x", 2), "\u{fffd}x\n\u{3000}^");
        let long = place(&"x".repeat(10_000), 5_000);
        assert_eq!(long, format!("{}\n{}^", "x".repeat(120), " ".repeat(60)));
    }
}
