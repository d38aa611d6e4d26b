//! The journal as lines, and its messages answered once more.

use crate::brand::{START, erase, follow, openid, order, placed, push, reported, text};
use futures::FutureExt;
use guanxi::{
    facts::{
        Entry, Found, Place, Received,
        dialog::{Left, Saved, Step, What},
        order::OrderKind,
        push::{Group, LedgerNews, News, PushId, Series, What as Told},
        request::{Kind as Wish, Line, Request, Said},
    },
    journal::{
        SEQUENCE,
        export::{Mask, entries, line, read},
        reader::CURSOR,
        replay::{Live, Recorded, Replayed},
    },
    playbook::{Playbook, compile},
    store::{Store, memory::Memory},
    time::Timestamp,
    wechat::Kind,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PHONE: &str = "13800138000";

/// A text that left all that there is to leave.
fn ordered(fan: &str) -> Entry {
    let Entry::Received(received) = text(fan, 7, "送到南京路 1 号，电话 13800138000", Some("order")) else {
        panic!()
    };
    let saved = Saved { field: "phone".into(), value: PHONE.into(), personal: true, forget_days: Some(30) };
    let answered = What::Answered { step: "phone".into(), counted: None, saved: Some(saved) };
    let step = |what| Step { dialog: "order".into(), run: 5, what };
    let said = |step: &str, value: &str, personal| Said {
        step: step.into(),
        value: value.into(),
        words: String::new(),
        personal,
    };
    let request = Request {
        number: "7K3M9Q0XWT".into(),
        kind: Wish::Order,
        source: "order".into(),
        at: Timestamp(START + 7),
        answers: vec![said("phone", PHONE, true), said("pay", "online", false)],
        lines: vec![Line { product: "choc6".into(), name: "巧克力".into(), quantity: 2, price: 19_800 }],
        text: String::new(),
        forget_days: Some(30),
    };
    let steps = vec![
        step(What::Begun),
        step(answered),
        step(What::Tagged("有猫".into())),
        step(What::Finished { score: Some(3) }),
    ];
    let left = Left { steps, requests: vec![request], ..Left::default() }.encode();
    Entry::Received(Received { left, ..received })
}

fn place(fan: &str) -> Entry {
    let kind = Kind::Location {
        latitude: "31.2304".into(),
        longitude: "121.4737".into(),
        scale: "16".into(),
        label: "上海市黄浦区南京东路".into(),
    };
    Entry::Received(push(fan, 9, kind))
}

fn picture(fan: &str) -> Entry {
    let kind = Kind::Image { pic_url: "https://mmbiz.example/secret".into(), media_id: "media-secret".into() };
    Entry::Received(push(fan, 10, kind))
}

fn sent(fan: &str) -> Entry {
    Entry::Ledger(LedgerNews(vec![News {
        openid: openid(fan),
        id: PushId::of_reminder(&openid(fan), "food", Timestamp(START)),
        series: Series::Reminder("food".into()),
        due: Timestamp(START),
        outcome_days: 14,
        group: Some(Group::Treated),
        at: Timestamp(START + 20),
        what: Told::Sent(Some("1234567890".into())),
    }]))
}

fn everything() -> Vec<Entry> {
    let mut orders = order("order-secret-1", OrderKind::Order, "oSecretFan", 30, 19_800);
    orders.unionid = Some("union-secret".into());
    vec![
        follow("oSecretFan", 1, "pkg-12"),
        text("oSecretFan", 2, "1", Some("one")),
        text("oSecretFan", 3, "我的号码是１３８００１３８０００，要 2 个", None),
        ordered("oSecretFan"),
        place("oSecretFan"),
        picture("oSecretFan"),
        reported(31, [orders]),
        sent("oSecretFan"),
        erase("oSecretFan", 40),
        Entry::Damaged(Found::new("fan:oSecretFan", b"oSecretFan".to_vec())),
        text("oOther", 50, "你好", None),
    ]
}

#[test]
fn a_line_gives_its_entry_back() {
    for placed in placed(everything()) {
        let line = line(&placed, None);
        assert!(!line.contains('\n'));
        assert_eq!(read(&line).unwrap(), placed, "{line}");
    }
    let line = line(&placed([ordered("o1")])[0], None);
    assert!(line.contains("\"number\":\"7K3M9Q0XWT\""), "what a dialog left can be read: {line}");
}

#[test]
fn a_masked_line_is_an_entry_that_says_neither_who_nor_where() {
    let (mask, other) = (Mask::new([7; 16]), Mask::new([8; 16]));
    let all = placed(everything());
    let text: String = all.iter().map(|placed| line(placed, Some(&mask)) + "\n").collect();
    for secret in [
        "Secret",
        "secret",
        PHONE,
        "１３８",
        "31.23",
        "121.47",
        "南京东路",
        "7K3M9Q0XWT",
        "oOther",
        &PushId::of_reminder(&openid("oSecretFan"), "food", Timestamp(START)).to_string(),
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let back: Vec<_> = text.lines().map(|line| read(line).unwrap()).collect();
    let places = |all: &[guanxi::facts::Placed]| all.iter().map(|placed| placed.place).collect::<Vec<_>>();
    assert_eq!(places(&back), places(&all));
    let received = back.iter().filter_map(|placed| match &placed.entry {
        Entry::Received(received) => Some(received),
        _ => None,
    });
    let received: Vec<_> = received.collect();
    let (last, fans) = received.split_last().unwrap();
    let name = &fans[0].message.from_user_name;
    assert!(fans.iter().all(|received| received.message.from_user_name == *name), "one fan is one throughout");
    assert_ne!(last.message.from_user_name, *name);
    let Kind::Text { content, .. } = &fans[2].message.kind else { panic!() };
    assert_eq!(content, "我的号码是00000000000，要 2 个", "what a rule looks for stays");
    let step = Left::decode(&fans[3].left).unwrap();
    assert_eq!(
        (step.requests[0].answers[0].value.as_str(), step.requests[0].answers[1].value.as_str()),
        ("•", "online")
    );
    let elsewhere = line(&all[0], Some(&other));
    assert!(!elsewhere.contains(name.as_str()), "another export has other names");
}

#[test]
fn what_is_no_line_is_told_so() {
    for (text, why) in [
        ("", "EOF"),
        ("{}", "`place` is not such as"),
        ("{\"place\":\"3\"}", "`place` is not such as"),
        ("{\"place\":\"3:4\"}", "`entry` is missing"),
        ("{\"place\":\"3:4\",\"entry\":{\"Ereased\":1}}", "Ereased"),
        ("{\"place\":\"3:4\",\"entry\":{\"Received\":{\"left\":3}}}", "invalid type"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

fn put(store: &Memory, place: Place, bytes: &[u8]) {
    store.set(&place.to_string(), bytes).now_or_never().unwrap().unwrap();
}

#[test]
fn every_entry_that_is_kept_is_shown_once_in_its_place() {
    let store = Memory::default();
    let all = placed((0..300).map(|n| text("o1", n, "?", None)));
    for placed in &all {
        put(&store, placed.place, &placed.entry.encode());
    }
    store.increment(SEQUENCE, 5).now_or_never().unwrap().unwrap();
    put(&store, Place { stream: 5, index: 0 }, b"\x02?");
    let shown = || {
        let mut shown = Vec::new();
        let damaged = entries(&store, |placed| shown.push(placed)).now_or_never().unwrap();
        damaged.map(|damaged| (damaged, shown))
    };
    assert_eq!(shown().unwrap(), (1, all));
    // A cursor that cannot be read does not tell where the journal begins.
    store.set(CURSOR, b"\x01\xff").now_or_never().unwrap().unwrap();
    assert!(shown().unwrap_err().to_string().contains(CURSOR));
}

fn playbook(says: &str, id: &str) -> Playbook {
    let source = format!(
        "version = 1\naccount = \"service\"\nname = \"n\"\ndefault = \"sorry\"\n[replies.sorry]\ntype = \"text\"\ncontent = \"?\"\n\
         [[rules]]\nid = \"{id}\"\non = \"text\"\nmatch = {{ exact = \"1\" }}\ntext = \"{says}\"\n"
    );
    Playbook::load(&compile(&source).unwrap()).unwrap()
}

fn recorded(entries: impl IntoIterator<Item = Entry>) -> Vec<Recorded> {
    let received = entries.into_iter().filter_map(|entry| match entry {
        Entry::Received(received) => Recorded::of(received),
        _ => None,
    });
    received.collect()
}

#[test]
fn a_replay_compares_with_what_answered_then_or_word_by_word() {
    let draft = playbook("new", "one");
    let tries = [text("o1", 2, "1", Some("one")), text("o1", 2, "1", Some("one"))];
    let all = recorded(tries.into_iter().chain(everything()));
    let by_rule = Replayed::of_messages(all.clone(), Live::Recorded, &draft);
    let groups = |replayed: &Replayed| {
        let groups = replayed.groups.iter().map(|group| (group.live.clone(), group.draft.clone(), group.count));
        groups.collect::<Vec<_>>()
    };
    // o1's tries are one message. The order by dialog is no rule's of the draft.
    assert_eq!(by_rule.messages, 1 + 7);
    assert_eq!(groups(&by_rule), [(Some("order".into()), None, 1)]);
    assert_eq!(by_rule.groups[0].examples[0].live, None, "what it said is not recorded");
    let word_by_word = Replayed::of_messages(all.clone(), Live::Playbook(&playbook("old", "one")), &draft);
    assert_eq!(groups(&word_by_word), [(Some("one".into()), Some("one".into()), 2)]);
    let same = Replayed::of_messages(all.clone(), Live::Playbook(&draft), &draft);
    assert_eq!((same.changed(), same.since), (0, Some(Timestamp(START + 1))));
    // In whatever order they come.
    let mut turned = all;
    turned.reverse();
    assert_eq!(Replayed::of_messages(turned, Live::Recorded, &draft), by_rule);
}

#[test]
fn an_export_replays_as_the_store_does() {
    let all = placed((0..40).map(|n| text(&format!("o{}", n % 3), n, if n % 4 == 0 { "1" } else { "?" }, None)));
    let lines: Vec<_> = all.iter().map(|placed| line(placed, Some(&Mask::new([1; 16])))).collect();
    let masked = lines.iter().map(|line| read(line).unwrap().entry);
    let (masked, plain) = (recorded(masked), recorded(all.iter().map(|placed| placed.entry.clone())));
    let replay = |all| Replayed::of_messages(all, Live::Recorded, &playbook("x", "one"));
    assert_eq!((replay(masked.clone()).changed(), replay(masked).groups), (10, replay(plain).groups));
}
