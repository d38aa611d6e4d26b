//! The simulator against a brand of a few lines: whether it delivers, retries, cuts and judges as WeChat does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod brand;

use brand::{Brand, Reaction, Received};
use guanxi::{
    time::Timestamp,
    wechat::{endpoint::Mode, fields::Format},
};
use guanxi_simulator::{
    Act, Conditions, Delivery, DeliveryError, Fault, Network, Outcome, Scenario, Seen, Summary, Target, Trace, Verdict,
    delivery::{DEADLINE, Delivered, TRIES},
    network::Fate,
    run,
    scenario::Message,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::{collections::HashSet, sync::Arc, time::Duration};

const NOW: u64 = 1_700_000_000;
const CLEAR: [Fate; TRIES] = [Fate::Clear; TRIES];

fn delivery(brand: &Brand, mode: Mode, deadline: Duration) -> Delivery {
    let clock = Arc::new(|| Timestamp(NOW));
    let target = Target {
        url: brand.url.parse().unwrap(),
        account: "gh_brand".into(),
        sender: brand::sender(mode),
        format: Format::Xml,
        deadline,
        clock,
    };
    Delivery::new(target).unwrap()
}

fn asked() -> Message {
    let act = Act::Text("猫粮".into());
    Message { account: "gh_brand".into(), openid: "oFan".into(), create_time: NOW, msg_id: 7, act }
}

async fn deliver(brand: &Brand, mode: Mode, deadline: Duration, fates: [Fate; TRIES]) -> Delivered {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    delivery(brand, mode, deadline).deliver(&asked(), fates, &mut rng).await.unwrap()
}

/// Answers the first requests with these, and all later ones well.
fn first(reactions: Vec<Reaction>) -> impl Fn(&Received) -> Reaction + Send + Sync + 'static {
    move |received| reactions.get(received.number).cloned().unwrap_or_else(|| Reaction::ok(brand::echo(received)))
}

fn shown() -> Verdict {
    Verdict::Shown(Seen::Text("你说：猫粮".into()))
}

#[tokio::test]
async fn an_answer_in_time_takes_one_try_in_every_mode() {
    for mode in [Mode::Plain, Mode::Compat, Mode::Safe] {
        let brand = Brand::start(mode, first(vec![])).await;
        let delivered = deliver(&brand, mode, DEADLINE, CLEAR).await;
        assert_eq!(delivered.verdict, shown(), "{mode:?}");
        assert_eq!(delivered.tries, [Outcome::Answered], "{mode:?}");
    }
}

#[tokio::test]
async fn a_try_without_a_200_is_made_again_and_three_such_tries_end_in_no_answer() {
    let bad = Reaction::Answer(500, "success".into());
    let brand = Brand::start(Mode::Safe, first(vec![bad.clone()])).await;
    let delivered = deliver(&brand, Mode::Safe, DEADLINE, CLEAR).await;
    assert_eq!(delivered.tries, [Outcome::Status(500), Outcome::Answered]);
    assert_eq!(delivered.verdict, shown());

    let brand = Brand::start(Mode::Safe, first(vec![bad; 4])).await;
    let delivered = deliver(&brand, Mode::Safe, DEADLINE, CLEAR).await;
    assert_eq!(delivered.tries, [Outcome::Status(500); TRIES]);
    assert_eq!(delivered.verdict, Verdict::NoAnswer);
    assert_eq!(delivered.verdict.notice(&asked()), Some("该公众号暂时无法提供服务，请稍后再试"));
    assert_eq!(brand.received().len(), TRIES);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_cut_off_and_asked_again() {
    let brand = Brand::start(Mode::Safe, first(vec![Reaction::Hang, Reaction::Hang])).await;
    let delivered = deliver(&brand, Mode::Safe, Duration::from_millis(100), CLEAR).await;
    assert_eq!(delivered.tries[..2], [Outcome::Cut; 2]);
    brand.hung_up_on(2).await;
}

#[tokio::test]
async fn every_try_has_its_own_signature_and_nonce_and_the_same_message() {
    let brand = Brand::start(Mode::Safe, first(vec![Reaction::Answer(503, String::new()); 3])).await;
    deliver(&brand, Mode::Safe, DEADLINE, CLEAR).await;
    let received = brand.received();
    let distinct = |of: fn(&Received) -> String| received.iter().map(of).collect::<HashSet<_>>().len();
    assert_eq!(distinct(|received| received.parameter("nonce")), TRIES);
    assert_eq!(distinct(|received| received.parameter("signature")), TRIES);
    assert_eq!(distinct(|received| received.parameter("msg_signature")), TRIES);
    assert_eq!(distinct(|received| received.body.clone()), TRIES);
    assert_eq!(distinct(|received| received.message.clone()), 1);
    assert_eq!(received[0].message, asked().to_xml());
    assert_eq!(received[0].parameter("openid"), "oFan");
    assert_eq!(received[0].parameter("encrypt_type"), "aes");
}

#[tokio::test]
async fn what_the_network_loses_is_sent_again_and_the_server_sees_what_it_would_see() {
    let cases = [
        (Fate::Late, Outcome::Late, 2, 1),
        (Fate::ResetAfter, Outcome::ResetAfter, 2, 0),
        (Fate::ResetBefore, Outcome::ResetBefore, 1, 0),
    ];
    for (fate, outcome, arrived, compared) in cases {
        let brand = Brand::start(Mode::Plain, first(vec![])).await;
        let delivered = deliver(&brand, Mode::Plain, DEADLINE, [fate, Fate::Clear, Fate::Clear]).await;
        let tries = vec![outcome, Outcome::Answered];
        assert_eq!(delivered, Delivered { tries, verdict: shown(), compared, differing: 0 }, "{fate:?}");
        assert_eq!(brand.received().len(), arrived, "{fate:?}");
    }
}

#[tokio::test]
async fn a_retry_with_another_answer_is_noticed_and_another_create_time_is_not() {
    for (change, differing) in [("你说", 1), ("1700000000</CreateTime", 0)] {
        let brand = Brand::start(Mode::Safe, move |received: &Received| {
            let replacement = if change == "你说" { "我说" } else { "1700000005</CreateTime" };
            let echo = brand::echo(received);
            Reaction::ok(if received.number == 0 { echo } else { echo.replace(change, replacement) })
        })
        .await;
        let delivered = deliver(&brand, Mode::Safe, DEADLINE, [Fate::Late, Fate::Clear, Fate::Clear]).await;
        assert_eq!((delivered.compared, delivered.differing), (1, differing), "{change}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_sealed_as_the_mode_wants_is_a_fault() {
    let unsealed = |received: &Received| Reaction::Answer(200, brand::echo(received));
    let brand = Brand::start(Mode::Safe, unsealed).await;
    let delivered = deliver(&brand, Mode::Safe, DEADLINE, CLEAR).await;
    assert!(matches!(delivered.verdict, Verdict::Fault(_)), "{delivered:?}");
    assert_eq!(delivered.verdict.notice(&asked()), Some("该公众号提供的服务出现故障，请稍后再试"));

    let brand = Brand::start(Mode::Compat, unsealed).await;
    assert_eq!(deliver(&brand, Mode::Compat, DEADLINE, CLEAR).await.verdict, shown());

    let spoilt = |received: &Received| {
        let sealed = brand::seal(Mode::Safe, &brand::echo(received));
        Reaction::Answer(200, sealed.replace("<TimeStamp>1", "<TimeStamp>2"))
    };
    let brand = Brand::start(Mode::Safe, spoilt).await;
    let verdict = deliver(&brand, Mode::Safe, DEADLINE, CLEAR).await.verdict;
    assert!(matches!(verdict, Verdict::Fault(Fault::Envelope(_))), "{verdict:?}");
}

#[tokio::test]
async fn connections_stay_open_between_messages() {
    let brand = Brand::start(Mode::Safe, first(vec![Reaction::Answer(503, String::new())])).await;
    let delivery = delivery(&brand, Mode::Safe, DEADLINE);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..3 {
        delivery.deliver(&asked(), CLEAR, &mut rng).await.unwrap();
    }
    assert_eq!((brand.received().len(), brand.connections()), (4, 1));
}

#[tokio::test]
async fn a_url_is_verified_by_its_echostr_alone() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let brand =
        Brand::start(Mode::Safe, |received: &Received| Reaction::Answer(200, received.parameter("echostr"))).await;
    delivery(&brand, Mode::Safe, DEADLINE).verify_url(&mut rng).await.unwrap();
    let quoted = |received: &Received| Reaction::Answer(200, format!("{:?}", received.parameter("echostr")));
    let brand = Brand::start(Mode::Safe, quoted).await;
    let refused = delivery(&brand, Mode::Safe, DEADLINE).verify_url(&mut rng).await;
    assert!(matches!(refused, Err(DeliveryError::Echo { status: 200, .. })), "{refused:?}");
}

async fn play(seed: u64, at_once: usize) -> Trace {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let known = guanxi_simulator::Brand {
        keywords: words(&["猫粮", "WiFi"]),
        questions: words(&["在吗"]),
        scenes: words(&["poster"]),
        menu_keys: words(&["MENU"]),
        pages: words(&["https://example.com"]),
    };
    let scenario = Scenario::draw(seed, 40, 200, &known);
    let brand = Brand::start(Mode::Safe, first(vec![])).await;
    let network = Network { late: 0.1, reset_before: 0.05, reset_after: 0.05, tries_max: 3 };
    let conditions = Conditions { start: Timestamp(NOW), network, seed, at_once };
    run(&scenario, &delivery(&brand, Mode::Safe, DEADLINE), conditions, || ()).await.unwrap()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_trace_however_many_write_at_once() {
    let trace = play(11, 1).await;
    assert_eq!(trace.to_string(), play(11, 32).await.to_string());
    assert_ne!(trace.to_string(), play(12, 32).await.to_string());
}

#[tokio::test]
async fn the_summary_counts_what_the_trace_tells() {
    let trace = play(11, 8).await;
    let summary = Summary::of(&trace);
    let lines = trace.to_string();
    assert_eq!(summary.fans, 40);
    assert_eq!(summary.messages, lines.lines().count());
    assert_eq!(summary.kinds.values().sum::<usize>(), summary.messages);
    assert_eq!(summary.verdicts.values().sum::<usize>(), summary.messages);
    assert_eq!(summary.tries.values().sum::<usize>(), summary.messages + summary.retries);
    let late = lines.matches("late").count();
    assert!(late > 0 && summary.tries_that(Outcome::Late) == late, "{late}");
    assert!(summary.compared > 0 && summary.differing == 0, "{summary:?}");
    assert_eq!(summary.seen.iter().map(|(_, count)| count).sum::<usize>(), summary.verdicts["shown"]);
}
