//! The cost of an entry depends neither on how many fans there are nor on how old the account is.

use super::{
    tally::Tally,
    world::{START, Still, append, at, text},
};
use futures::FutureExt;
use guanxi::{
    facts::Placed,
    fold::rollup::{End, Folding, LOADED_BYTES, rollup},
    journal::Journal,
    store::{
        Store,
        memory::Memory,
        record::{FoldError, Knowledge, Write},
    },
};

/// Operations of a run over 2,000 entries of 500 fans, after `fans` others wrote and `minutes` went by.
fn cost(fans: u64, minutes: u64) -> u64 {
    let store = Memory::default();
    let run = |minute: u64| {
        rollup(&store, &Still, &Tally(1_000), at(minute), minute).now_or_never().unwrap().unwrap().entries
    };
    let instance = Journal::default();
    for fan in 0..fans {
        append(&store, &instance, START, &text(1_000 + fan, fan, START));
    }
    let folded: u64 = (0..minutes).map(run).sum();
    assert_eq!(folded, fans);
    let (instance, now) = (Journal::default(), at(minutes));
    for id in 0..2_000 {
        append(&store, &instance, now, &text(id % 500, 1_000_000 + id, now));
    }
    let before = store.operations();
    assert_eq!(run(minutes), 2_000);
    store.operations() - before
}

#[test]
fn the_cost_of_an_entry_does_not_grow() {
    let few = cost(100, 10);
    assert_eq!(cost(50_000, 10), few, "with the fans");
    assert_eq!(cost(100, 2_000), few, "with the age");
    assert!(few < 2_000 * 3, "{few} operations");
}

/// Every entry has a record of its own, a large one.
struct Heavy;

const LARGE: usize = 30_000;

impl Folding for Heavy {
    async fn fold(&self, entries: &[Placed], known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        let key = |placed: &Placed| format!("fan:{}:{}", placed.place.stream, placed.place.index);
        let keys: Vec<String> = entries.iter().map(key).collect();
        let loaded = known.get(&keys).await?;
        let bytes: usize = loaded.iter().flatten().map(Vec::len).sum();
        assert!(bytes <= LOADED_BYTES, "{bytes} bytes");
        assert!(loaded.iter().all(Option::is_some), "all that it asked for");
        Ok(keys.into_iter().map(|key| Write { key, value: Some(vec![2; LARGE]) }).collect())
    }

    fn keep_days(&self) -> u32 {
        7
    }
}

#[test]
fn a_chunk_that_would_need_too_much_memory_is_made_smaller() {
    let (store, instance) = (Memory::default(), Journal::default());
    for id in 0..1_000 {
        let place = append(&store, &instance, START, &text(1, id, START));
        let key = format!("fan:{}:{}", place.stream, place.index);
        store.set(&key, &vec![1; LARGE]).now_or_never().unwrap().unwrap();
    }
    let report = rollup(&store, &Still, &Heavy, START, 1).now_or_never().unwrap().unwrap();
    assert_eq!((report.entries, report.end), (1_000, End::Done));
    assert!(report.chunks >= 5, "{} chunks", report.chunks);
    let fans = store.values().into_iter().filter(|(key, _)| key.starts_with("fan:"));
    assert!(fans.into_iter().all(|(_, value)| value[0] == 2));
}
