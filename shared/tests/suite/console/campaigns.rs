//! Campaigns on pages: the list, and the form from the first word to the second confirmation.

use super::{CSRF, html::Html, moment, parsed};
use crate::brand::follow;
use crate::campaigns::world::{Still, TEMPLATE, World, body, noon, wait};
use guanxi::{
    console::{
        self, Draft, Language, Note, Page, Posted, View,
        campaign::{Act, FORM_MAX, Said, act, seal, written},
    },
    playbook::{Terms, compile},
    push::requests::{BODY_MAX, Listed, Refused, campaign_of},
    report::Brand,
    store::memory::Fate,
    time::Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SAMPLE: &str = include_str!("../../../../functions/playbook.toml");

/// One in each state.
pub(super) fn listed() -> Vec<Listed> {
    let now = moment().now;
    let one = |id: &str, later: i64| Listed {
        id: id.into(),
        at: Timestamp(now.0.saturating_add_signed(later)),
        taken_up: true,
        fans: 1_234,
        planned: true,
        queued: Some(40),
        done: Some(10),
        stopped: false,
    };
    vec![
        Listed { done: Some(40), ..one("C1", -500) },
        Listed { done: Some(40), stopped: true, ..one("C2", -400) },
        Listed { stopped: true, ..one("C3", -300) },
        one("C4", -200),
        Listed { planned: false, ..one("C5", -100) },
        Listed { taken_up: false, fans: 0, planned: false, queued: None, done: None, ..one("C6", 0) },
        Listed { fans: 0, planned: false, queued: None, done: None, ..one("C7", 5_000) },
    ]
}

fn list(page: &Page, language: Language, listed: &[Listed]) -> Html {
    let brand = Brand::default();
    let view = View { language, csrf: CSRF, page, brand: &brand, moment: moment() };
    parsed(&console::page(&view, &[console::campaigns(listed, &brand, moment())]))
}

fn refreshes(html: &Html) -> bool {
    html.all("meta").iter().any(|meta| meta.attribute("http-equiv") == Some("refresh"))
}

fn leads_to(html: &Html, page: &Page) -> bool {
    html.all("a").iter().any(|link| link.attribute("href") == Some(&page.address()))
}

fn stops(html: &Html) -> bool {
    html.all("form").iter().any(|form| form.attribute("action") == Some("/console/campaigns/stop"))
}

#[test]
fn the_list_says_how_far_each_is_and_leads_to_the_stop_of_what_can_be_stopped() {
    let page = Page::Campaigns(Note::Nothing, false);
    let html = list(&page, Language::En, &listed());
    let rows = html.rows("campaigns");
    let states: Vec<(&str, &str)> = rows.iter().skip(1).map(|row| (&*row[0], &*row[2])).collect();
    assert_eq!(
        states,
        [
            ("C7", "waits for its time"),
            ("C6", "waits for the next run"),
            ("C5", "being planned"),
            ("C4", "going out"),
            ("C3", "being stopped"),
            ("C2", "stopped"),
            ("C1", "over"),
        ]
    );
    assert_eq!(html.row("campaigns", "C4")[3..], ["1,234", "40", "10", "25.0%"]);
    assert_eq!(html.row("campaigns", "C7")[3..], ["0", "–", "–", "–"]);
    assert_eq!(list(&page, Language::Zh, &listed()).row("campaigns", "C4")[2], "正在发");
    for (id, may_stop) in [("C1", false), ("C2", false), ("C3", false), ("C4", true), ("C6", true), ("C7", true)] {
        let sure = Page::Campaigns(Note::Sure(id.into()), false);
        assert_eq!(leads_to(&html, &sure), may_stop, "{id}");
        let asked = list(&sure, Language::En, &listed());
        assert_eq!((stops(&asked), refreshes(&asked)), (may_stop, false), "{id}");
    }
    assert!(!stops(&html) && leads_to(&html, &Page::Campaign));
}

#[test]
fn a_page_is_loaded_again_while_a_campaign_moves_unless_it_is_to_stand_still() {
    for (place, moves) in [(0, false), (1, false), (2, true), (3, true), (4, true), (5, true), (6, false)] {
        let one = &listed()[place..=place];
        for still in [false, true] {
            let page = Page::Campaigns(Note::Asked("C".into()), still);
            let html = list(&page, Language::Zh, one);
            assert_eq!(refreshes(&html), moves && !still, "{one:?}");
            assert_eq!(leads_to(&html, &Page::Campaigns(Note::Asked("C".into()), !still)), moves, "{one:?}");
        }
    }
    let empty = list(&Page::Campaigns(Note::Nothing, false), Language::En, &[]);
    assert!(empty.says("No campaigns yet") && empty.rows("campaigns").is_empty() && !refreshes(&empty));
}

fn world() -> World {
    World::of((0..30).map(|number| follow(&format!("o{number}"), number, "bag")))
}

fn posted(fields: &[(&str, &str)]) -> Posted {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    assert!(form.len() <= FORM_MAX);
    Posted::parse(form.as_bytes())
}

fn say(world: &World, act_of: &str, text: &str, seal: &str) -> Said {
    let posted = posted(&[("csrf", "x"), ("text", text), ("seal", seal), ("do", act_of)]);
    wait(act(&posted, &world.store, &Still(0), &world.terms, noon(29)))
}

fn draft(language: Language, terms: Option<&Terms>, text: Option<&str>, said: &Said) -> Html {
    parsed(&console::draft(&Draft { language, csrf: CSRF, terms, text, said, now: noon(29) }))
}

/// What stands in the form.
fn in_form(html: &Html) -> String {
    html.within("textarea").strip_prefix('\n').unwrap().to_owned()
}

#[test]
fn nothing_is_stored_before_the_second_confirmation_and_only_what_was_confirmed_is_sent_once() {
    let world = world();
    let text = body("spring", "now", "", &format!("holdout = 0\n{TEMPLATE}"));
    let same = text.replace('\n', "\r\n");
    let writes = world.writes();
    assert!(matches!(say(&world, "", &same, ""), Said::Fine(_)));
    let Said::Tried(_, 0, tried) = say(&world, "try", &same, "") else { panic!() };
    assert_eq!(tried, world.dry_run(&text, noon(29)));
    let Said::Tried(_, 7, rest) = say(&world, "try-7", &same, "") else { panic!() };
    assert_eq!((tried.fans, rest.fans), (30, 23));
    let Said::Sure(request, shown, sealed) = say(&world, "ask", &same, "") else { panic!() };
    assert_eq!((shown.gets, &sealed), (30, &seal(&text, &request)));
    for wrong in ["", "0", &sealed[1..]] {
        assert!(matches!(say(&world, "send", &same, wrong), Said::Sure(..)), "{wrong}");
    }
    let other = text.replace("体检", "体检表");
    let Said::Sure(_, _, another) = say(&world, "send", &other, &sealed) else { panic!("another text was sent") };
    assert_ne!(another, sealed);
    assert_eq!(world.writes(), writes, "nothing but reads");
    assert!(world.list().is_empty());

    for known in [false, true] {
        let Said::Asked(accepted) = say(&world, "send", &same, &sealed) else { panic!() };
        assert_eq!((accepted.id.as_str(), accepted.known), ("spring", known));
    }
    assert_eq!(world.list().len(), 1);
    assert_eq!(world.push(Timestamp(noon(29).0 + 60)).0.sent, 30);
    assert!(matches!(say(&world, "send", &same, &sealed), Said::Asked(accepted) if accepted.known));
    assert_eq!(world.push(Timestamp(noon(29).0 + 120)).0.sent, 0);
}

#[test]
fn the_playbook_of_the_confirmation_is_the_one_of_the_sending() {
    let world = world();
    let text = body("spring", "2026-04-02T12:00", "", "way = \"message\"\ntext = \"喵\"\n");
    let request = |terms: &Terms| campaign_of(text.as_bytes(), terms, noon(29)).unwrap();
    let mut terms = world.terms.clone();
    terms.pushes.usual.holdout += 5;
    assert_ne!(seal(&text, &request(&terms)), seal(&text, &request(&world.terms)));
    assert_eq!(seal(&text, &request(&world.terms)), seal(&text, &request(&world.terms)));
}

#[test]
fn a_problem_is_shown_with_its_line_and_a_mark_at_its_place_and_the_text_stays() {
    let world = world();
    let text = body("spring", "now", "channels = [\"bog\"]", "way = \"mail\" # \u{202e}<b>\n");
    let said = say(&world, "send", &text, "");
    assert_eq!(said.status(), 422);
    for language in [Language::Zh, Language::En] {
        let html = draft(language, Some(&world.terms), Some(&text), &said);
        assert!(
            html.says("3:25") && html.says("there is no channel `bog`; did you mean `bag`?".split(';').next().unwrap())
        );
        let marked = html.within("pre");
        let (line, mark) = marked.split_once('\n').unwrap();
        assert_eq!((line, mark.len()), ("segment = { channels = [\"bog\"] }", 25));
        assert!(mark.ends_with('^') && html.says("way = \"mail\" # \u{fffd}<b>"));
        assert_eq!(in_form(&html), text);
    }
    let chinese = "id = \"体检\"";
    let html = draft(Language::Zh, Some(&world.terms), Some(chinese), &say(&world, "", chinese, ""));
    assert!(html.says("\n     ^"), "the mark is below the quote");
    let behind = format!("id = \"a\"\nat = {{ 猫 = \"{}\", x = }}", "y".repeat(300));
    let html = draft(Language::Zh, Some(&world.terms), Some(&behind), &say(&world, "", &behind, ""));
    let shown = html.within("pre");
    assert!(shown.lines().all(|line| line.chars().count() <= 160), "{shown}");
}

#[test]
fn whatever_goes_wrong_what_was_written_stands_in_the_form() {
    let world = world();
    let text = format!("\n\n# <textarea></textarea>&amp;\"\n{}", body("spring", "now", "", TEMPLATE));
    for (said, status) in [
        (Said::Nothing, 200),
        (Said::NoAnswer, 503),
        (Said::TooLong, 413),
        (Said::Refused(Refused::TooMany), 409),
        (Said::Refused(Refused::Taken("spring".into(), "another")), 409),
        (say(&world, "", &text, ""), 200),
        (say(&world, "try", &text, ""), 200),
        (say(&world, "ask", &text, ""), 200),
    ] {
        assert_eq!(said.status(), status, "{said:?}");
        for (language, terms) in [(Language::Zh, Some(&world.terms)), (Language::En, None)] {
            assert_eq!(in_form(&draft(language, terms, Some(&text), &said)), text, "{said:?}");
        }
    }
    assert_eq!(say(&world, "", &"x".repeat(BODY_MAX + 1), ""), Said::TooLong);
    world.store.judge_by(|_| Fate::Fails);
    for act in ["try", "ask"] {
        assert_eq!(say(&world, act, &text, ""), Said::NoAnswer, "{act}");
    }
    assert_eq!(written(&posted(&[("text", "a\r\nb\n")])), "a\nb\n");
}

#[test]
fn what_it_would_do_is_shown_fan_by_fan_and_by_reason() {
    let world = world();
    let text = body("spring", "now", "", &format!("holdout = 50\n{TEMPLATE}"));
    let said = say(&world, "try", &text, "");
    let Said::Tried(_, _, tried) = &said else { panic!() };
    let html = draft(Language::En, Some(&world.terms), Some(&text), &said);
    assert_eq!(html.rows("totals")[1], ["30", "0", &tried.gets.to_string()]);
    assert_eq!(html.rows("ways")[1][..2], ["template message".to_owned(), tried.gets.to_string()]);
    assert_eq!(html.row("reasons", "Holdout")[1], tried.skipped["holdout"].to_string());
    assert_eq!(html.rows("fans").len(), 1 + 30);
    assert!(html.says("年度体检") && !html.says("Try the next fans"));
    let Said::Tried(request, from, tried) = said else { panic!() };
    let said = Said::Tried(request, from, guanxi::push::dry_run::DryRun { next: Some(256), ..tried });
    let html = draft(Language::En, Some(&world.terms), Some(&text), &said);
    assert!(html.says("no time to look at every fan"));
    assert!(html.all("button").iter().any(|button| button.attribute("value") == Some("try-256")));
    for (button, meant) in [("try-256", Act::Try(256)), ("try", Act::Try(0)), ("try-x", Act::Check), ("", Act::Check)] {
        assert_eq!(Act::of(&posted(&[("do", button)])), meant);
    }
}

#[test]
fn the_example_is_of_the_playbooks_own_and_its_check_takes_it() {
    let sample = Terms::load(&compile(SAMPLE).unwrap()).unwrap();
    let bare = Terms::load(
        &compile("version = 1\nname = \"喵主粮\"\naccount = \"service\"\n")
            .unwrap_or_else(|problems| panic!("{problems:?}")),
    );
    for (terms, own) in
        [(&sample, "template_id"), (&world().terms, "channels = [\"bag\"]"), (&bare.unwrap(), "followed")]
    {
        for language in [Language::Zh, Language::En] {
            let text = in_form(&draft(language, Some(terms), None, &Said::Nothing));
            let request =
                campaign_of(text.as_bytes(), terms, noon(29)).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
            assert!(text.contains(own) && request.campaign.at > noon(29), "{text}");
        }
    }
}

#[test]
fn whatever_is_written_the_page_has_the_same_elements() {
    let world = world();
    let show = |word: &str| {
        let refused = Said::Refused(Refused::Taken(word.to_owned(), "a campaign with other contents"));
        [
            draft(Language::Zh, Some(&world.terms), Some(word), &refused).structure(),
            draft(Language::Zh, Some(&world.terms), Some(word), &Said::NoAnswer).structure(),
            list(&Page::Campaigns(Note::Stopped(word.to_owned()), false), Language::Zh, &[]).structure(),
            list(&Page::Campaigns(Note::Sure(word.to_owned()), false), Language::Zh, &listed()).structure(),
        ]
    };
    let plain = show("x");
    for word in
        ["</textarea><script>alert(1)</script>", "\" onmouseover=\"x", "<!--", "&lt;", "\u{202e}", "\0", "javascript:x"]
    {
        assert_eq!(show(word), plain, "{word}");
    }
}
