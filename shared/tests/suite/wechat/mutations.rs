//! 100,000 random and mutated requests, the same ones on every run: nothing panics, and where encryption is on nothing
//! opens but what WeChat encrypted.

use guanxi::{
    playbook::Inbound,
    time::Timestamp,
    wechat::{
        Message,
        endpoint::{Endpoint, Mode, Query},
        sender::Sender,
    },
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const TOKEN: &str = "weixin_token";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APP_ID: &str = "wxb11529c136998cb6";
const NOW: Timestamp = Timestamp(1_714_112_445);
const BODIES: usize = 100_000;

/// Pieces that a parser may stumble over.
const PIECES: [&[u8]; 16] = [
    b"<",
    b">",
    b"</",
    b"/>",
    b"<![CDATA[",
    b"]]>",
    b"&#x0;",
    b"&a;",
    b"<!DOCTYPE a>",
    b"<!--",
    b"{",
    b"}",
    b"[[[[",
    b"\"",
    b"\xFF\xFE",
    b"\\u0000",
];

const SAMPLES: [&str; 6] = [
    include_str!("../../../fixtures/wechat/messages/text.xml"),
    include_str!("../../../fixtures/wechat/messages/text.json"),
    include_str!("../../../fixtures/wechat/messages/masssendjobfinish.xml"),
    include_str!("../../../fixtures/wechat/messages/pic_photo_or_album.xml"),
    include_str!("../../../fixtures/wechat/messages/subscribe_msg_popup_event-two.json"),
    include_str!("../../../fixtures/wechat/messages/text-debug-tool.xml"),
];

/// One to eight changes: bytes flipped, cut out, repeated, or a piece put in.
fn mutate(rng: &mut ChaCha8Rng, body: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..=8) {
        let at = rng.random_range(0..=body.len());
        let to = rng.random_range(at..=body.len().min(at + 40));
        match rng.random_range(0..5) {
            0 if at < body.len() => body[at] = rng.random(),
            1 => drop(body.drain(at..to)),
            2 => body.extend_from_within(at..to),
            3 => body.truncate(body.len() - rng.random_range(0..=body.len() / 8)),
            _ => drop(body.splice(at..at, PIECES.choose(rng).unwrap().iter().copied())),
        }
    }
}

fn random(rng: &mut ChaCha8Rng) -> Vec<u8> {
    (0..rng.random_range(0..300)).map(|_| rng.random()).collect()
}

#[test]
fn no_body_makes_it_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..BODIES / 2 {
        let mut body = SAMPLES.choose(&mut rng).unwrap().as_bytes().to_vec();
        mutate(&mut rng, &mut body);
        if let Ok((_, message)) = Message::parse(&body) {
            assert!(message.identity().len() <= body.len() + 64);
            Inbound::from_message(&message);
        }
    }
}

#[test]
fn no_mutated_request_makes_it_panic_or_opens() {
    let modes = [Mode::Plain, Mode::Compat, Mode::Safe].map(|mode| {
        let endpoint = Endpoint::new(TOKEN, mode, Some(KEY), APP_ID).unwrap();
        (mode, endpoint, Sender::new(TOKEN, mode, &KEY.parse().unwrap(), APP_ID))
    });
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..BODIES {
        let (mode, endpoint, sender) = modes.choose(&mut rng).unwrap();
        let sample = SAMPLES.choose(&mut rng).unwrap().trim_start_matches('\u{FEFF}');
        let (query, body) = sender.push(sample, "o", &NOW.to_string(), "1", rng.random()).unwrap();
        let original = endpoint.open(&Query::parse(&query).unwrap(), body.as_bytes(), NOW).unwrap();
        let mut query = query.into_bytes();
        let mut body = body.into_bytes();
        match rng.random_range(0..8) {
            0 => mutate(&mut rng, &mut query),
            1 => body = random(&mut rng),
            _ => mutate(&mut rng, &mut body),
        }
        let query = Query::parse(&String::from_utf8_lossy(&query));
        match query.and_then(|query| endpoint.open(&query, &body, NOW)) {
            Ok(push) => {
                opened += 1;
                assert!(*mode == Mode::Plain || push.message == original.message, "{mode:?}");
            }
            Err(refusal) => {
                refused += 1;
                assert!([400, 401].contains(&refusal.status()), "{refusal}");
            }
        }
    }
    // A third is plain, where nothing covers the body; of the others, those with a change outside `Encrypt` still open.
    assert!(opened > BODIES / 4 && refused > BODIES / 4, "{opened} opened, {refused} refused");
}
