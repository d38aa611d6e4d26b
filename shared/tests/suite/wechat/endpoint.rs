//! Whose request it is, and what goes back.

use guanxi::{
    time::Timestamp,
    wechat::{
        Kind,
        crypto::Cipher,
        endpoint::{
            BODY_MAX, ConfigError, ECHOSTR_MAX, Endpoint, Mode, Opened, QUERY_MAX, Query, Refusal, Secrets,
            TIME_WINDOW_SECONDS,
        },
        fields::{FieldsError, Format},
        message::ParseError,
        sender::{OpenReplyError, Sender},
        signature,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TOKEN: &str = "weixin_token";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const OTHER_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const APP_ID: &str = "wxb11529c136998cb6";
const FAN: &str = "oia2TjuEGTNoeX76QEjQNrcURxG8";
const NOW: Timestamp = Timestamp(1_714_112_445);
const RANDOM: [u8; 16] = *b"0123456789abcdef";
const XML: &str = include_str!("../../../fixtures/wechat/messages/text.xml");
const JSON: &str = include_str!("../../../fixtures/wechat/messages/text.json");
const MODES: [Mode; 3] = [Mode::Plain, Mode::Compat, Mode::Safe];

fn endpoint(mode: Mode) -> Endpoint {
    Endpoint::new(TOKEN, mode, Some(KEY), APP_ID).unwrap()
}

fn sender(mode: Mode) -> Sender {
    Sender::new(TOKEN, mode, &KEY.parse().unwrap(), APP_ID)
}

/// A push of `sender`, at `NOW`.
fn pushed(sender: &Sender, body: &str) -> (String, String) {
    sender.push(body, FAN, &NOW.to_string(), "415670741", RANDOM).unwrap()
}

fn open(mode: Mode, query: &str, body: &str) -> Result<Opened, Refusal> {
    endpoint(mode).open(&Query::parse(query)?, body.as_bytes(), NOW)
}

#[test]
fn wechats_own_verification_example_is_answered() {
    let query = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249&timestamp=1714036504\
                 &nonce=1514711492";
    for (mode, key) in [(Mode::Plain, None), (Mode::Compat, Some(KEY)), (Mode::Safe, Some(KEY))] {
        let endpoint = Endpoint::new("AAAAA", mode, key, APP_ID).unwrap();
        assert_eq!(endpoint.verify_url(&Query::parse(query).unwrap()), Ok("4375120948345356249"));
    }
    let other = Endpoint::new("AAAAB", Mode::Safe, Some(KEY), APP_ID).unwrap();
    let refusal = other.verify_url(&Query::parse(query).unwrap()).unwrap_err();
    assert_eq!((refusal, refusal.status()), (Refusal::Signature, 401));
}

#[test]
fn wechats_own_push_example_opens() {
    let endpoint = Endpoint::new("AAAAA", Mode::Safe, Some(&"A".repeat(43)), "wxba5fad812f8e6fb9").unwrap();
    let encrypt = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzaz\
                   hZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFI\
                   ZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
    let body = format!(r#"{{"ToUserName":"gh_97417a04a28d","Encrypt":"{encrypt}"}}"#);
    let query = "signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=415670741\
                 &openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3";
    let push = endpoint.open(&Query::parse(query).unwrap(), body.as_bytes(), NOW).unwrap();
    assert_eq!(push.format, Format::Json);
    assert_eq!(
        push.message.unwrap().identity(),
        "gh_97417a04a28d|o9AgO5Kd5ggOC-bXrbNODIiE3bGY|1714112445|event|debug_demo||"
    );
}

#[test]
fn a_push_opens_and_its_reply_goes_back_in_every_mode_and_format() {
    for mode in MODES {
        for (body, format) in [(XML, Format::Xml), (JSON, Format::Json)] {
            let (query, sealed) = pushed(&sender(mode), body);
            let push = open(mode, &query, &sealed).unwrap();
            assert_eq!((push.format, push.nonce.as_str()), (format, "415670741"));
            let Kind::Text { content, .. } = push.message.unwrap().kind else { panic!("{mode:?}") };
            assert_eq!(content, "你好, 猫粮 & <b>");
            let reply = endpoint(mode).seal(push.secrets, format, &push.nonce, NOW, RANDOM, body);
            assert_eq!(reply == body, mode == Mode::Plain);
            assert_eq!(sender(mode).open_reply(&reply).unwrap(), body);
        }
    }
}

#[test]
fn the_sealed_reply_is_the_documented_envelope() {
    let endpoint = Endpoint::new("AAAAA", Mode::Safe, Some(&"A".repeat(43)), "wxba5fad812f8e6fb9").unwrap();
    let seal = |format| {
        endpoint.seal(
            Secrets::default(),
            format,
            "415670741",
            Timestamp(1_713_424_427),
            *b"707722b803182950",
            r#"{"demo_resp":"good luck"}"#,
        )
    };
    let encrypt = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==";
    let signature = guanxi::wechat::signature::msg_signature("AAAAA", "1713424427", "415670741", encrypt);
    assert_eq!(
        seal(Format::Json),
        format!(r#"{{"Encrypt":"{encrypt}","MsgSignature":"{signature}","TimeStamp":1713424427,"Nonce":"415670741"}}"#)
    );
    assert_eq!(
        seal(Format::Xml),
        format!(
            "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
             <TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>"
        )
    );
}

#[test]
fn only_the_decrypted_text_counts() {
    let (query, body) = pushed(&sender(Mode::Compat), XML);
    let forged = body.replace("oia2TjuEGTNoeX76QEjQNrcURxG8", "oVictim").replace("你好", "forged");
    assert_ne!(forged, body);
    let message = open(Mode::Compat, &query, &forged).unwrap().message.unwrap();
    assert_eq!(message.from_user_name.as_str(), FAN);
    assert!(matches!(message.kind, Kind::Text { content, .. } if content.starts_with("你好")));
}

#[test]
fn a_plain_body_is_refused_where_encryption_is_on_even_if_signature_is_right() {
    let (query, body) = pushed(&sender(Mode::Plain), XML);
    for mode in [Mode::Compat, Mode::Safe] {
        let empty = "<xml><Encrypt><![CDATA[]]></Encrypt></xml>";
        for body in [body.as_str(), empty, "<xml/>", "{}"] {
            let refusal = open(mode, &query, body).unwrap_err();
            assert_eq!((refusal, refusal.status()), (Refusal::NotEncrypted, 401), "{body}");
        }
        let refusal = open(mode, &query, "hello").unwrap_err();
        assert!(matches!(refusal, Refusal::Envelope(_)));
        assert_eq!(refusal.status(), 401);
    }
}

#[test]
fn the_plain_signature_does_not_open_an_encrypted_push() {
    let (query, body) = pushed(&sender(Mode::Safe), XML);
    let (signed_plainly, _) = query.split_once("&msg_signature").unwrap();
    assert_eq!(open(Mode::Safe, signed_plainly, &body).unwrap_err(), Refusal::Missing("msg_signature"));
}

#[test]
fn a_request_of_somebody_else_is_refused() {
    for mode in MODES {
        let (query, body) = pushed(&sender(mode), XML);
        let stranger = Sender::new("other_token", mode, &KEY.parse().unwrap(), APP_ID);
        let (forged, _) = pushed(&stranger, XML);
        assert_eq!(open(mode, &forged, &body).unwrap_err(), Refusal::Signature, "{mode:?}");
        for (from, to) in [("nonce=4", "nonce=5"), ("timestamp=1", "timestamp=2")] {
            assert_eq!(open(mode, &query.replace(from, to), &body).unwrap_err(), Refusal::Signature, "{mode:?}");
        }
        for gone in ["timestamp", "nonce", if mode == Mode::Plain { "signature" } else { "msg_signature" }] {
            let refusal = open(mode, &query.replace(&format!("{gone}="), "x="), &body).unwrap_err();
            assert_eq!(refusal, Refusal::Missing(gone), "{mode:?}");
            assert_eq!(refusal.status(), 401);
        }
    }
}

#[test]
fn the_right_token_does_not_help_a_wrong_key_or_app_id() {
    let wrong_key = Sender::new(TOKEN, Mode::Safe, &OTHER_KEY.parse().unwrap(), APP_ID);
    let wrong_app = Sender::new(TOKEN, Mode::Safe, &KEY.parse().unwrap(), "wx5823bf96d3bd56c7");
    for sender in [wrong_key, wrong_app] {
        let (query, body) = pushed(&sender, XML);
        let refusal = open(Mode::Safe, &query, &body).unwrap_err();
        assert!(matches!(refusal, Refusal::Decrypt(_)), "{refusal}");
        assert_eq!(refusal.status(), 401);
    }
}

#[test]
fn what_the_query_tells_is_refused_without_the_body() {
    let check = |mode, query: &str| Query::parse(query).and_then(|query| endpoint(mode).check(&query, NOW));
    for mode in MODES {
        let (query, _) = pushed(&sender(mode), XML);
        assert_eq!(check(mode, &query), Ok(()), "{mode:?}");
        let stranger = Sender::new("other_token", mode, &KEY.parse().unwrap(), APP_ID);
        assert_eq!(check(mode, &pushed(&stranger, XML).0), Err(Refusal::Signature), "{mode:?}");
        for (from, to) in [("nonce=4", "nonce=5"), ("timestamp=1", "timestamp=2"), ("signature=", "signature=0")] {
            assert_eq!(check(mode, &query.replacen(from, to, 1)), Err(Refusal::Signature), "{mode:?} {to}");
        }
        for gone in ["timestamp", "nonce", if mode == Mode::Plain { "signature" } else { "msg_signature" }] {
            let refusal = check(mode, &query.replace(&format!("{gone}="), "x=")).unwrap_err();
            assert_eq!(refusal, Refusal::Missing(gone), "{mode:?}");
        }
        assert_eq!(check(mode, &format!("{query}&nonce=1")), Err(Refusal::Repeated("nonce")), "{mode:?}");
        assert_eq!(check(mode, "").map_err(|refusal| refusal.status()), Err(401), "{mode:?}");
        let query = Query::parse(&query).unwrap();
        let at = |now| endpoint(mode).check(&query, Timestamp(now));
        assert_eq!(at(NOW.0 + TIME_WINDOW_SECONDS), Ok(()));
        assert_eq!(at(NOW.0 + TIME_WINDOW_SECONDS + 1), Err(Refusal::TooOld { seconds: 301 }));
        assert_eq!(at(NOW.0 - TIME_WINDOW_SECONDS - 1), Err(Refusal::TooNew { seconds: 301 }));
    }
}

#[test]
fn where_encryption_is_on_the_plain_signature_may_be_absent_and_the_other_must_look_like_one() {
    let (query, body) = pushed(&sender(Mode::Safe), XML);
    let (_, without) = query.split_once('&').unwrap();
    assert!(!without.contains("&signature=") && without.starts_with("timestamp="), "{without}");
    let parsed = Query::parse(without).unwrap();
    assert_eq!(endpoint(Mode::Safe).check(&parsed, NOW), Ok(()));
    assert!(endpoint(Mode::Safe).open(&parsed, body.as_bytes(), NOW).is_ok());
    let (start, signature) = without.split_once("msg_signature=").unwrap();
    for odd in ["", "0", &signature[1..], &signature.to_uppercase(), &signature.replace(char::is_numeric, "g")] {
        let query = Query::parse(&format!("{start}msg_signature={odd}")).unwrap();
        assert_eq!(endpoint(Mode::Safe).check(&query, NOW), Err(Refusal::Signature), "{odd}");
    }
}

#[test]
fn a_push_lives_for_five_minutes_in_either_direction() {
    for mode in MODES {
        let (query, body) = pushed(&sender(mode), XML);
        let query = Query::parse(&query).unwrap();
        let at = |now| endpoint(mode).open(&query, body.as_bytes(), Timestamp(now)).map(|_| ());
        assert_eq!(at(NOW.0 + TIME_WINDOW_SECONDS), Ok(()));
        assert_eq!(at(NOW.0 - TIME_WINDOW_SECONDS), Ok(()));
        assert_eq!(at(NOW.0 + TIME_WINDOW_SECONDS + 1), Err(Refusal::TooOld { seconds: 301 }));
        assert_eq!(at(NOW.0 - TIME_WINDOW_SECONDS - 1), Err(Refusal::TooNew { seconds: 301 }));
        assert_eq!(at(0), Err(Refusal::TooNew { seconds: NOW.0 }));
    }
    assert_eq!(Refusal::TooOld { seconds: 301 }.to_string(), "the timestamp is 301 s behind our clock, more than 300");
    let (query, body) = sender(Mode::Plain).push(XML, FAN, "yesterday", "1", RANDOM).unwrap();
    assert_eq!(open(Mode::Plain, &query, &body).unwrap_err(), Refusal::NoTime);
}

#[test]
fn verifying_the_url_has_no_time_window() {
    let query = sender(Mode::Safe).sign_url("1", "n", "a b&c=<script>+%");
    assert_eq!(endpoint(Mode::Safe).verify_url(&Query::parse(&query).unwrap()), Ok("a b&c=<script>+%"));
}

#[test]
fn echostr_must_be_there_and_short_but_the_signature_comes_first() {
    let verify = |query: &str| endpoint(Mode::Safe).verify_url(&Query::parse(query).unwrap()).map(str::to_owned);
    let longest = "1".repeat(ECHOSTR_MAX);
    assert_eq!(verify(&sender(Mode::Safe).sign_url("1", "n", &longest)), Ok(longest.clone()));
    let over = sender(Mode::Safe).sign_url("1", "n", &format!("{longest}1"));
    assert_eq!(verify(&over).unwrap_err().status(), 400);
    let without = over.split_once("&echostr").unwrap().0;
    assert_eq!(verify(without).unwrap_err(), Refusal::NoEchostr);
    assert_eq!(verify("").unwrap_err().status(), 401);
}

#[test]
fn a_body_over_64_kib_is_too_large() {
    let refusal = open(Mode::Safe, "", &"x".repeat(BODY_MAX + 1)).unwrap_err();
    assert_eq!((refusal, refusal.status()), (Refusal::TooLarge, 413));
    let (query, _) = pushed(&sender(Mode::Plain), XML);
    assert!(open(Mode::Plain, &query, &"x".repeat(BODY_MAX)).unwrap().message.is_err());
}

#[test]
fn what_is_authentic_but_not_understood_is_no_refusal() {
    for mode in MODES {
        for body in [r#"{"action":"CheckContainerPath"}"#, "<xml><action>CheckContainerPath</action></xml>"] {
            let (query, body) = pushed(&sender(mode), body);
            assert!(open(mode, &query, &body).unwrap().message.is_err(), "{mode:?}");
        }
    }
    let (query, _) = pushed(&sender(Mode::Plain), XML);
    for body in ["", "hello", "<xml>", "{", "\u{FEFF}"] {
        assert!(open(Mode::Plain, &query, body).unwrap().message.is_err(), "{body}");
    }
}

#[test]
fn a_message_that_is_not_utf8_is_authentic_in_every_mode_and_not_understood() {
    let (start, end) = XML.split_once("你好").unwrap();
    let message = [start.as_bytes(), b"\xC4\xE3\xBA\xC3", end.as_bytes()].concat();
    for mode in MODES {
        let encrypt = Cipher::new(&KEY.parse().unwrap(), APP_ID).encrypt(RANDOM, &message);
        let sealed = format!("<Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>");
        let body = match mode {
            Mode::Plain => message.clone(),
            Mode::Compat => [message.trim_ascii_end().strip_suffix(b"</xml>").unwrap(), sealed.as_bytes()].concat(),
            Mode::Safe => format!("<xml>{sealed}").into_bytes(),
        };
        let signature = signature::url_signature(TOKEN, &NOW.to_string(), "1");
        let covering = signature::msg_signature(TOKEN, &NOW.to_string(), "1", &encrypt);
        let query = format!("signature={signature}&timestamp={NOW}&nonce=1&msg_signature={covering}");
        let push = endpoint(mode).open(&Query::parse(&query).unwrap(), &body, NOW).unwrap();
        assert_eq!(push.message.unwrap_err(), ParseError::Fields(FieldsError::NotUtf8), "{mode:?}");
        let forged = query.replace("signature=", "signature=0");
        let refusal = endpoint(mode).open(&Query::parse(&forged).unwrap(), &body, NOW).unwrap_err();
        assert_eq!(refusal, Refusal::Signature, "{mode:?}");
    }
}

#[test]
fn white_space_around_encrypt_does_not_count() {
    let (query, body) = pushed(&sender(Mode::Safe), XML);
    let spaced = body.replace("<Encrypt>", "<Encrypt>\n ").replace("</Encrypt>", "\r\n</Encrypt>");
    let plain = spaced.replace("<Encrypt>\n <![CDATA[", "<Encrypt>\n ").replace("]]>\r\n</Encrypt>", "\r\n</Encrypt>");
    for body in [spaced, plain] {
        assert!(open(Mode::Safe, &query, &body).unwrap().message.is_ok(), "{body}");
    }
}

#[test]
fn a_parameter_that_comes_twice_is_refused() {
    for name in ["signature", "timestamp", "nonce", "msg_signature", "echostr"] {
        let refusal = Query::parse(&format!("{name}=1&openid=2&openid=3&{name}=1")).unwrap_err();
        assert_eq!((refusal, refusal.status()), (Refusal::Repeated(name), 401));
    }
    assert_eq!(Query::parse(&"a".repeat(QUERY_MAX + 1)).unwrap_err().status(), 400);
    assert_eq!(Query::parse("n%6Fnce=1&nonce=1"), Query::parse("nonce=1"), "an encoded name is none of ours");
    assert_eq!(Query::parse("echostr=a%2Bb=%26+c"), Query::parse("echostr=a%2Bb%3D%26%20c"));
}

#[test]
fn what_takes_the_place_of_a_token_and_a_key_is_taken_beside_them() {
    let next = |token: &str, key: &str| Sender::new(token, Mode::Safe, &key.parse().unwrap(), APP_ID);
    let changing = endpoint(Mode::Safe).with_next("the_next_token", OTHER_KEY).unwrap();
    for token in [TOKEN, "the_next_token"] {
        for key in [KEY, OTHER_KEY] {
            let sender = next(token, key);
            let (query, body) = pushed(&sender, XML);
            let query = Query::parse(&query).unwrap();
            assert_eq!(changing.check(&query, NOW), Ok(()), "{token} {key}");
            let opened = changing.open(&query, body.as_bytes(), NOW).unwrap();
            let reply = changing.seal(opened.secrets, Format::Xml, &opened.nonce, NOW, RANDOM, "<xml/>");
            assert_eq!(sender.open_reply(&reply).unwrap(), "<xml/>", "{token} {key}");
            let echo = sender.sign_url("1", "n", "42");
            assert_eq!(changing.verify_url(&Query::parse(&echo).unwrap()), Ok("42"));
        }
    }
    let nothing = endpoint(Mode::Safe).with_next("", "").unwrap();
    for (token, key, refusal) in [("the_next_token", KEY, Refusal::Signature), ("", KEY, Refusal::Signature)] {
        let (query, body) = pushed(&next(token, key), XML);
        assert_eq!(nothing.open(&Query::parse(&query).unwrap(), body.as_bytes(), NOW).unwrap_err(), refusal);
    }
    let (query, body) = pushed(&next(TOKEN, OTHER_KEY), XML);
    let refusal = nothing.open(&Query::parse(&query).unwrap(), body.as_bytes(), NOW).unwrap_err();
    assert!(matches!(refusal, Refusal::Decrypt(_)), "{refusal}");
    // WeChat's own example of a verification, by the token to come.
    let example = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249&timestamp=1714036504\
                   &nonce=1514711492";
    let to_come = endpoint(Mode::Safe).with_next("AAAAA", "").unwrap();
    assert_eq!(to_come.verify_url(&Query::parse(example).unwrap()), Ok("4375120948345356249"));
}

#[test]
fn a_wrong_configuration_names_the_variable() {
    let new = |token, mode, key, app_id| Endpoint::new(token, mode, key, app_id).map(|_| ()).unwrap_err();
    assert_eq!(new("", Mode::Plain, None, ""), ConfigError::Token);
    assert_eq!(new(TOKEN, Mode::Safe, None, APP_ID), ConfigError::NoKey);
    assert_eq!(new(TOKEN, Mode::Compat, Some(""), APP_ID), ConfigError::NoKey);
    assert_eq!(new(TOKEN, Mode::Safe, Some(&KEY[1..]), APP_ID), ConfigError::Key);
    assert_eq!(new(TOKEN, Mode::Plain, Some("x"), APP_ID), ConfigError::Key);
    assert_eq!(new(TOKEN, Mode::Safe, Some(KEY), ""), ConfigError::AppId);
    assert_eq!("Safe".parse::<Mode>(), Err(ConfigError::Mode));
    assert_eq!(["plain", "compat", "safe"].map(|mode| mode.parse::<Mode>().unwrap()), MODES);
    assert!(Endpoint::new(&"long".repeat(20), Mode::Plain, Some(""), "").is_ok());
    for mode in MODES {
        let wrong = endpoint(mode).with_next("next", &KEY[1..]).map(|_| ()).unwrap_err();
        assert_eq!(wrong, ConfigError::NextKey, "{mode:?}");
    }
    for (error, variable) in [
        (ConfigError::Token, "wechat_token"),
        (ConfigError::Mode, "wechat_mode"),
        (ConfigError::NoKey, "wechat_encoding_aes_key"),
        (ConfigError::Key, "wechat_encoding_aes_key"),
        (ConfigError::NextKey, "wechat_encoding_aes_key_next"),
        (ConfigError::AppId, "wechat_app_id"),
    ] {
        assert!(error.to_string().starts_with(variable), "{error}");
    }
}

#[test]
fn secrets_never_show() {
    for mode in MODES {
        let shown = format!("{:?} {:?}", endpoint(mode), sender(mode));
        assert!(!shown.contains(TOKEN) && !shown.contains(KEY), "{shown}");
    }
}

#[test]
fn wechat_finds_what_is_wrong_with_a_reply() {
    let safe = sender(Mode::Safe);
    let reply = endpoint(Mode::Safe).seal(Secrets::default(), Format::Xml, "1", NOW, RANDOM, "<xml/>");
    assert_eq!(safe.open_reply("success").unwrap(), "success");
    assert_eq!(safe.open_reply("").unwrap(), "");
    assert_eq!(safe.open_reply("<xml/>").unwrap_err(), OpenReplyError::Missing("Encrypt"));
    assert_eq!(sender(Mode::Compat).open_reply("<xml/>").unwrap(), "<xml/>");
    let other_nonce = reply.replace("<![CDATA[1]]>", "<![CDATA[2]]>");
    assert_eq!(safe.open_reply(&other_nonce).unwrap_err(), OpenReplyError::Signature);
    let stranger = Sender::new(TOKEN, Mode::Safe, &OTHER_KEY.parse().unwrap(), APP_ID);
    assert!(matches!(stranger.open_reply(&reply).unwrap_err(), OpenReplyError::Decrypt(_)));
}
