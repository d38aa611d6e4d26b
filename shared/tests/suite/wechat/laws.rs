//! What holds for any text and any bytes.

use guanxi::{
    time::Timestamp,
    wechat::{
        OpenId, Reply,
        crypto::Cipher,
        endpoint::{Endpoint, Mode, Query},
        fields::{Fields, Format},
        sender::Sender,
    },
};
use proptest::prelude::*;

const TOKEN: &str = "weixin_token";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APP_ID: &str = "wxb11529c136998cb6";
/// In force, to come, and somebody else's.
const TOKENS: [&str; 3] = [TOKEN, "the_next_token", "no_token"];
const KEYS: [&str; 3] =
    [KEY, "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "ZYXWVUTSRQPONMLKJIHGFEDCBA0123456789abcdefg"];
const NOW: Timestamp = Timestamp(1_714_112_445);

/// Any text, with what is special to XML in it more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        Just("]]>".to_owned()),
        Just("]".to_owned()),
        Just(">".to_owned()),
        Just("<![CDATA[".to_owned()),
        Just("&amp;".to_owned()),
        Just("\0\u{1}\u{FFFF}".to_owned()),
        Just("\r\n".to_owned()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn fan() -> OpenId {
    "oia2TjuEGTNoeX76QEjQNrcURxG8".parse().unwrap()
}

/// What XML can carry of a text, after its line ends were made one.
fn as_xml_carries_it(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    text.chars().filter(allowed).collect::<String>().replace("\r\n", "\n").replace('\r', "\n")
}

proptest! {
    #[test]
    fn decrypting_undoes_encrypting(random: [u8; 16], msg: Vec<u8>, app_id in "[a-z0-9]{0,40}") {
        let cipher = Cipher::new(&KEY.parse().unwrap(), app_id);
        prop_assert_eq!(cipher.decrypt(&cipher.encrypt(random, &msg)), Ok(msg));
    }

    #[test]
    fn xml_brings_every_text_back(content in text()) {
        let xml = Reply::Text { content: content.clone() }.render(Format::Xml, &fan(), "gh_1", NOW);
        let (format, fields) = Fields::parse(xml.as_bytes()).unwrap();
        prop_assert_eq!(format, Format::Xml);
        prop_assert_eq!(fields.text("Content").unwrap(), as_xml_carries_it(&content));
        prop_assert_eq!(fields.0.len(), 5);
    }

    #[test]
    fn json_brings_every_text_back(content in text()) {
        let json = Reply::Text { content: content.clone() }.render(Format::Json, &fan(), "gh_1", NOW);
        let (format, fields) = Fields::parse(json.as_bytes()).unwrap();
        prop_assert_eq!(format, Format::Json);
        prop_assert_eq!(fields.text("Content").unwrap(), content);
    }

    #[test]
    fn any_change_to_an_encrypted_text_is_noticed(at: prop::sample::Index, change in 1..=255u8, json: bool) {
        let sender = Sender::new(TOKEN, Mode::Safe, &KEY.parse().unwrap(), APP_ID);
        let endpoint = Endpoint::new(TOKEN, Mode::Safe, Some(KEY), APP_ID).unwrap();
        let body = if json { r#"{"ToUserName":"gh_1"}"# } else { "<xml><ToUserName>gh_1</ToUserName></xml>" };
        let (query, body) = sender.push(body, "o", &NOW.to_string(), "1", *b"0123456789abcdef").unwrap();
        let query = Query::parse(&query).unwrap();
        prop_assert!(endpoint.open(&query, body.as_bytes(), NOW).is_ok());
        let start = body.find("Encrypt").unwrap() + "Encrypt><![CDATA[".len();
        let end = body[start..].find(['=', ']', '"']).unwrap();
        let mut body = body.into_bytes();
        body[start + at.index(end)] ^= change;
        prop_assert!(endpoint.open(&query, &body, NOW).is_err());
    }

    /// One account whose Token and EncodingAESKey are changed: whatever WeChat posts meanwhile, in whatever order, signed and
    /// encrypted with either, is taken and answered with its own; what is made with anything else is not.
    #[test]
    fn while_secrets_are_changed_every_message_is_taken_and_answered_with_its_own(
        messages in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_usize), 1..12),
        next in (any::<bool>(), any::<bool>()),
    ) {
        for mode in [Mode::Plain, Mode::Compat, Mode::Safe] {
            let endpoint = Endpoint::new(TOKENS[0], mode, Some(KEYS[0]), APP_ID).unwrap();
            let given = |next: bool, secret| if next { secret } else { "" };
            let endpoint = endpoint.with_next(given(next.0, TOKENS[1]), given(next.1, KEYS[1])).unwrap();
            for (token, other_token, key) in &messages {
                let sender = |token: usize| Sender::new(TOKENS[token], mode, &KEYS[*key].parse().unwrap(), APP_ID);
                let is_known = |secret: usize, next: bool| secret == 0 || secret == 1 && next;
                let echo = sender(*token).sign_url(&NOW.to_string(), "1", "42");
                prop_assert_eq!(endpoint.verify_url(&Query::parse(&echo).unwrap()).is_ok(), is_known(*token, next.0));

                let xml = "<xml><ToUserName>gh_1</ToUserName></xml>";
                let random = *b"0123456789abcdef";
                let (query, body) = sender(*token).push(xml, "o", &NOW.to_string(), "1", random).unwrap();
                // A `signature` by the one token beside a `msg_signature` by the other is no less authentic.
                let (other, _) = sender(*other_token).push(xml, "o", &NOW.to_string(), "1", random).unwrap();
                let mixed = match (mode, query.split_once('&'), other.split_once('&')) {
                    (Mode::Plain, ..) => query.clone(),
                    (_, Some((_, rest)), Some((signature, _))) => format!("{signature}&{rest}"),
                    _ => panic!("{query}"),
                };
                let query = Query::parse(&mixed).unwrap();
                let token_known = is_known(*token, next.0);
                let signed = token_known && (mode == Mode::Plain || is_known(*other_token, next.0));
                let taken = endpoint.check(&query, NOW).and_then(|()| endpoint.open(&query, body.as_bytes(), NOW));
                let expected = signed && (mode == Mode::Plain || is_known(*key, next.1));
                prop_assert_eq!(taken.is_ok(), expected, "{:?} {}", mode, mixed);
                match taken {
                    Err(refusal) => prop_assert_eq!(refusal.status(), 401),
                    Ok(opened) => {
                        let reply = endpoint.seal(opened.secrets, opened.format, &opened.nonce, NOW, random, "<xml/>");
                        prop_assert_eq!(sender(*token).open_reply(&reply).unwrap(), "<xml/>");
                        if mode != Mode::Plain {
                            let others = (0..3).filter(|other| other != token);
                            prop_assert!(others.map(sender).all(|other| other.open_reply(&reply).is_err()));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_other_cipher_text_opens(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let cipher = Cipher::new(&KEY.parse().unwrap(), APP_ID);
        prop_assert!(cipher.decrypt(&BASE64_STANDARD.encode(bytes)).is_err());
    }
}
