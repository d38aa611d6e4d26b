//! A fold of a few lines, so that the tests of the rollup do not depend on what the real one knows.

use guanxi::{
    facts::{Entry, Placed},
    fold::rollup::Folding,
    store::{
        format,
        record::{FoldError, Knowledge, Records, Write},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Counts distinct messages per fan, and all entries with copies, so that a chunk folded twice shows. In chunks of at most
/// so many entries.
pub(crate) struct Tally(pub(crate) usize);

/// The fan's messages in the order of their time: their identities.
type Fan = BTreeSet<(u64, Option<String>)>;

fn fan_of(placed: &Placed) -> Option<(String, (u64, Option<String>))> {
    let Entry::Received(received) = &placed.entry else { return None };
    let message = &received.message;
    Some((message.from_user_name.to_string(), (message.create_time.0, message.msg_id.clone())))
}

impl Folding for Tally {
    async fn fold(&self, entries: &[Placed], known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        let mut loaded = Records::new();
        let fans: BTreeSet<String> = entries.iter().filter_map(fan_of).map(|(fan, _)| format!("fan:{fan}")).collect();
        // In two rounds, as the real fold has them.
        for keys in [fans.into_iter().collect(), vec!["count:all".to_owned()]] {
            let values = known.get(&keys).await?;
            loaded.extend(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))));
        }
        let mut fans: BTreeMap<String, Fan> = BTreeMap::new();
        let mut all: u64 = loaded.get("count:all").map_or(0, |bytes| format::decode(1, bytes).unwrap());
        for (openid, message) in entries.iter().filter_map(fan_of) {
            let stored = || loaded.get(&format!("fan:{openid}")).map(|bytes| format::decode(1, bytes).unwrap());
            let fan = fans.entry(openid.clone()).or_insert_with(|| stored().unwrap_or_default());
            fan.insert(message);
            all += 1;
        }
        let mut writes = vec![Write { key: "count:all".into(), value: Some(format::encode(1, &all)) }];
        for (openid, fan) in fans {
            // There is one after an odd number of messages: a record that comes and goes.
            let due = (fan.len() % 2 == 1).then(|| format::encode(1, &fan.len()));
            writes.push(Write { key: format!("due:{openid}"), value: due });
            writes.push(Write { key: format!("fan:{openid}"), value: Some(format::encode(1, &fan)) });
        }
        Ok(writes)
    }

    fn keep_days(&self) -> u32 {
        7
    }

    fn chunk_entries(&self) -> usize {
        self.0
    }
}
