//! What holds for any text and any bytes.

use guanxi::wechat::{
    OpenId,
    api::{
        Answer, Api, HttpAnswer, judge,
        message::Text,
        notice::Notice,
        quota,
        template::{Data, Message, MiniProgram},
        token, user,
        vault::Vault,
    },
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

const BODIES: usize = 50_000;

const SAMPLES: [&str; 8] = [
    include_str!("../../../fixtures/wechat/api/token.json"),
    include_str!("../../../fixtures/wechat/api/token-40001.json"),
    include_str!("../../../fixtures/wechat/api/template-ok.json"),
    include_str!("../../../fixtures/wechat/api/template-47003.json"),
    include_str!("../../../fixtures/wechat/api/template-43004.json"),
    include_str!("../../../fixtures/wechat/api/quota.json"),
    include_str!("../../../fixtures/wechat/api/quota-text.json"),
    include_str!("../../../fixtures/wechat/api/user.json"),
];

/// Pieces that a reader may stumble over.
const PIECES: [&str; 13] =
    ["{", "}", "[", "]", "\"", "\\u0000", ",", ":", "-", "rid: ", " hint: [", "99999999999999999999", "<xml>"];

fn fan() -> OpenId {
    "oia2TjuEGTNoeX76QEjQNrcURxG8".parse().unwrap()
}

/// Every body that carries text of the brand's, with this text wherever one fits.
fn bodies(text: &str) -> [String; 3] {
    let (touser, data) = (&fan(), [(text.to_owned(), text.to_owned())]);
    let (data, page) = (Data(&data), MiniProgram { appid: text, pagepath: text });
    let message =
        Message { touser, template_id: text, url: Some(text), miniprogram: Some(page), data, client_msg_id: text };
    let notice = Notice { touser, template_id: text, page: Some(text), miniprogram: Some(page), data };
    [message.request(), notice.request(), Text { touser, content: text }.request()].map(|request| request.body)
}

/// One to six changes.
fn mutate(rng: &mut ChaCha8Rng, body: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..=6) {
        let at = rng.random_range(0..=body.len());
        let to = rng.random_range(at..=body.len().min(at + 20));
        match rng.random_range(0..4) {
            0 if at < body.len() => body[at] = rng.random(),
            1 => drop(body.drain(at..to)),
            2 => body.extend_from_within(at..to),
            _ => drop(body.splice(at..at, PIECES.choose(rng).unwrap().bytes())),
        }
    }
}

#[test]
fn no_answer_makes_it_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (mut read, mut unreadable) = (0, 0);
    for _ in 0..BODIES {
        let mut body = SAMPLES.choose(&mut rng).unwrap().as_bytes().to_vec();
        mutate(&mut rng, &mut body);
        match Answer::read(&body) {
            Ok(answer) => {
                read += 1;
                assert!(answer.msgid().is_none_or(|msgid| msgid.len() <= body.len()));
                if let Ok(granted) = token::read(&answer) {
                    assert!((1..=token::LIFE_MAX).contains(&granted.expires_in));
                }
                let _ = (quota::read(&answer), user::read(&answer));
            }
            Err(_) => unreadable += 1,
        }
        let api = *Api::ALL.choose(&mut rng).unwrap();
        let status = *[200, 302, 404, 500].choose(&mut rng).unwrap();
        if let Err(failure) = judge(api, Ok(HttpAnswer { status, body })) {
            assert!(!failure.to_string().is_empty());
        }
    }
    assert!(read > BODIES / 20 && unreadable > BODIES / 20, "{read} read, {unreadable} unreadable");
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Answer::read(&bytes);
        let vault = Vault::new(&"secret".parse().unwrap(), "wx1");
        prop_assert!(vault.open(&bytes).is_err());
    }

    #[test]
    fn text_goes_out_as_it_is_without_escapes_for_what_is_not_ascii(text in "[^\\p{Cc}\\\\\"]{0,40}") {
        for body in bodies(&text) {
            prop_assert!(!body.contains("\\u"), "{}", body);
            prop_assert!(body.contains(&text), "{}", body);
        }
    }

    #[test]
    fn any_text_is_still_one_json_object(text: String) {
        for body in bodies(&text) {
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(&json["touser"], "oia2TjuEGTNoeX76QEjQNrcURxG8");
            let content = json["data"][&text]["value"].as_str().or(json["text"]["content"].as_str());
            prop_assert_eq!(content, Some(text.as_str()));
        }
    }
}
