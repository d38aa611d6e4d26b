//! Sets damaged records aside: see [`crate::fold::damaged`].

use super::Failure;
use crate::{
    facts::{Found, Place, push::outcomes, request},
    fold::{
        DueCursor,
        damaged::{self, Failed, KEPT_DAYS, LIST, List, Progress, Repair, WISH, Wish},
        replay::Replay,
    },
    journal::reader::CURSORS,
    store::{
        Store, Timer, commit,
        key::Stored as _,
        keys,
        lease::{READS_AT_ONCE, Run, Stop},
        list::{self, Length, PAGE, Page},
        record::{FoldError, Record as _, Write},
    },
    time::Timestamp,
};

/// Sets the record at `key` aside, and puts in its place what the rest can go on with.
pub(super) async fn set_aside<S: Store, T: Timer>(run: &Run<'_, S, T>, key: &str) -> Result<(), Failure> {
    let Some(bytes) = run.get(key).await? else { return Ok(()) };
    let value = stand_in(run, key).await?;
    set_aside_for(run, key, bytes, value).await
}

/// As [`set_aside`], with a known value instead.
pub(super) async fn set_aside_for<S: Store, T: Timer>(
    run: &Run<'_, S, T>,
    key: &str,
    bytes: Vec<u8>,
    value: Option<Vec<u8>>,
) -> Result<(), Failure> {
    let mut list = list(run).await?;
    let is_repaired = list.repairs() == Some(key);
    if !list.note(key, run.now(), bytes.len()) {
        return Err(FoldError::Damaged { key: key.to_owned() }.into());
    }
    let mut writes = vec![Write { key: damaged::key(key), value: Some(bytes) }, List::key().put(&list)];
    if damaged::fan_of(key).is_some() {
        // From here on the entries are folded into what takes its place.
        let cursors = run.get_all(&CURSORS.map(String::from)).await?;
        let stored = |n: usize| cursors.get(n).and_then(Option::as_deref);
        let cursor = super::cursor([stored(0), stored(1)])?;
        writes.push(damaged::cursor_key(key).put(&cursor));
    }
    if is_repaired {
        writes.push(Replay::key().take());
    }
    if key != LIST {
        writes.push(Write { key: key.to_owned(), value });
    }
    Ok(run.commit(writes).await?)
}

/// Sets aside what is left of a redo record that cannot be finished. It cannot be used for that itself; but the same again
/// does no harm, so a run that dies here is followed by one that begins here.
pub(super) async fn set_redo_aside<S: Store, T: Timer>(run: &Run<'_, S, T>) -> Result<(), Failure> {
    let mut list = list(run).await?;
    for key in commit::keys() {
        let Some(bytes) = run.get(&key).await? else { continue };
        // What finds no room is no loss: nobody can do much with it.
        if list.note(&key, run.now(), bytes.len()) {
            run.set(&damaged::key(&key), &bytes).await?;
        }
    }
    run.set(LIST, &list.encode()).await?;
    Ok(commit::forget(run).await?)
}

/// Notes entries of the journal that cannot be read. They stay where they are, as long as the others.
pub(super) async fn note_entries<S: Store, T: Timer>(
    run: &Run<'_, S, T>,
    unread: Vec<(Place, Vec<u8>)>,
) -> Result<(), Failure> {
    let (mut list, mut writes) = (list(run).await?, Vec::new());
    for (place, bytes) in unread {
        let key = place.to_string();
        if list.note(&key, run.now(), bytes.len()) {
            writes.push(Write { key: damaged::key(&key), value: Some(bytes) });
        }
    }
    writes.push(List::key().put(&list));
    Ok(run.commit(writes).await?)
}

/// Sets aside what push found: a page of a list, if it is still as it was found; of another's record only what it was, because
/// its owner has seen to it. False: nothing was to be done.
pub(super) async fn take_found<S: Store, T: Timer>(run: &Run<'_, S, T>, found: &Found) -> Result<bool, Failure> {
    let Found { key, bytes } = found;
    if keys::list_of(key).is_some() {
        let is_as_found = run.get(key).await?.is_some_and(|stored| Found::new(key, stored) == *found);
        if is_as_found {
            set_aside(run, key).await?;
        }
        return Ok(is_as_found);
    }
    let mut list = list(run).await?;
    let has_room = list.note(key, run.now(), bytes.len());
    if has_room {
        let kept = Write { key: damaged::key(key), value: Some(bytes.clone()) };
        run.commit(vec![kept, List::key().put(&list)]).await?;
    }
    Ok(has_room)
}

/// Drops what has been kept long enough, and takes up what the console wishes. A repair that is wished while another is under
/// way waits for its end.
pub(super) async fn tidy<S: Store, T: Timer>(run: &Run<'_, S, T>) -> Result<(), Failure> {
    let [list, wish] = <[_; 2]>::try_from(run.get_all(&[LIST.into(), WISH.into()]).await?).unwrap_or_default();
    let mut list = List::found(list.as_deref());
    let (before, wish) = (list.clone(), wish.map(|wish| Wish::decode(&wish)));
    let is_old = |at: Timestamp| at.0.saturating_add(KEPT_DAYS * 86_400) < run.now().0;
    let is_dropped = |key: &str| matches!(&wish, Some(Wish::Drop(wished)) if wished == key);
    let due = list.set_aside.iter().filter(|damaged| is_old(damaged.at) || is_dropped(&damaged.key));
    let due: Vec<String> = due.map(|damaged| damaged.key.clone()).collect();
    let mut gone: Vec<String> = due.iter().flat_map(|key| damaged::keys(key)).collect();
    for key in &due {
        list.take(key);
        list.fail(key, Failed::Dropped, run.now());
    }
    let is_other = |key: &String| list.repairs().is_some_and(|repaired| repaired != key);
    let waits = matches!(&wish, Some(Wish::Repair(key)) if is_other(key));
    if let Some(Wish::Repair(key)) = wish.clone().filter(|wish| list.repairs().is_none() && list.has(wish.key())) {
        let state = Progress::Replays { pass: 0, streams: 0, of: 0 };
        list.repair = Some(Repair { key, began: run.now(), state });
    }
    // What came of a repair is of no use for longer than what was set aside.
    list.repair
        .take_if(|repair| list.set_aside.iter().all(|damaged| damaged.key != repair.key) && is_old(repair.began));
    if list.repairs() != before.repairs() {
        gone.push(Replay::key().into());
    }
    if wish.is_some() && !waits {
        gone.push(WISH.to_owned());
    }
    let mut writes: Vec<Write> = gone.into_iter().map(|key| Write { key, value: None }).collect();
    if list != before {
        writes.push(Write { key: LIST.to_owned(), value: (!list.is_nothing()).then(|| list.encode()) });
    }
    Ok(run.commit(writes).await?)
}

async fn list<S: Store, T: Timer>(run: &Run<'_, S, T>) -> Result<List, Stop> {
    Ok(List::found(run.get(LIST).await?.as_deref()))
}

/// What takes the place of a damaged record; none: nothing, so that it is new. A page is followed by others and a list counts on,
/// so these leave no hole.
async fn stand_in<S: Store, T: Timer>(run: &Run<'_, S, T>, key: &str) -> Result<Option<Vec<u8>>, Stop> {
    let Some((list, part)) = keys::list_of(key) else { return Ok(None) };
    let items = match part.parse::<u64>() {
        Ok(page) => {
            let head = run.get(&list.head()).await?.map(|bytes| Length::decode(&bytes));
            // Of a list that does not say how long it is, the page counts as full.
            head.map_or(PAGE, |head| head.map_or(PAGE, |Length(items)| items.saturating_sub(page * PAGE).min(PAGE)))
        }
        Err(_) if *key == *list.head() => {
            let count = Length(count(run, &list).await?);
            return Ok((!count.is_nothing()).then(|| count.encode()));
        }
        Err(_) => 0,
    };
    Ok((items > 0).then(|| Page::<()>(vec![None; items as usize]).encode()))
}

/// How many items a list has, by its pages.
async fn count<S: Store, T: Timer>(run: &Run<'_, S, T>, list: &list::List<()>) -> Result<u64, Stop> {
    let mut page = first_page(run, list).await?;
    let mut count = page * PAGE;
    loop {
        let keys: Vec<String> = (page..page + READS_AT_ONCE as u64).map(|page| list.page(page * PAGE).into()).collect();
        for value in run.get_all(&keys).await? {
            let Some(bytes) = value else { return Ok(count) };
            // A page begins with the number of its items, whatever these are.
            let items = bytes.get(1..).and_then(|page| postcard::take_from_bytes::<u64>(page).ok());
            count = page * PAGE + items.map_or(PAGE, |(items, _)| items.min(PAGE));
            page += 1;
        }
    }
}

/// The first page that is not gone.
async fn first_page<S: Store, T: Timer>(run: &Run<'_, S, T>, list: &list::List<()>) -> Result<u64, Stop> {
    // What cannot be read says nothing.
    let page = if *list.gone() == *outcomes().gone() || *list.gone() == *request::list().gone() {
        let gone = run.get(&list.gone()).await?;
        gone.and_then(|bytes| Length::decode(&bytes).ok()).map(|Length(items)| items / PAGE)
    } else if let Some(day) = list.gone().strip_prefix("due:").and_then(|rest| rest.split(':').next()?.parse().ok()) {
        let cursor = run.get(&DueCursor::key()).await?;
        cursor.and_then(|bytes| DueCursor::decode(&bytes).ok()).and_then(|cursor| cursor.page_of(day))
    } else {
        None
    };
    Ok(page.unwrap_or_default())
}
