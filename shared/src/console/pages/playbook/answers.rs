//! What playbooks answer: to a message that is tried, and to those that were recorded.

use super::{moment, plain};
use crate::{
    console::{
        View,
        show::{foreign, grouped},
        words::{Text, playbook as words},
    },
    facts::PushChoice,
    journal::replay::{Example, Replayed},
    playbook::{Action, Answer},
    wechat::Reply,
};
use maud::{Markup, html};

/// Characters of a reply that are shown.
const REPLY_SHOWN: usize = 2_048;

/// What a kind of message is called.
pub(super) fn kind(view: &View<'_>, name: &'static str) -> &'static str {
    words::KINDS.iter().find(|(other, _)| *other == name).map_or(name, |(_, text)| text.of(view.language))
}

/// What the draft says, and the live one where it says something else.
pub(super) fn tried(view: &View<'_>, draft: &Answer, live: &Answer) -> Markup {
    let said = |text: Text| text.of(view.language);
    html! {
        section {
            h2 { (said(words::DRAFT_ANSWERS)) }
            (answer(view, draft))
            @if draft == live { p class="done" role="status" { (said(words::SAME_ANSWER)) } }
            @else {
                h2 { (said(words::LIVE_ANSWERS)) }
                (answer(view, live))
            }
        }
    }
}

/// Messages that are answered otherwise, by the rules that answer.
pub(super) fn replayed(view: &View<'_>, replayed: &Replayed) -> Markup {
    let said = |text: Text| text.of(view.language);
    let number = |count: u64| grouped(i64::try_from(count).unwrap_or(i64::MAX));
    html! {
        section {
            h2 { (said(words::REPLAY)) }
            p {
                (said(words::REPLAYED)) ": " strong { (number(replayed.messages)) } " · "
                (said(words::CHANGED)) ": " strong id="changed" { (number(replayed.changed())) }
                @if let Some(since) = replayed.since { " · " (said(words::SINCE)) ": " (moment(view, since)) }
            }
            @if !replayed.all { p { (said(words::NOT_ALL)) } }
            @if replayed.groups.is_empty() { p class="done" role="status" { (said(words::NONE_CHANGED)) } }
            @else {
                div class="scroll" role="region" tabindex="0" aria-label=(said(words::REPLAY)) {
                    table id="replay" {
                        thead { tr {
                            @for heading in [words::LIVE_RULE, words::DRAFT_RULE, words::COUNT, words::EXAMPLES] {
                                th scope="col" { (said(heading)) }
                            }
                        } }
                        tbody {
                            @for group in &replayed.groups {
                                tr {
                                    th scope="row" { (rule(view, group.live.as_deref())) }
                                    td { (rule(view, group.draft.as_deref())) }
                                    td class="number" { (number(group.count)) }
                                    td {
                                        @for Example { said: text, live, draft } in &group.examples {
                                            details {
                                                summary { (foreign(text)) }
                                                @if let Some(live) = live {
                                                    p { (said(words::LIVE_ANSWERS)) }
                                                    (answer(view, live))
                                                }
                                                p { (said(words::DRAFT_ANSWERS)) }
                                                (answer(view, draft))
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rule(view: &View<'_>, id: Option<&str>) -> Markup {
    match id {
        Some(id) => foreign(id),
        None => html! { (words::BY_DEFAULT.of(view.language)) },
    }
}

fn answer(view: &View<'_>, answer: &Answer) -> Markup {
    let said = |text: Text| text.of(view.language);
    html! {
        p {
            (said(words::RULE)) ": " (rule(view, answer.rule.as_deref()))
            @match answer.pushes {
                Some(PushChoice::Stop) => { " · " (said(words::STOPS)) }
                Some(PushChoice::Resume) => { " · " (said(words::RESUMES)) }
                None => {}
            }
        }
        @match &answer.action {
            Action::Nothing => p { (said(words::SILENCE)) }
            Action::HandOver { kf_account } => p { (said(words::HAND_OVER)) " " (foreign(kf_account.as_deref().unwrap_or_default())) }
            Action::Ask { fallback, .. } => (spoken(fallback)),
            Action::Reply(reply) => (replied(view, reply)),
        }
    }
}

fn replied(view: &View<'_>, reply: &Reply) -> Markup {
    let media = |kind: Text, id: &str, lines: &[&Option<String>]| {
        html! {
            p { (kind.of(view.language)) " " (foreign(id)) }
            @for line in lines.iter().filter_map(|line| line.as_deref()) { (spoken(line)) }
        }
    };
    match reply {
        Reply::Text { content } => spoken(content),
        Reply::Image { media_id } => media(words::IMAGE, media_id, &[]),
        Reply::Voice { media_id } => media(words::VOICE, media_id, &[]),
        Reply::Video { media_id, title, description } => media(words::VIDEO, media_id, &[title, description]),
        Reply::Music { title, description, music_url, hq_music_url, thumb_media_id } => {
            media(words::MUSIC, thumb_media_id, &[title, description, music_url, hq_music_url])
        }
        Reply::News { articles } => html! {
            @for article in articles {
                (spoken(&format!("{}\n{}\n{}", article.title, article.description, article.url)))
            }
        },
        Reply::TransferCustomerService { .. } => html! { p { (words::HAND_OVER.of(view.language)) } },
    }
}

/// A text with its lines, as text: a link in it is shown and not made.
fn spoken(text: &str) -> Markup {
    let letters = text.chars().take(REPLY_SHOWN);
    let shown: String = letters.map(|letter| if letter == '\n' { letter } else { plain(letter) }).collect();
    html! { pre class="spoken" { (shown) } }
}
