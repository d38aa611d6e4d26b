//! 写活动: the form, what the check says at its place, what it would do, and the second confirmation.

use crate::{
    console::{
        Draft, Note, Page, Table, View,
        campaign::{self, Notes, Said},
        show::{foreign, grouped, time},
        table::{Look, table},
        words::{self, Text, column},
    },
    facts::push::Skip,
    playbook::{CampaignRequest, Content, Filled, Problem},
    push::{dry_run::DryRun, requests::Refused},
    report::{Brand, Cell, Moment, Sheet},
    time::UtcOffset,
};
use maud::{Markup, html};

/// Characters of a line that are shown around a problem, before its place and in all.
const BEFORE_SHOWN: usize = 60;
const LINE_SHOWN: usize = 160;

pub(in crate::console) fn body(draft: &Draft<'_>) -> Markup {
    let said = |text: Text| text.of(draft.language);
    let example = draft.terms.map(|terms| campaign::example(terms, draft.now, &notes(draft)));
    let text = match (draft.text, &example) {
        (Some(text), _) => text,
        (None, Some(example)) => example,
        (None, None) => "",
    };
    html! {
        p { a href=(Page::Campaigns(Note::Nothing, false).address()) { (said(words::TO_CAMPAIGNS)) } }
        h2 { (said(words::WRITE_CAMPAIGN)) }
        p { (said(words::WRITE_IS)) }
        (answer(draft, text))
        form method="post" action="/console/campaign" class="write" {
            input type="hidden" name="csrf" value=(draft.csrf);
            label for="text" { (said(words::CAMPAIGN_TEXT)) }
            // A browser passes over the first line break.
            textarea id="text" name="text" rows="18" spellcheck="false" required { "\n" (text) }
            button name="do" value="check" { (said(words::CHECK)) }
            " "
            button name="do" value="try" { (said(words::TRY)) }
            " "
            button name="do" value="ask" { (said(words::SEND)) }
            @if let Said::Tried(_, _, DryRun { next: Some(next), .. }) = draft.said {
                " "
                button name="do" value={ "try-" (next) } { (said(words::TRY_ON)) }
            }
        }
    }
}

fn notes(draft: &Draft<'_>) -> Notes {
    let said = |text: Text| text.of(draft.language);
    Notes {
        id: said(words::NOTE_ID),
        at: said(words::NOTE_AT),
        segment: said(words::NOTE_SEGMENT),
        holdout: said(words::NOTE_HOLDOUT),
        way: said(words::NOTE_WAY),
        text: said(words::EXAMPLE_TEXT),
    }
}

/// What came of the form.
fn answer(draft: &Draft<'_>, text: &str) -> Markup {
    let said = |text: Text| text.of(draft.language);
    let warning = |markup: Markup| html! { div class="warning" role="alert" { (markup) } };
    match draft.said {
        Said::Nothing | Said::Asked(_) => html! {},
        Said::Refused(Refused::Problems(problems)) => warning(html! {
            p { (said(words::PROBLEMS)) }
            @for problem in problems { (place(problem, text)) }
        }),
        Said::Refused(Refused::TooMany) => warning(html! { p { (said(words::TOO_MANY_CAMPAIGNS)) } }),
        Said::Refused(refused) => warning(html! {
            p { (said(if matches!(refused, Refused::Taken(..)) { words::ID_TAKEN } else { words::NOT_ACCEPTED })) }
            p { (foreign(&refused.to_string())) }
        }),
        Said::TooLong => warning(html! { p { (said(words::CAMPAIGN_TOO_LONG)) } }),
        Said::NoAnswer => warning(html! { p { (said(words::NO_ANSWER)) } p { (said(words::NO_ANSWER_HELP)) } }),
        Said::Fine(request) => html! {
            p class="done" role="status" { (said(words::CHECKED)) }
            (summary(draft, request))
        },
        Said::Tried(request, from, tried) => html! {
            h2 { (said(words::TRIED)) }
            p { (said(words::TRIED_IS)) }
            @if *from > 0 { p { (said(words::TRIED_FROM)) (grouped(number(*from))) } }
            (summary(draft, request))
            (numbers(draft, tried))
            (fans(draft, tried))
        },
        Said::Sure(request, tried, seal) => html! {
            form method="post" action="/console/campaign" class="sure" {
                h2 { (said(words::SEND_SURE)) }
                p { (said(words::SEND_MEANS)) }
                (summary(draft, request))
                (numbers(draft, tried))
                input type="hidden" name="csrf" value=(draft.csrf);
                input type="hidden" name="text" value=(text);
                input type="hidden" name="seal" value=(seal);
                button class="danger" name="do" value="send" { (said(words::SEND_YES)) }
                " "
                a href="#text" { (said(words::SEND_NO)) }
            }
        },
    }
}

/// A problem, and the line that it is in with a mark below its place.
fn place(problem: &Problem, text: &str) -> Markup {
    let line = text.split('\n').nth(problem.line.saturating_sub(1)).unwrap_or_default();
    let from = problem.column.saturating_sub(1).saturating_sub(BEFORE_SHOWN);
    let shown: String = line
        .chars()
        .skip(from)
        .take(LINE_SHOWN)
        .map(|letter| if moves(letter) { '\u{fffd}' } else { letter })
        .collect();
    // Below what is twice as wide stands a space that is, too.
    let space = |letter: char| if letter >= '\u{2e80}' && letter != '\u{fffd}' { '\u{3000}' } else { ' ' };
    let before: String = shown.chars().take(problem.column.saturating_sub(1) - from).map(space).collect();
    html! {
        p { strong { (problem.line) ":" (problem.column) } " " (foreign(&problem.message)) " " (foreign(&problem.help)) }
        pre { (shown) "\n" (before) "^" }
    }
}

/// Whether a character would move the mark from its place: a control, also one of the writing direction.
fn moves(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Which campaign it is, when, to whom, and what each fan reads.
fn summary(draft: &Draft<'_>, request: &CampaignRequest) -> Markup {
    let said = |text: Text| text.of(draft.language);
    let CampaignRequest { id, campaign, at_once } = request;
    let Some(terms) = draft.terms else { return html! {} };
    let segment = &campaign.segment;
    let days = |days: &crate::playbook::DaysAgo| {
        format!("{}-{}", days.min, days.max.map(|max| max.to_string()).unwrap_or_default())
    };
    let named = [("channels", &segment.channels), ("tags", &segment.tags), ("products", &segment.products)];
    let named = named
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(key, names)| format!("{key}: {}", names.join(", ")));
    let ago = [("followed", segment.followed), ("bought", segment.bought), ("contact", segment.contact)];
    let ago = ago.into_iter().filter_map(|(key, span)| Some(format!("{key}: {}", days(&span?))));
    let to: Vec<String> = named.chain(ago).collect();
    let shows = |content: &Content| match content.render(&terms.pushes.name, None) {
        Filled::Message { text } => text,
        Filled::Template { template_id, fields, .. } | Filled::Notice { template_id, fields, .. } => {
            let fields = fields.into_iter().map(|(name, value)| format!("{name}: {value}"));
            std::iter::once(template_id).chain(fields).collect::<Vec<_>>().join("\n")
        }
    };
    html! {
        div class="scroll" role="region" tabindex="0" aria-label=(said(words::SUMMARY)) {
            table id="summary" {
                caption { (said(words::SUMMARY)) }
                tbody {
                    tr { th scope="row" { (column("campaign", draft.language)) } td { (foreign(id)) } }
                    tr { th scope="row" { (column("at", draft.language)) } td {
                        @if *at_once { (said(words::AT_ONCE)) } @else { (time(campaign.at, draft.language, terms.pushes.limits.utc_offset)) }
                    } }
                    tr { th scope="row" { (said(words::TO_WHOM)) } td {
                        @if to.is_empty() { (said(words::TO_ALL)) } @else { (foreign(&to.join("; "))) }
                    } }
                    tr { th scope="row" { (said(words::HOLDOUT_PERCENT)) } td { (campaign.holdout) "%" } }
                    @for content in campaign.ways.iter() {
                        tr { th scope="row" { (way(draft, content.way())) } td { pre { (shown_whole(&shows(content))) } } }
                    }
                }
            }
        }
    }
}

/// A text that goes out, whole but for its controls.
fn shown_whole(text: &str) -> String {
    text.chars().map(|letter| if letter != '\n' && moves(letter) { '\u{fffd}' } else { letter }).collect()
}

fn way<'a>(draft: &Draft<'_>, name: &'a str) -> std::borrow::Cow<'a, str> {
    column(name, draft.language)
}

/// How many would get it, by which way, and why the others would not.
fn numbers(draft: &Draft<'_>, tried: &DryRun) -> Markup {
    let said = |text: Text| text.of(draft.language);
    let count = |number: u64| Cell::Count(self::number(number));
    let sheet = |columns: &[&str], rows| sheet(draft, columns, rows);
    let totals =
        sheet(&["fans", "outside", "gets"], vec![vec![count(tried.fans), count(tried.outside), count(tried.gets)]]);
    let perhaps = |number: Option<u64>| number.map_or(Cell::Empty, count);
    let ways = tried.ways.iter().map(|by_way| {
        let name = Cell::text(way(draft, by_way.way));
        vec![name, count(by_way.gets), perhaps(by_way.quota_left), perhaps(by_way.takes_seconds)]
    });
    let ways = sheet(&["way", "gets", "quota_left", "takes_seconds"], ways.collect());
    let reasons = tried.skipped.iter().map(|(name, fans)| vec![Cell::text(reason(draft, name)), count(*fans)]);
    let reasons = sheet(&["reason", "fans"], reasons.collect());
    html! {
        (shown(draft, "totals", totals, words::TOTALS))
        @if tried.next.is_some() { p class="warning" { (said(words::NOT_ALL_FANS)) } }
        (shown(draft, "ways", ways, words::BY_WAY))
        @if !tried.skipped.is_empty() { (shown(draft, "reasons", reasons, words::WHY_NOT)) }
    }
}

/// The fans one by one.
fn fans(draft: &Draft<'_>, tried: &DryRun) -> Markup {
    let rows = tried.rows.iter().map(|row| {
        let text = |name: Option<_>| name.map_or(Cell::Empty, Cell::text);
        let by = row.way.map(|name| way(draft, name));
        let why = row.skipped.map(|name| reason(draft, name));
        vec![Cell::text(row.openid.as_str()), text(by), row.gets_at.map_or(Cell::Empty, Cell::Time), text(why)]
    });
    let rows = sheet(draft, &["openid", "way", "gets_at", "reason"], rows.collect());
    html! { @if !rows.rows.is_empty() { (shown(draft, "fans", rows, words::FAN_BY_FAN)) } }
}

fn reason<'a>(draft: &Draft<'_>, name: &'a str) -> std::borrow::Cow<'a, str> {
    match Skip::ALL.iter().any(|(known, _)| *known == name) {
        true => column(&format!("skipped_{name}"), draft.language).into_owned().into(),
        false => column(name, draft.language),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn sheet(draft: &Draft<'_>, columns: &[&str], rows: Vec<Vec<Cell>>) -> Sheet {
    let offset = draft.terms.map_or(UtcOffset::BEIJING, |terms| terms.pushes.limits.utc_offset);
    Sheet { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows, offset }
}

fn shown(draft: &Draft<'_>, name: &'static str, sheet: Sheet, caption: Text) -> Markup {
    let brand = Brand::default();
    let moment = Moment { now: draft.now, backlog: None };
    let view = View { language: draft.language, csrf: draft.csrf, page: &Page::Campaign, brand: &brand, moment };
    let look = Look { caption: caption.of(draft.language), columns: &[], sorts: false, link: None };
    html! {
        h3 { (caption.of(draft.language)) }
        (table(&view, &Table { name, sheet }, &look))
    }
}
