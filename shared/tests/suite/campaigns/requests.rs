//! A campaign is taken up once, however often it is asked for.

use super::{
    brand::follow,
    world::{MESSAGE, TEMPLATE, World, body, noon, request, wait},
};
use guanxi::{
    push::{
        End,
        campaign::{Asked, Request, SEQUENCE, ask},
        requests::{Listed, OPEN_MAX, Refused, Stopped, to_stop},
    },
    time::Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn brand() -> World {
    World::of((0..30).map(|number| follow(&format!("o{number}"), number, "bag")))
}

fn to_all(id: &str, at: &str) -> String {
    body(id, at, "", &format!("holdout = 0\n{TEMPLATE}"))
}

fn requests(world: &World) -> usize {
    world.store.values().keys().filter(|key| key.starts_with("campaign:")).count()
}

#[test]
fn a_campaign_is_asked_for_taken_up_and_over() {
    let world = brand();
    assert_eq!(world.list(), []);
    let accepted = world.ask(&to_all("a", "now"), noon(30)).unwrap();
    assert_eq!((&*accepted.id, accepted.at, accepted.begins_in_seconds, accepted.known), ("a", noon(30), 0, false));
    let asked = Listed {
        id: "a".into(),
        at: noon(30),
        taken_up: false,
        fans: 0,
        planned: false,
        queued: None,
        done: None,
        stopped: false,
    };
    assert_eq!(world.list(), std::slice::from_ref(&asked));
    let (report, reached) = world.push(Timestamp(noon(30).0 + 60));
    assert_eq!((report.sent, reached.len(), report.end), (30, 30, End::Done));
    let over = Listed { taken_up: true, fans: 30, planned: true, queued: Some(30), done: Some(30), ..asked };
    assert_eq!(world.list(), [over]);
    assert_eq!(world.push(Timestamp(noon(30).0 + 120)).0.sent, 0);
}

#[test]
fn asking_again_is_accepted_and_nothing_happens_twice() {
    let world = brand();
    let at = "2026-04-01T12:00";
    world.ask(&to_all("a", at), noon(29)).unwrap();
    world.ask(&to_all("b", "now"), noon(29)).unwrap();
    let writes = world.writes();
    // The counter is read by adding nothing to it.
    let again = |later| {
        let at_a_time = world.ask(&to_all("a", at), Timestamp(noon(29).0 + later)).unwrap();
        let at_once = world.ask(&to_all("b", "now"), Timestamp(noon(29).0 + later)).unwrap();
        assert!(at_a_time.known && at_once.known);
        assert_eq!((at_a_time.at, at_once.at), (noon(30), noon(29)));
    };
    again(5);
    assert_eq!((world.writes() - writes, requests(&world), world.store.counters()[SEQUENCE]), (2, 2, 2));
    assert_eq!(world.push(Timestamp(noon(29).0 + 60)).0.sent, 30);
    again(65);
    assert_eq!(world.store.counters()[SEQUENCE], 2);
    assert_eq!(world.push(Timestamp(noon(29).0 + 120)).0.sent, 0);
    // Even one that was left twice, because an answer was lost.
    let asked = request(&to_all("b", "now"), Timestamp(noon(29).0 + 130));
    wait(ask(&world.store, &Request::Ask(Asked { id: asked.id, campaign: asked.campaign }))).unwrap();
    assert_eq!(world.push(Timestamp(noon(29).0 + 180)).0.sent, 0);
}

#[test]
fn an_id_is_one_campaigns_for_good() {
    let world = brand();
    let taken = |body: &str| {
        let refused = world.ask(body, noon(29)).unwrap_err();
        assert!(matches!(refused, Refused::Taken(..)) && refused.status() == 409, "{refused}");
    };
    taken(&body("listed", "2031-03-01T12:00", "", MESSAGE));
    world.ask(&to_all("a", "now"), noon(29)).unwrap();
    let others = [to_all("a", "2026-04-01T12:00"), body("a", "now", "", TEMPLATE), body("a", "now", "", MESSAGE)];
    others.iter().for_each(|other| taken(other));
    world.push(Timestamp(noon(29).0 + 60));
    others.iter().for_each(|other| taken(other));
    assert_eq!(requests(&world), 1);
}

#[test]
fn a_campaign_waits_for_its_time() {
    let world = brand();
    let accepted = world.ask(&to_all("a", "2026-04-01T12:00"), noon(29)).unwrap();
    assert_eq!((accepted.at, accepted.begins_in_seconds), (noon(30), 86_400));
    assert_eq!(world.push(noon(29)).0.planned, 0);
    let listed = world.list();
    assert_eq!((listed[0].taken_up, listed[0].fans), (true, 0));
    assert_eq!(world.push(Timestamp(noon(30).0 - 60)).0.planned, 0);
    assert_eq!(world.push(noon(30)).0.sent, 30);
}

#[test]
fn no_more_wait_than_is_said() {
    let world = brand();
    let id = |number: usize| format!("c{number}");
    for number in 0..OPEN_MAX {
        world.ask(&to_all(&id(number), "2026-04-01T12:00"), noon(29)).unwrap();
        if number == OPEN_MAX / 2 {
            world.push(noon(29));
        }
    }
    let refused = world.ask(&to_all("more", "now"), noon(29)).unwrap_err();
    assert_eq!((&refused, refused.status()), (&Refused::TooMany, 409));
    assert!(world.ask(&to_all(&id(3), "2026-04-01T12:00"), noon(29)).unwrap().known);
    assert_eq!(world.list().len(), OPEN_MAX);
}

#[test]
fn old_requests_go() {
    let world = brand();
    let asked = request(&to_all("a", "now"), noon(29));
    let asked = Request::Ask(Asked { id: asked.id, campaign: asked.campaign });
    (0..1_003).for_each(|_| wait(ask(&world.store, &asked)).unwrap());
    let values = world.store.values();
    assert_eq!(requests(&world), 1_000);
    assert!(!values.contains_key("campaign:3") && values.contains_key("campaign:4"));
}

#[test]
fn a_campaign_is_stopped_once_and_its_id_stays_its_own() {
    let world = brand();
    let stopped = |known, over| Ok(Stopped { id: "a".into(), known, over });
    assert_eq!(world.stop("a", noon(29)), Err(Refused::NoSuch("a".into())));
    assert_eq!(requests(&world), 0);
    let body = to_all("a", "2026-04-01T12:00");
    world.ask(&body, noon(29)).unwrap();
    assert_eq!(world.stop("a", noon(29)), stopped(false, false));
    for later in [5, 65] {
        assert_eq!(world.stop("a", noon(29)), stopped(true, later > 60), "{later}");
        assert!(world.list()[0].stopped);
        let refused = world.ask(&body, noon(29)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the id `a` is taken by a campaign that was stopped; give this campaign an id of its own"
        );
        world.push(Timestamp(noon(29).0 + later));
    }
    assert_eq!(requests(&world), 2, "a campaign and a stop");
    assert_eq!(world.push(noon(30)).0.sent, 0);
}

#[test]
fn what_is_over_is_not_stopped_and_one_of_the_playbook_is_before_its_time() {
    let world = brand();
    world.ask(&to_all("a", "now"), noon(29)).unwrap();
    assert_eq!(world.push(Timestamp(noon(29).0 + 60)).0.sent, 30);
    assert_eq!(world.stop("a", noon(30)), Ok(Stopped { id: "a".into(), known: false, over: true }));
    assert!(!world.list()[0].stopped && requests(&world) == 1);

    let listed = Stopped { id: "listed".into(), known: false, over: false };
    assert_eq!(world.stop("listed", noon(30)), Ok(listed.clone()));
    world.push(noon(30));
    let found = world.list().into_iter().find(|campaign| campaign.id == "listed").unwrap();
    assert!(found.stopped && found.taken_up && found.fans == 0, "{found:?}");
    assert_eq!(world.stop("listed", noon(31)), Ok(Stopped { known: true, over: true, ..listed }));
}

#[test]
fn which_campaign_is_to_stop_stands_in_the_query() {
    assert_eq!(to_stop("id=spring_2026"), Ok("spring_2026".into()));
    for (query, says) in [
        ("", "id=: write the id of the campaign"),
        ("id=", "id=: write the id of the campaign"),
        ("id=a&dry_run=1", "unknown parameter `dry_run`; there is id"),
    ] {
        let refused = to_stop(query).unwrap_err();
        assert_eq!((refused.status(), refused.to_string().as_str()), (400, says));
    }
}
