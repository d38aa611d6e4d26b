//! What is known of one fan.

use super::{Brand, Cell, ReportError, Sheet, sheet::yuan};
use crate::{
    facts::push::Skip,
    fold::{
        counts::series_name,
        fan::{Fate, Field, Mark, State, key},
        requests,
    },
    store::record::{Records, load},
    time::Timestamp,
    wechat::OpenId,
};

/// What stands in the place of a personal value.
const MASKED: &str = "•••";

/// A line of the timeline.
type Line = (Option<Timestamp>, &'static str, String);

/// The fan's story, oldest first; what has no time of its own stands at the end.
pub(super) fn timeline(
    openid: &OpenId,
    brand: &Brand,
    now: Timestamp,
    records: &Records,
) -> Result<Sheet, ReportError> {
    let key = key(openid);
    let bytes = records.get(&*key).ok_or(ReportError::NoSuchFan)?;
    let fan = key.decode(bytes)?;
    let state = fan.state(brand.settings.utc_offset);
    let mut lines = follows(&state);
    lines.extend(contacts(&state));
    lines.extend(purchases(&state));
    lines.extend(pushes(&state));
    lines.extend(asked(openid, records)?);
    lines.extend(state.dialogs.fields(now).map(saved));
    lines.extend(fan.erased().map(|at| (Some(at), "erased", String::new())));
    lines.sort_by_key(|(at, ..)| (at.is_none(), *at));
    lines.extend(fan.tags.iter().map(|tag| (None, "tag", tag.clone())));
    lines.extend(state.notices.iter().map(|(template, left)| (None, "may get notices", format!("{template}: {left}"))));
    let mut sheet = Sheet::new(&["time", "what", "detail"], brand.settings.utc_offset);
    sheet.rows = lines
        .into_iter()
        .map(|(at, what, detail)| vec![at.map_or(Cell::Empty, Cell::Time), Cell::text(what), Cell::Text(detail)])
        .collect();
    Ok(sheet)
}

fn follows(state: &State) -> Vec<Line> {
    let mut lines = Vec::new();
    for past in &state.past {
        lines.push((Some(past.since), "followed", past.channel.clone()));
        lines.push((Some(past.until), "unfollowed", past.channel.clone()));
    }
    if let Some(follow) = &state.follow {
        let what = if follow.seen { "followed" } else { "followed before our time" };
        lines.push((Some(follow.since), what, follow.channel.clone()));
    }
    lines
}

fn contacts(state: &State) -> Vec<Line> {
    // The first touch stands in the list too, until newer ones push it out.
    let first = state.first_touch.iter().filter(|first| state.touches.first() != Some(*first));
    let touches = first.chain(&state.touches).map(|touch| (Some(touch.at), "touch", touch.channel.clone()));
    let last = [
        ("known since", state.known_since),
        ("last message", state.last_message),
        ("last click", state.last_click),
        ("last scan", state.last_scan),
        ("opted out", state.opted_out),
    ];
    let last = last.into_iter().filter(|(_, at)| at.is_some()).map(|(what, at)| (at, what, String::new()));
    touches.chain(last).collect()
}

fn purchases(state: &State) -> Vec<Line> {
    let line = |(name, product): (&String, &crate::fold::fan::Product)| {
        let (count, quantity) = (product.count, product.quantity);
        let detail = format!("{name}: {count} times, {quantity} pieces, {} yuan", yuan(product.amount));
        (product.last(), "last bought", detail)
    };
    state.products.iter().map(line).collect()
}

/// A field that a dialog saved.
fn saved((name, field): (&str, &Field)) -> Line {
    let value = if field.personal { MASKED } else { &field.value };
    (Some(field.at), "saved", format!("{name}: {value}"))
}

/// A push stands where it was due.
fn pushes(state: &State) -> Vec<Line> {
    let line = |mark: &Mark| {
        let fate = match mark.fate() {
            Fate::Waiting => "planned",
            Fate::Skipped(skip) => {
                Skip::ALL.into_iter().find(|(_, one)| *one == skip).map_or("skipped", |(name, _)| name)
            }
            Fate::Unknown => "unknown",
            Fate::Sent => "sent",
            Fate::Refused => "refused",
            Fate::Delivered => "delivered",
        };
        let bought = if mark.has_bought() { ", bought since" } else { "" };
        (Some(mark.due), "push", format!("{}: {fate}{bought}", series_name(&mark.series)))
    };
    state.pushes.iter().map(line).collect()
}

/// What the fan asked the brand for, and whether an order of the shop's answers it.
fn asked(openid: &OpenId, records: &Records) -> Result<Vec<Line>, ReportError> {
    let requested = load(&requests::key(openid), records)?;
    let line = |(number, known): (&str, &requests::Known)| {
        let (kind, at) = known.asked?;
        let bought = if known.is_bought() { ", bought" } else { "" };
        Some((Some(at), "asked for", format!("{} {number}{bought}", kind.name())))
    };
    Ok(requested.iter().filter_map(line).collect())
}
