//! What a change writes, what a run that died in the middle of one leaves, and what becomes of a record that is damaged.

use super::*;
use crate::{
    facts::push::What,
    playbook::{Campaign, Content, Form, Segment},
    push::{
        head::{self, ACCOUNT, CAMPAIGNS, HEAD, KEYS, PACES, Plan, Running, Texts},
        ledger::Subject,
        pace::Pace,
        queue::{Progress, Queue},
    },
    store::{
        format,
        memory::{Fate, Memory, Verb},
    },
    time::Timestamp,
};
use futures::FutureExt;
use std::{
    borrow::Cow,
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

struct Still;

impl Timer for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        futures::future::pending().await
    }
}

/// What a run does with its book. None: it died.
fn run<R>(
    store: &Memory,
    number: u64,
    pushes: &Pushes,
    work: impl AsyncFnOnce(&Book<'_, Memory, Still>) -> Result<R, Stop>,
) -> Option<Result<R, Stop>> {
    // Every run finds the one before it dead.
    let now = Timestamp(number * 600);
    let run = Run::start(store, &Still, "push", number, now).now_or_never()?.unwrap();
    let journal = Journal::default();
    async { work(&Book::open(&run, &journal, pushes).await?).await }.now_or_never()
}

/// A run that does what it is to.
fn live<R>(store: &Memory, number: u64, work: impl AsyncFnOnce(&Book<'_, Memory, Still>) -> Result<R, Stop>) -> R {
    run(store, number, &Pushes::default(), work).unwrap().unwrap()
}

/// A large campaign.
fn campaign(at: u64) -> Campaign {
    let field = |n| (format!("thing{n}"), "周年庆全场八折".to_owned());
    let form = Form { template_id: "t".repeat(43), fields: (0..10).map(field).collect(), url: None, miniprogram: None };
    let segment = Segment { channels: (0..400).map(|n| format!("channel-{n:04}")).collect(), ..Segment::default() };
    Campaign { at: Timestamp(at), segment, holdout: 0, ways: Content::Template(form).into() }
}

fn begins(head: &mut Head, id: &str, at: u64) {
    head.campaigns.insert(id.to_owned(), Running::new(campaign(at)));
}

fn queue() -> Queue {
    Queue::Campaign("party".into())
}

/// A head that says something of everything.
fn fill(head: &mut Head) {
    begins(head, "party", 60);
    begins(head, "other", 61);
    head.due.insert(20_000, 7);
    head.outcomes = 5;
    head.queues.insert(queue(), Progress { due: Timestamp(60), queued: 1_000, ..Progress::default() });
    head.sending.insert((queue(), 3));
    head.account.token = Some((Timestamp(1), Timestamp(7_201)));
    head.account.paces.iter_mut().for_each(|pace| pace.count(60_000, 3));
    (0..20).for_each(|n| head.account.alarm(&format!("errcode {n}"), "unknown code ".repeat(8), Timestamp(60)));
    campaign(60).ways.iter().for_each(|content| head.account.stop(content));
}

#[test]
fn after_a_write_that_failed_every_other_says_why_that_one_did() {
    let (store, fails) = (Memory::default(), Rc::new(Cell::new(false)));
    let failing = fails.clone();
    store.judge_by(move |_| if failing.get() { Fate::Fails } else { Fate::Works });
    live(&store, 1, async |book| {
        let write = async || book.write(Change::default(), |head| head.outcomes += 1).await;
        assert_eq!(write().await, Ok(()));
        fails.set(true);
        let first = write().await.unwrap_err();
        assert!(matches!(first, Stop::Store(_)), "{first}");
        // The store is well again; but what memory and store have may differ.
        fails.set(false);
        assert_eq!((write().await, write().await), (Err(first.clone()), Err(first)));
        Ok(())
    });
}

/// What is written from now on: bytes by key.
fn watch(store: &Memory) -> Rc<RefCell<Vec<String>>> {
    let keys = Rc::new(RefCell::new(Vec::new()));
    let noted = keys.clone();
    store.judge_by(move |operation| {
        if !matches!(operation.verb, Verb::Get | Verb::Increment) {
            noted.borrow_mut().push(operation.key.to_owned());
            noted.borrow_mut().extend(operation.rest.iter().map(|key| (*key).to_owned()));
        }
        Fate::Works
    });
    keys
}

fn fan(number: usize) -> OpenId {
    format!("oFan{number:024}").parse().unwrap()
}

/// A push of a campaign to a fan.
fn entry(openid: &OpenId) -> ledger::Entry {
    let subject = Subject::Campaign("party".into());
    let (id, due) = (subject.id(openid), Timestamp(60));
    ledger::Entry { id, subject, due, outcome_days: 14, planned: due, state: State::Planned, went: None }
}

/// Eight pushes came back, and eight leave.
fn batch(fans: &[OpenId]) -> Change {
    let (mut change, now) = (Change::default(), Timestamp(60));
    for (at, openid) in fans.iter().enumerate() {
        let entry = entry(openid);
        if at < 8 {
            change.news.push(entry.news(openid, None, now, What::Sent(None)));
            change.ended.push((openid.clone(), entry.id, State::Sent(now, None)));
        } else {
            change.begins.push((openid.clone(), entry.id, State::Sending(now)));
        }
    }
    change
}

#[test]
fn a_batch_of_sends_writes_what_it_changed_and_neither_campaigns_nor_alarms() {
    let store = Memory::default();
    let (keys, fans) = (watch(&store), (0..16).map(fan).collect::<Vec<_>>());
    live(&store, 1, async |book| {
        book.write(Change::default(), fill).await?;
        let all: BTreeSet<String> = KEYS.map(String::from).into();
        assert_eq!(keys.take().split_off(1).into_iter().collect::<BTreeSet<_>>(), all, "behind the run's own record");
        book.acquire(&fans).await?;
        for openid in &fans {
            book.change(openid, |ledger| ledger.add(entry(openid), 20));
        }
        let sent = |head: &mut Head| {
            head.account.paces[0].count(61_000, 8);
            head.queues.entry(queue()).or_default().done = 8;
            head.sending = (8..16).map(|at| (queue(), at)).collect();
        };
        book.write(batch(&fans), sent).await?;
        let (keys, values) = (keys.take(), store.values());
        let expected =
            ["journal:1:0".to_owned()].into_iter().chain(fans.iter().map(|openid| ledger::key(openid).into()));
        assert_eq!(keys, expected.chain([PACES, HEAD[0], HEAD[1]].map(String::from)).collect::<Vec<_>>());
        let bytes: usize = keys.iter().map(|key| values[key].len()).sum();
        assert!(bytes < 1_500, "{bytes} bytes");
        let rest: usize = [CAMPAIGNS[0], ACCOUNT].iter().map(|key| values[*key].len()).sum();
        assert!(rest > 7_000, "is this blind? {rest}");
        Ok(())
    });
}

#[test]
fn a_change_of_nothing_is_no_store_operation_and_the_next_run_knows_what_is_stored() {
    let store = Memory::default();
    live(&store, 1, async |book| book.write(Change::default(), fill).await);
    live(&store, 2, async |book| {
        let before = store.operations();
        book.write(Change::default(), |_| ()).await?;
        assert_eq!(store.operations(), before);
        let keys = watch(&store);
        book.write(Change::default(), |head| head.account.token = None).await?;
        book.write(Change::default(), |head| head.outcomes += 1).await?;
        book.write(Change::default(), |head| head.account.paces[2].count(62_000, 1)).await?;
        assert_eq!(keys.take(), [ACCOUNT, HEAD[0], HEAD[1], PACES]);
        Ok(())
    });
}

/// What both records of a kind say, if they can be read.
fn both<R>(store: &Memory, keys: [&str; 2], read: impl Fn(&[u8]) -> Result<R, RecordError>) -> Vec<R> {
    let values = store.values();
    keys.iter().filter_map(|key| values.get(*key)).map(|bytes| read(bytes).unwrap()).collect()
}

fn texts(store: &Memory) -> Vec<BTreeMap<String, Campaign>> {
    let read = |bytes: &[u8]| format::decode::<BTreeMap<String, Campaign>>(2, bytes);
    both(store, CAMPAIGNS, read)
}

/// The campaigns that each stored head names, and how far its outcomes are.
fn named(store: &Memory) -> Vec<(BTreeSet<String>, u64)> {
    both(store, HEAD, Plan::decode)
        .into_iter()
        .map(|plan| {
            let all = RefCell::new(BTreeSet::new());
            let (head, _) = plan.with(|id| {
                all.borrow_mut().insert(id.to_owned());
                None
            });
            (all.take(), head.outcomes)
        })
        .collect()
}

/// Campaigns begin and go, alone and together, with pages and without; and a fan is forgotten.
async fn history(book: &Book<'_, Memory, Still>) -> Result<(), Stop> {
    let pages = || Change { pages: vec![("plan:c:a:0".into(), vec![1])], ..Change::default() };
    book.write(Change::default(), |head| {
        begins(head, "a", 1);
        begins(head, "b", 2);
    })
    .await?;
    book.write(pages(), |head| head.outcomes = 1).await?;
    book.write(pages(), |head| {
        begins(head, "c", 3);
        head.campaigns.remove("a");
        head.account.unreadable(format!("ledger:{}", fan(1)), Timestamp(60));
    })
    .await?;
    book.write(Change::default(), |head| {
        head.outcomes = 2;
        head.account.forget(&fan(1));
    })
    .await?;
    book.write(Change::default(), |head| drop(head.campaigns.remove("b"))).await?;
    // Again under the same name, with other contents.
    book.write(Change::default(), |head| begins(head, "b", 4)).await?;
    book.write(Change::default(), |head| drop(head.campaigns.remove("c"))).await?;
    book.write(Change::default(), |head| head.outcomes = 3).await
}

#[test]
fn wherever_a_change_is_cut_off_no_stored_head_names_a_campaign_without_contents_or_a_fan_who_is_forgotten() {
    let calm = Memory::default();
    live(&calm, 1, history);
    let (operations, end) = (calm.operations(), calm.values());
    assert_eq!(texts(&calm)[0].keys().collect::<Vec<_>>(), ["b"], "contents go with the next write");
    let mut seen = BTreeSet::new();
    for number in 0..operations {
        for fate in [Fate::StopsBefore, Fate::StopsAfter, Fate::StopsHalfway, Fate::LosesAnswer, Fate::Fails] {
            let store = Memory::default();
            store.judge_by(move |operation| if operation.number == number { fate } else { Fate::Works });
            if number < 3 && matches!(fate, Fate::LosesAnswer | Fate::Fails) {
                continue;
            }
            run(&store, 1, &Pushes::default(), history);
            let (heads, contents) = (named(&store), texts(&store));
            for (named, outcomes) in &heads {
                assert!(contents.len() == 2 || named.is_empty(), "{number} {fate:?}");
                for contents in &contents {
                    let missing: Vec<_> = named.iter().filter(|id| !contents.contains_key(*id)).collect();
                    assert_eq!(missing, [""; 0], "{number} {fate:?}");
                }
                let account = store.values().remove(ACCOUNT).unwrap_or_default();
                let says = String::from_utf8_lossy(&account).contains(fan(1).as_str());
                assert!(!says || *outcomes < 2, "{number} {fate:?}");
                seen.insert((named.clone(), says));
            }
            // The next run has them all, and nothing to tell.
            let names = live(&store, 2, async |book| {
                let head = book.head();
                assert!(
                    head.account.alarms.iter().all(|alarm| alarm.about == "unreadable records"),
                    "{number} {fate:?}"
                );
                Ok(head.campaigns.keys().cloned().collect::<BTreeSet<_>>())
            });
            assert_eq!(names, heads.into_iter().next().unwrap_or_default().0, "{number} {fate:?}");
            live(&store, 3, history);
            let values = store.values();
            assert!(KEYS.iter().all(|key| values[*key] == end[*key]), "{number} {fate:?}");
        }
    }
    assert_eq!(seen.len(), 6, "is this blind? {seen:?}");
}

/// Bytes that cannot be read: nothing, too little, too much, something else.
fn damages(good: &[u8]) -> [Vec<u8>; 4] {
    let something: Vec<u8> = good.iter().take(1).copied().chain([0xFF; 40]).collect();
    [Vec::new(), good[..good.len() - 1].to_vec(), [good, &[0]].concat(), something]
}

fn filled() -> Memory {
    let store = Memory::default();
    live(&store, 1, async |book| book.write(Change::default(), fill).await);
    store
}

fn put(store: &Memory, key: &str, bytes: &[u8]) {
    store.set(key, bytes).now_or_never().unwrap().unwrap();
}

/// Alarms by what they are about, but for those that [`fill`] raises.
fn alarms(head: &Head) -> Vec<(String, String)> {
    let new = head.account.alarms.iter().filter(|alarm| !alarm.about.starts_with("errcode"));
    new.map(|alarm| (alarm.about.clone(), alarm.says.clone())).collect()
}

#[test]
fn a_record_that_is_damaged_is_told_and_written_anew_and_what_others_say_stays() {
    let mut whole = Head::default();
    fill(&mut whole);
    for key in KEYS {
        for bad in damages(&filled().values()[key]) {
            let store = filled();
            put(&store, key, &bad);
            live(&store, 2, async |book| {
                assert_eq!(book.told(), [key], "{bad:?}");
                let mut head = book.head().clone();
                let told = ("damaged records".to_owned(), format!("{key} is set aside"));
                assert_eq!(alarms(&head), [told], "{bad:?}");
                let mut expected = whole.clone();
                head.account.alarms.retain(|alarm| alarm.about != "damaged records");
                match key {
                    ACCOUNT => {
                        expected.account = head::Standing { paces: whole.account.paces.clone(), ..Default::default() }
                    }
                    PACES => expected.account.paces = std::array::from_fn(|_| Pace::lost(1_200_000)),
                    _ => {}
                }
                assert_eq!(head, expected, "{key} {bad:?}");
                book.write(Change::default(), |_| ()).await
            });
            live(&store, 3, async |book| {
                assert_eq!(book.told(), [""; 0], "{key} {bad:?}");
                assert_eq!(book.head().campaigns, whole.campaigns);
                Ok(())
            });
        }
    }
}

#[test]
fn campaigns_that_are_damaged_twice_come_from_the_playbook_and_others_stop_with_an_alarm() {
    let pushes = Pushes { campaigns: [("party".to_owned(), campaign(77))].into(), ..Pushes::default() };
    for bad in damages(&filled().values()[CAMPAIGNS[0]]) {
        let store = filled();
        CAMPAIGNS.iter().for_each(|key| put(&store, key, &bad));
        let opened = run(&store, 2, &pushes, async |book| {
            assert_eq!(book.told(), CAMPAIGNS);
            let head = book.head().clone();
            let running = Running::new(campaign(77));
            assert_eq!(head.campaigns, [("party".to_owned(), running)].into());
            let (about, says) = alarms(&head).pop().unwrap();
            assert!(about == "lost campaigns" && says.ends_with(": other"), "{about}: {says}");
            assert_eq!(head.queues.len(), 1, "how far the others are stays known");
            book.write(Change::default(), |_| ()).await
        });
        opened.unwrap().unwrap();
        live(&store, 3, async |book| {
            assert_eq!(book.told(), [""; 0]);
            assert_eq!(book.head().campaigns.keys().collect::<Vec<_>>(), ["party"]);
            Ok(())
        });
    }
}

#[test]
fn a_record_of_a_newer_guanxi_stops_the_run_and_stays() {
    for key in KEYS {
        let store = filled();
        put(&store, key, &[9, 1, 2]);
        let stop = run(&store, 2, &Pushes::default(), async |_| Ok(())).unwrap().unwrap_err();
        assert_eq!(stop, Stop::Record { key: key.to_owned(), error: RecordError::Newer(9) });
        assert_eq!(store.values()[key], [9, 1, 2]);
    }
}

#[test]
fn who_asks_from_outside_sees_the_campaigns_that_both_records_have() {
    let store = filled();
    let mut head = Head::default();
    fill(&mut head);
    begins(&mut head, "goes", 62);
    put(&store, HEAD[0], &Plan::from(&head).encode());
    let both = ["comes", "other", "party"].map(|id| (Cow::Borrowed(id), Cow::Owned(campaign(60))));
    put(&store, CAMPAIGNS[0], &Texts::from(both).encode());
    let progress = head::progress(&store).now_or_never().unwrap().unwrap();
    assert_eq!(progress.campaigns.keys().collect::<Vec<_>>(), ["other", "party"]);
    assert_eq!((progress.queues, progress.outcomes), (head.queues.clone(), 5));
    assert_eq!(head::standing(&store).now_or_never().unwrap().unwrap(), head.account);
    let nothing = Memory::default();
    assert_eq!(head::progress(&nothing).now_or_never().unwrap(), Ok(Head::default()));
    assert_eq!(head::standing(&nothing).now_or_never().unwrap(), Ok(head::Standing::default()));
}
