//! A campaign in a request is checked as one in the file.

use super::{
    brand::START,
    world::{MESSAGE, TEMPLATE, body, noon, request, terms},
};
use crate::compile;
use guanxi::{
    playbook::{Problem, campaign},
    push::requests::{Refused, Wish, campaign_of},
    time::Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const AT: &str = "2026-03-20T20:00";

/// The problems of a request at the first moment.
fn problems(source: &str) -> Vec<Problem> {
    campaign(source, &terms(), Timestamp(START)).err().unwrap_or_default()
}

/// The problems of the same words in a file, told as if the campaign began on its first line.
fn problems_in_a_file(source: &str) -> Vec<Problem> {
    let head = "version = 1\naccount = \"service\"\nname = \"喵\"\n\
                [[channels]]\nid = \"bag\"\nname = \"袋\"\ntags = [\"cat\"]\n\
                [[products]]\nid = \"food\"\nname = \"粮\"\nsupply_days = 20\n[[campaigns]]\n";
    let lines = head.lines().count();
    let mut found = compile(&format!("{head}{source}")).err().unwrap_or_default();
    // What is missing is missing at the head of the table.
    found.iter_mut().for_each(|problem| problem.line = problem.line.saturating_sub(lines).max(1));
    found.sort();
    found
}

#[test]
fn a_request_has_the_problems_that_the_file_would_have() {
    let template = |fields: &str| TEMPLATE.replace("thing1 = \"年度体检\"", fields);
    let long = "喵".repeat(667);
    for (source, count) in [
        (body("a", AT, "", MESSAGE), 0),
        (body("a", AT, "channels = \"bag\", tags = \"cat\", products = [\"food\"], followed = \"1-2\"", TEMPLATE), 0),
        (String::new(), 4),
        ("id = \"a\"".into(), 3),
        (body("A b", AT, "", MESSAGE), 1),
        (body("a", "tomorrow", "", MESSAGE), 1),
        (body("a", AT, "channels = [\"bags\"], tags = \"dog\", products = \"foot\", bought = \"9-1\"", MESSAGE), 4),
        (body("a", AT, "city = \"杭州\"", MESSAGE), 1),
        (body("a", AT, "", "holdout = 91\nway = \"sms\"\n"), 1 + 1),
        (body("a", AT, "", "way = \"message\"\ntext = \"{product}\"\nurl = \"x\"\n"), 2),
        (body("a", AT, "", &format!("way = \"message\"\ntext = \"{long}\"\n")), 1),
        (body("a", AT, "", &template("first = \"a\", thing1 = \"优惠\", date2 = \"明天\"")), 3),
        (body("a", AT, "", &template("")), 1),
        ("id = \"a\nat = ".into(), 2),
    ] {
        let found = problems(&source);
        assert_eq!(found.len(), count, "{source}\n{found:#?}");
        if !source.is_empty() {
            let mut in_order = found.clone();
            in_order.sort();
            assert_eq!(in_order, problems_in_a_file(&source), "{source}");
        }
    }
}

#[test]
fn a_problem_is_told_with_line_and_column() {
    let told = |source: &str| problems(source).iter().map(Problem::to_string).collect::<Vec<_>>();
    assert_eq!(
        told(&body("a", AT, "channels = \"bags\"", MESSAGE)),
        ["3:24: there is no channel `bags`; did you mean `bag`?"]
    );
    assert_eq!(
        told(&format!("id = \"a\"\nat = \"{AT}\"\n{MESSAGE}")),
        [
            "1:1: a campaign needs `segment`; write segment = {} for all fans, or segment = { tags = [\"…\"], bought = \"30-90\" }"
        ]
    );
    let refused = campaign_of(body("A", "never", "", MESSAGE).as_bytes(), &terms(), Timestamp(START)).unwrap_err();
    assert_eq!((refused.status(), refused.to_string().lines().count()), (422, 2));
    assert_eq!(campaign_of(b"\xff", &terms(), Timestamp(START)).unwrap_err(), Refused::NotText);
}

#[test]
fn only_a_request_may_say_now() {
    let source = body("a", "now", "", MESSAGE);
    let asked = request(&source, noon(3));
    assert!(asked.at_once && asked.campaign.at == noon(3));
    let told = problems_in_a_file(&source);
    assert!(told.len() == 1 && told[0].message == "`now` is no moment", "{told:?}");
    assert!(!request(&body("a", AT, "", MESSAGE), noon(3)).at_once);
}

#[test]
fn a_campaign_of_more_than_a_day_ago_is_refused() {
    let at = request(&body("a", AT, "", MESSAGE), Timestamp(START)).campaign.at;
    let source = body("a", AT, "", MESSAGE);
    assert_eq!(campaign(&source, &terms(), Timestamp(at.0 + 86_399)).unwrap().campaign.at, at);
    let told = campaign(&source, &terms(), Timestamp(at.0 + 86_400)).unwrap_err();
    let expected = "2:6: `2026-03-20T20:00` is more than 24 hours ago, so the campaign would not begin; write a later moment, or at = \"now\"";
    assert_eq!(told.iter().map(Problem::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn what_the_playbook_says_for_all_holds_for_a_request_too() {
    let mut terms = terms();
    let ask = |terms: &_, rest: &str| campaign(&body("a", AT, "", rest), terms, Timestamp(START));
    assert_eq!(ask(&terms, MESSAGE).unwrap().campaign.holdout, 10);
    let usual = &mut terms.pushes.usual;
    (usual.service, usual.holdout, usual.marketing_words) = (false, 25, vec!["体检".to_owned()]);
    assert_eq!(ask(&terms, MESSAGE).unwrap().campaign.holdout, 25);
    assert_eq!(ask(&terms, &format!("holdout = 0\n{MESSAGE}")).unwrap().campaign.holdout, 0);
    let told = ask(&terms, TEMPLATE).unwrap_err();
    assert!(told[0].message.contains("a subscription account has no template messages"), "{told:?}");
    assert!(told[1].message.contains("the marketing word `体检`"), "{told:?}");
    terms.pushes.limits.utc_offset = "+09:00".parse().unwrap();
    let (tokyo, beijing) = (ask(&terms, MESSAGE).unwrap(), request(&body("a", AT, "", MESSAGE), Timestamp(START)));
    assert_eq!(tokyo.campaign.at.0 + 3_600, beijing.campaign.at.0);
}

#[test]
fn the_query_says_what_is_wanted() {
    for (query, wish) in [
        ("", Wish::Ask),
        ("dry_run=1", Wish::DryRun { from: 0 }),
        ("dry_run", Wish::DryRun { from: 0 }),
        ("dry_run=1&from=256", Wish::DryRun { from: 256 }),
        ("from=256&dry_run=1", Wish::DryRun { from: 256 }),
    ] {
        assert_eq!(Wish::of_query(query), Ok(wish), "{query}");
    }
    // What is not understood must not send anything.
    for query in ["dry_run=0", "dry_run=yes", "dryrun=1", "from=3", "dry_run=1&from=-1", "dry_run=1&from=x", "x"] {
        assert_eq!(Wish::of_query(query).unwrap_err().status(), 400, "{query}");
    }
}
