//! Publications: which there are, what differs between them, and the two steps to a new one.

use super::{ACTION, button, difference, hidden, moment, problems};
use crate::{
    console::{
        Page, View,
        address::Versions,
        desk::{Desk, Version, Wish},
        difference::Difference,
        show::foreign,
        words::{Text, playbook as words},
    },
    playbook::{Problem, publish::sources::WHY_MAX},
};
use maud::{Markup, html};

/// All that are kept, each with the way back to it.
pub(super) fn list(view: &View<'_>, desk: &Desk) -> Markup {
    let said = |text: Text| text.of(view.language);
    let row = |version: &Version| {
        let number = version.number;
        let page = Page::Playbook(Versions { show: Some(number), ..Versions::default() });
        html! {
            tr {
                th scope="row" class="number" { (number) }
                td class="moment" { @match version.holds_from {
                    Some(from) => (moment(view, from)),
                    None => (said(words::BUILT_IN)),
                } }
                td { @if let Some(issued) = &version.issued { (foreign(&issued.by)) } }
                td { @if let Some(issued) = &version.issued { (foreign(&issued.why)) } }
                td { a href=(page.address()) { (said(words::VIEW)) } }
            }
        }
    };
    let choice = |name: &'static str, words: Text| {
        html! {
            label for=(name) { (said(words)) }
            select id=(name) name=(name) {
                @for version in &desk.versions { option value=(version.number) { (version.number) } }
            }
        }
    };
    html! {
        section {
            h2 { (said(words::VERSIONS)) }
            p { (said(words::VERSIONS_ARE)) }
            div class="scroll" role="region" tabindex="0" aria-label=(said(words::VERSIONS)) {
                table id="versions" {
                    thead { tr {
                        @for heading in [words::NUMBER, words::HOLDS_FROM, words::BY, words::REASON, words::VIEW] {
                            th scope="col" { (said(heading)) }
                        }
                    } }
                    tbody { @for version in &desk.versions { (row(version)) } }
                }
            }
            form method="get" action=(ACTION) class="filter" {
                (choice("against", words::FROM)) (choice("show", words::TO))
                button { (said(words::COMPARE)) }
            }
        }
    }
}

/// What differs from one to another, or to the draft; and the first step back to that other.
pub(super) fn compared(
    view: &View<'_>,
    desk: &Desk,
    (from, to): (u32, Option<u32>),
    lines: Option<&Difference>,
) -> Markup {
    let said = |text: Text| text.of(view.language);
    let named = |number: u32| if number == 0 { said(words::BUILT_IN).to_owned() } else { number.to_string() };
    let to_is = to.map_or_else(|| said(words::THE_DRAFT).to_owned(), named);
    html! {
        section {
            h2 { (said(words::DIFFERENCE)) }
            p { (said(words::FROM)) " " (named(from)) " " (said(words::TO)) " " (to_is) }
            @match lines {
                Some(lines) => (difference(view, lines)),
                None => p class="warning" { (said(words::NO_SOURCE)) }
            }
            @if lines.is_some() && to.is_some() {
                form method="post" action=(ACTION) {
                    (hidden("csrf", view.csrf))
                    (hidden("text", &desk.form.text))
                    (button(view, Wish::Publish, words::ROLL_BACK))
                }
            }
        }
    }
}

/// The second step: what will change, and a post that only this form can make.
pub(super) fn sure(
    view: &View<'_>,
    desk: &Desk,
    lines: Option<&Difference>,
    warnings: &[Problem],
    another: bool,
) -> Markup {
    let said = |text: Text| text.of(view.language);
    let home = Page::Playbook(Versions::default());
    html! {
        form method="post" action=(ACTION) class="sure" {
            h2 { (said(words::SURE)) }
            @if another { p role="alert" { strong { (said(words::ANOTHER)) } } }
            p { (said(words::SURE_MEANS)) }
            (hidden("csrf", view.csrf))
            (hidden("text", &desk.form.text))
            (hidden("live", &desk.form.live.to_string()))
            p {
                label for="why" { (said(words::WHY)) } " "
                input id="why" name="why" maxlength=(WHY_MAX) value=(desk.form.why);
            }
            button name="do" value=(Wish::Sure.name()) class="danger" { (said(words::SURE_YES)) }
            " "
            a href=(home.address()) { (crate::console::words::CANCEL.of(view.language)) }
        }
        @if !warnings.is_empty() { (problems(view, &desk.form.text, warnings, warnings.len())) }
        @match lines {
            Some(lines) => (difference(view, lines)),
            None => p class="warning" { (said(words::NO_SOURCE)) }
        }
    }
}
