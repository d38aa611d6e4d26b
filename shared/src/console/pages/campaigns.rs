//! 营销活动: every campaign that push knows or will, how far it is, and to stop it, in two steps.

use super::{find, nothing};
use crate::{
    console::{
        Note, Page, Table, View,
        show::foreign,
        table::{Look, table},
        words::{self, Text},
    },
    push::requests::Listed,
    report::{Cell, Sheet},
    time::{Timestamp, UtcOffset},
};
use maud::{Markup, html};

/// How often a page with a campaign that moves is loaded again, in seconds.
pub(super) const REFRESH_SECONDS: u32 = 5;
const COLUMNS: [&str; 7] = ["campaign", "at", "state", "fans", "queued", "done", "done_share"];

// States, in the words of the sheet.
const ASKED: &str = "waits for the next run";
const WAITS: &str = "waits for its time";
const PLANNING: &str = "being planned";
const GOING: &str = "going out";
const STOPPING: &str = "being stopped";
const STOPPED: &str = "stopped";
const OVER: &str = "over";

/// The list as a sheet, the latest first.
pub(in crate::console) fn sheet(listed: &[Listed], now: Timestamp, offset: UtcOffset) -> Sheet {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let row = |campaign: &Listed| {
        let counted = |number: Option<u64>| number.map_or(Cell::Empty, |number| Cell::Count(count(number)));
        let share = Cell::Share(count(campaign.done.unwrap_or_default()), count(campaign.queued.unwrap_or_default()));
        vec![
            Cell::text(&campaign.id),
            Cell::Time(campaign.at),
            Cell::text(state(campaign, now)),
            Cell::Count(count(campaign.fans)),
            counted(campaign.queued),
            counted(campaign.done),
            share,
        ]
    };
    let rows = listed.iter().rev().map(row).collect();
    Sheet { columns: COLUMNS.map(str::to_owned).to_vec(), rows, offset }
}

fn state(campaign: &Listed, now: Timestamp) -> &'static str {
    match campaign {
        Listed { stopped: true, .. } if campaign.is_settled() => STOPPED,
        Listed { stopped: true, .. } => STOPPING,
        Listed { taken_up: false, .. } => ASKED,
        _ if campaign.is_settled() => OVER,
        Listed { planned: true, .. } => GOING,
        Listed { at, .. } if *at > now => WAITS,
        _ => PLANNING,
    }
}

fn states(sheet: &Sheet) -> impl Iterator<Item = &str> {
    sheet.cells("state").filter_map(|cell| if let Cell::Text(state) = cell { Some(state.as_str()) } else { None })
}

/// Whether one of them moves, or is about to.
pub(super) fn moves(tables: &[Table]) -> bool {
    let moving = [ASKED, PLANNING, GOING, STOPPING];
    find(tables, "campaigns").is_some_and(|table| states(&table.sheet).any(|state| moving.contains(&state)))
}

pub(super) fn body(view: &View<'_>, note: &Note, still: bool, tables: &[Table]) -> Markup {
    let said = |text: Text| text.of(view.language);
    let Some(campaigns) = find(tables, "campaigns") else { return html! {} };
    let ids =
        campaigns.sheet.cells("campaign").filter_map(|cell| if let Cell::Text(id) = cell { Some(id) } else { None });
    let may_stop: Vec<&String> = ids
        .zip(states(&campaigns.sheet))
        .filter(|(_, state)| ![STOPPING, STOPPED, OVER].contains(state))
        .map(|(id, _)| id)
        .collect();
    html! {
        p { a href=(Page::Campaign.address()) { (said(words::WRITE_CAMPAIGN)) } }
        @match note {
            Note::Nothing => {}
            Note::Sure(id) if may_stop.contains(&id) => (sure(view, id)),
            // It came to its end, or another stopped it.
            Note::Sure(id) => p class="nothing" { (said(words::NOTHING_TO_STOP)) (foreign(id)) }
            Note::Stopped(id) => p class="done" role="status" { (said(words::CAMPAIGN_STOPPED)) (foreign(id)) }
            Note::Asked(id) => p class="done" role="status" { (said(words::CAMPAIGN_ASKED)) (foreign(id)) }
        }
        @if campaigns.sheet.rows.is_empty() { (nothing(view, words::NO_CAMPAIGNS)) } @else {
            p { (said(words::CAMPAIGNS_ARE)) }
            @if !matches!(note, Note::Sure(_)) && moves(tables) {
                p {
                    (said(if still { words::STANDS_STILL } else { words::REFRESHES })) " "
                    a href=(Page::Campaigns(note.clone(), !still).address()) { (said(if still { words::REFRESH } else { words::STAND_STILL })) }
                }
            }
            (table(view, campaigns, &Look { caption: said(words::CAMPAIGNS), columns: &[], sorts: false, link: None }))
            @for id in may_stop {
                p { a class="danger" href=(Page::Campaigns(Note::Sure(id.clone()), still).address()) { (said(words::STOP)) (foreign(id)) } }
            }
        }
    }
}

/// The second step: a post, which only this form can make.
fn sure(view: &View<'_>, id: &str) -> Markup {
    let said = |text: Text| text.of(view.language);
    html! {
        form method="post" action="/console/campaigns/stop" class="sure" {
            h2 { (said(words::STOP_SURE)) (foreign(id)) }
            p { (said(words::STOP_MEANS)) }
            input type="hidden" name="csrf" value=(view.csrf);
            input type="hidden" name="id" value=(id);
            button class="danger" { (said(words::STOP_YES)) }
            " "
            a href=(Page::Campaigns(Note::Nothing, false).address()) { (said(words::CANCEL)) }
        }
    }
}
