//! The playbook's page: the draft, its problems, what it changes, publications.

use super::{
    CSRF, brand,
    html::{Html, parsed},
    moment,
};
use crate::brand::{START, text as said};
use futures::FutureExt;
use guanxi::{
    console::{
        self, Language, Page, Posted, Versions, View,
        desk::{self, BuiltIn, Desk, Done, Form, Found},
    },
    facts::{Entry, Erase},
    journal::{Journal, replay::MESSAGES_MAX},
    playbook::publish::request::Refused,
    store::{Timer, memory::Memory},
    time::Timestamp,
};
use std::{collections::BTreeSet, pin::pin, time::Duration};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Time stands still.
struct Still;

impl Timer for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

const NOW: Timestamp = Timestamp(1_800_000_000);

fn playbook(says: &str) -> String {
    format!(
        "version = 1\naccount = \"service\"\nname = \"n\"\ndefault = \"sorry\"\n[replies.sorry]\ntype = \"text\"\ncontent = \"?\"\n\
         [[rules]]\nid = \"word\"\non = \"text\"\nmatch = {{ exact = \"暗号\" }}\ntext = \"{says}\"\n"
    )
}

fn built_in() -> BuiltIn {
    let source = playbook("built in");
    BuiltIn { compiled: guanxi::playbook::compile(&source).unwrap().leak(), source: source.leak() }
}

fn now<T>(work: impl Future<Output = T>) -> T {
    pin!(work).now_or_never().expect("nothing to wait for")
}

fn shown(store: &Memory, asked: Versions) -> Desk {
    now(desk::shown(store, asked, built_in())).unwrap()
}

/// What a browser posts from a form of a page, with some fields filled in otherwise.
fn form(desk: &Desk, wish: &str, fields: &[(&str, &str)]) -> Form {
    let (base, theirs, live) = (desk.form.base.to_string(), desk.base.to_string(), desk.form.live.to_string());
    // A browser ends lines as HTML says.
    let text = desk.form.text.replace('\n', "\r\n");
    let own = [("base", base.as_str()), ("theirs", &theirs), ("live", &live), ("text", &text), ("why", &desk.form.why)];
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("do", wish).extend_pairs(fields);
    body.extend_pairs(own.iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name)));
    Form::of(&Posted::parse(body.finish().as_bytes()))
}

fn posted_at(store: &Memory, form: Form, by: &str, at: u64) -> Done {
    now(desk::posted(store, &Still, form, by, built_in(), (at, Timestamp(NOW.0 + at)))).unwrap()
}

fn page_of(done: Done) -> (u16, Desk) {
    match done {
        Done::Page(status, desk) => (status, *desk),
        done => panic!("{done:?}"),
    }
}

fn html(desk: &Desk, language: Language) -> Html {
    let page = Page::Playbook(Versions::default());
    parsed(&console::playbook(&View { language, csrf: CSRF, page: &page, brand: &brand(), moment: moment() }, desk))
}

/// By both steps.
fn published(store: &Memory, text: &str, at: u64) -> u32 {
    let first = form(&shown(store, Versions::default()), "publish", &[("text", text), ("why", "because")]);
    let (status, sure) = page_of(posted_at(store, first, "W", at));
    assert!(status == 200 && matches!(sure.found, Found::Sure(Some(_), _, false)), "{:?}", sure.found);
    match posted_at(store, form(&sure, "sure", &[]), "W", at) {
        Done::Published(published) => published.number,
        done => panic!("{done:?}"),
    }
}

/// A journal of these messages.
fn journal(store: &Memory, entries: impl IntoIterator<Item = Entry>) {
    let journal = Journal::default();
    for entry in entries {
        now(journal.append(store, &Still, Timestamp(START), &entry)).unwrap();
    }
}

/// A page of each kind, with a text of somebody's in all its places.
fn desks(word: &str) -> Vec<Desk> {
    let store = Memory::default();
    journal(&store, [said("o1", 0, word, None), said("o1", 1, "暗号", None)]);
    let quoted: String = word.chars().filter(|letter| !letter.is_control() && !"\"\\{}".contains(*letter)).collect();
    let text = playbook(&quoted);
    let start = shown(&store, Versions::default());
    let post = |wish, fields: &[(&str, &str)]| page_of(posted_at(&store, form(&start, wish, fields), word, 0)).1;
    let mut desks = vec![start.clone()];
    desks.push(post("check", &[("text", &format!("{word}\n= {word}"))]));
    for wish in ["check", "differ", "try", "replay", "publish"] {
        desks.push(post(wish, &[("text", &text), ("said", "暗号"), ("channel", word)]));
    }
    desks.push(post("try", &[("text", &text), ("at", word)]));
    assert_eq!(posted_at(&store, form(&start, "save", &[("text", word)]), word, 0), Done::Saved);
    desks.push(post("save", &[("text", &text), ("why", word)]));
    desks.push(shown(&store, Versions { show: Some(0), ..Versions::default() }));
    desks.push(shown(&store, Versions { show: Some(9), ..Versions::default() }));
    published(&store, &text, 60);
    desks.push(shown(&store, Versions { show: Some(1), against: Some(0), done: None }));
    desks
}

#[test]
fn every_page_is_whole_in_both_languages_and_says_every_word_in_its_own() {
    for desk in desks("WORD") {
        for language in [Language::Zh, Language::En] {
            let html = html(&desk, language);
            assert_eq!(html.all("h1").len(), 1);
            for link in
                html.all("a").iter().filter_map(|link| link.attribute("href")).filter(|link| *link != "#content")
            {
                let (path, query) = link.split_once('?').unwrap_or((link, ""));
                assert!(matches!(Page::at(path, query), Ok(Some(_))), "{link}");
            }
            for text in html.texts_outside(&["pre", "code", "textarea", "bdi", "title"]) {
                let chinese = text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
                let small = text.chars().filter(char::is_ascii_lowercase).count();
                let is_name = ["English", "openid", "中文"].contains(&text.trim());
                match language {
                    Language::En => assert!(!chinese || is_name, "{text}"),
                    Language::Zh => assert!(small < 3 || is_name, "{text}"),
                }
            }
        }
    }
}

/// The parser knows what a page may have at all; and here it has nothing that it has not with a harmless word.
#[test]
fn whatever_somebody_writes_a_page_has_no_other_elements() {
    assert_eq!(html(&desks("x")[0], Language::En).all("script").len(), 1);
    let elements = |word: &str| -> BTreeSet<String> {
        desks(word).iter().flat_map(|desk| html(desk, Language::En).structure()).collect()
    };
    let harmless = elements("word");
    for word in ["</textarea><script>x</script>", "\" onfocus=\"x", "\u{202e}<b>&amp;", "\0\r\n</pre>", "'><img src=x>"]
    {
        let new: Vec<String> = elements(word).difference(&harmless).cloned().collect();
        assert_eq!(new, [""; 0], "{word}");
    }
}

#[test]
fn a_mistake_is_shown_at_its_line_and_column_and_is_not_published() {
    let store = Memory::default();
    let start = shown(&store, Versions::default());
    assert_eq!(start.form.text, playbook("built in"), "the live one, before there is a draft");
    let wrong = playbook("{nmae}");
    for (wish, status) in [("check", 200), ("publish", 422), ("sure", 422), ("try", 200), ("replay", 200)] {
        let (found, desk) = page_of(posted_at(&store, form(&start, wish, &[("text", &wrong)]), "", 0));
        let page = html(&desk, Language::En);
        assert_eq!(found, status, "{wish}");
        assert!(page.says("line 12, column 9: ") && page.says("unknown placeholder `{nmae}`"), "{wish}");
        assert!(page.says("text = \"{nmae}\"\n        ^"), "{wish}");
        assert_eq!(desk.form.text, wrong);
    }
    assert_eq!(store.values().keys().filter(|key| key.starts_with("playbook:")).count(), 0);
    let (_, right) = page_of(posted_at(&store, form(&start, "check", &[]), "", 0));
    assert!(html(&right, Language::En).says("No problems."));
}

#[test]
fn two_editors_lose_nothing() {
    let store = Memory::default();
    let (wang, li) = (shown(&store, Versions::default()), shown(&store, Versions::default()));
    let one = playbook("one");
    assert_eq!(posted_at(&store, form(&wang, "save", &[("text", &one)]), "Wang", 0), Done::Saved);
    // What Li looks at meanwhile does not make Li's form one of Wang's draft.
    let (_, li) = page_of(posted_at(&store, form(&li, "differ", &[("text", &playbook("two"))]), "Li", 1));
    let (status, conflict) = page_of(posted_at(&store, form(&li, "save", &[]), "Li", 2));
    let page = html(&conflict, Language::En);
    assert_eq!((status, conflict.form.text.as_str()), (409, playbook("two").as_str()));
    assert!(
        page.says("Wang") && page.says("- text = \"one\"".replace('-', "−").as_str()) && page.says("+ text = \"two\"")
    );
    assert_eq!(shown(&store, Versions::default()).form.text, one);
    let (status, again) = page_of(posted_at(&store, form(&conflict, "save", &[]), "Li", 3));
    assert_eq!(status, 409, "still not by accident");
    assert_eq!(posted_at(&store, form(&again, "overwrite", &[]), "Li", 4), Done::Saved);
    let after = shown(&store, Versions::default());
    assert_eq!((after.form.text, after.draft.unwrap().by.as_str()), (playbook("two"), "Li"));
}

#[test]
fn a_playbook_is_published_in_two_steps_and_an_earlier_one_again() {
    let store = Memory::default();
    let (one, two) = (playbook("one"), playbook("two"));
    assert_eq!(published(&store, &one, 0), 1);
    let start = shown(&store, Versions::default());
    // Within the minute as the API refuses it.
    let (_, sure) = page_of(posted_at(&store, form(&start, "publish", &[("text", &two)]), "W", 30));
    let (status, refused) = page_of(posted_at(&store, form(&sure, "sure", &[]), "W", 30));
    assert_eq!((status, &refused.found), (409, &Found::Refused(Refused::Busy)));
    assert_eq!(published(&store, &two, 60), 2);
    // Who has looked at the difference to another one looks again.
    let (status, again) = page_of(posted_at(&store, form(&sure, "sure", &[]), "W", 120));
    assert_eq!(status, 409);
    assert!(matches!(again.found, Found::Sure(Some(_), _, true)), "{:?}", again.found);
    // Back.
    let first = shown(&store, Versions { show: Some(1), ..Versions::default() });
    let page = html(&first, Language::En);
    assert!(first.form.text == one && page.says("Roll back to this one …") && page.says("+ text = \"one\""));
    assert_eq!(published(&store, &first.form.text, 180), 3);
    let versions = shown(&store, Versions::default()).versions;
    let numbers: Vec<u32> = versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, [3, 2, 1, 0]);
    let issued = versions[0].issued.as_ref().unwrap();
    assert_eq!(
        (issued.by.as_str(), issued.why.as_str(), versions[0].holds_from),
        ("W", "because", Some(Timestamp(NOW.0 + 210)))
    );
}

#[test]
fn a_message_is_tried_with_the_draft_and_nothing_is_stored() {
    let store = Memory::default();
    let start = shown(&store, Versions::default());
    let draft = playbook("{date} {time}");
    let before = (store.values(), store.counters());
    let fields = [("text", draft.as_str()), ("said", "暗号"), ("at", "2026-03-02T20:00")];
    let (_, desk) = page_of(posted_at(&store, form(&start, "try", &fields), "", 0));
    let page = html(&desk, Language::En);
    assert!(page.says("Rule: ") && page.says("word") && page.says("20:00") && page.says("built in"));
    let (_, same) = page_of(posted_at(&store, form(&start, "try", &[("said", "x")]), "", 0));
    assert!(html(&same, Language::En).says("The live one answers the same."));
    let (_, odd) = page_of(posted_at(&store, form(&start, "try", &[("at", "soon")]), "", 0));
    assert_eq!(odd.found, Found::NoMoment);
    // Counters are read by adding nothing.
    assert_eq!(store.values(), before.0);
    assert!(store.counters().values().all(|count| *count == 0));
}

#[test]
fn a_replay_finds_the_messages_that_a_changed_rule_touches_and_no_others() {
    let store = Memory::default();
    let fans = (0..300).map(|n| said(&format!("o{n}"), n, if n % 3 == 0 { "暗号" } else { "别的" }, None));
    journal(&store, fans);
    let start = shown(&store, Versions::default());
    let values = store.values();
    let replay = |text: &str| {
        let (_, desk) = page_of(posted_at(&store, form(&start, "replay", &[("text", text)]), "", 0));
        match &desk.found {
            Found::Replayed(replayed) => (replayed.clone(), html(&desk, Language::En)),
            found => panic!("{found:?}"),
        }
    };
    let (replayed, page) = replay(&playbook("other"));
    assert_eq!((replayed.messages, replayed.changed(), replayed.all), (300, 100, true));
    let [group] = &replayed.groups[..] else { panic!("{replayed:?}") };
    assert_eq!((group.live.as_deref(), group.draft.as_deref(), group.count), (Some("word"), Some("word"), 100));
    assert_eq!(group.examples.len(), 3);
    assert!(!page.says("o299") && page.says("暗号"), "no openid");
    let renamed = playbook("built in").replace("\"暗号\"", "\"别的\"");
    let (replayed, _) = replay(&renamed);
    let counts = replayed.groups.iter().map(|group| (group.live.is_some(), group.draft.is_some(), group.count));
    assert_eq!(counts.collect::<Vec<_>>(), [(false, true, 200), (true, false, 100)]);
    assert_eq!(replay(&playbook("built in")).0.changed(), 0);
    assert_eq!(store.values(), values, "reads only");
    // Who is to be forgotten is not shown any more, and of many messages the newest are replayed.
    let erase = Entry::Erase(Erase { openid: "o0".parse().unwrap(), at: Timestamp(START) });
    journal(&store, [erase]);
    assert_eq!(replay(&playbook("other")).0.changed(), 99);
    journal(&store, (0..MESSAGES_MAX + 100).map(|n| said("o1", 1_000 + n, "别的", None)));
    let (many, _) = replay(&playbook("other"));
    assert_eq!((many.messages, many.changed(), many.all), (MESSAGES_MAX, 0, false));
}
