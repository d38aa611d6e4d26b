//! From a fan's words to the request.

use super::world::{HOST, answer, asked, lookup, slot, source};
use guanxi::{
    lookup::{
        LOOKUP_MAX, Lookup, Method, QUESTION_MAX,
        address::AddressError,
        allowed::{Allowed, Refused},
    },
    playbook::{Action, compile},
    wechat::Reply,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const URL: &str = "https://api.example.com/v1?q={text}";

#[test]
fn what_stands_behind_the_keyword_is_asked() {
    let long = format!("天气{}", "喵".repeat(200));
    for (text, question) in [
        ("天气 杭州", "杭州"),
        ("天气：杭州！", "杭州"),
        ("天气预报 上海", "上海"),
        ("天 气 预 报", ""),
        ("New York weather", "new york weather"),
        ("天气 weather", "weather"),
        ("天气 a/../b?c=1#d", "a/../b?c=1#d"),
        (&long, &"喵".repeat(QUESTION_MAX)),
    ] {
        match answer(&source(URL, ""), text).action {
            Action::Ask { question: found, .. } => assert_eq!(found, question, "{text}"),
            Action::Reply(_) if question.is_empty() => {}
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn nothing_to_ask_is_the_fallback_at_once() {
    for text in ["天气", "天气！", "天气 ..", "天气 \u{200b}"] {
        let Action::Reply(Reply::Text { content }) = answer(&source(URL, ""), text).action else { panic!("{text}") };
        assert!(content.starts_with("没查到「天气"), "{content}");
    }
    assert_eq!(asked(&source("https://api.example.com/gold", ""), "天气").question, "");
    let post = source("https://api.example.com/gold", "method = \"post\"");
    assert!(matches!(answer(&post, "天气").action, Action::Reply(_)));
}

/// In a path, in a query, wherever: a value stays one value, and the host is the playbook's.
#[test]
fn a_fans_words_change_neither_host_nor_path_nor_query() {
    let allowed = Allowed::new([slot(HOST, "")], "").unwrap();
    for words in
        ["a@evil.example.com", "x/../../admin", "a&key=b", "a#b", "a?b", "x\r\nhost: evil", "a%2f..", "a\\b", "猫😺咪"]
    {
        for url in [URL, "https://api.example.com/w/{text}/now"] {
            let lookup = asked(&source(url, ""), &format!("天气 {words}"));
            let request = allowed.request(&lookup).unwrap_or_else(|error| panic!("{words}: {error}"));
            assert_eq!(request.authority, "api.example.com");
            let (path, query) = request.path_and_query.split_once('?').unwrap_or((&request.path_and_query, ""));
            let slashes = if url == URL { 1 } else { 3 };
            assert_eq!(path.matches('/').count(), slashes, "{}", request.path_and_query);
            assert!(!query.contains(['&', '#', '@', '\r']), "{query}");
        }
    }
}

#[test]
fn a_key_goes_to_the_host_of_its_own_number_alone() {
    let wants = |number: u8| lookup(&format!("headers = {{ authorization = \"lookup_key{number}\" }}"));
    let other = "https://other.example.com";
    let slots = [slot(other, "other's"), slot(HOST, "ours"), slot(HOST, " "), slot("", "nobody's")];
    let allowed = Allowed::new(slots, "").unwrap();
    let header = |request: &guanxi::lookup::allowed::Request| {
        request.headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value.clone())
    };
    assert_eq!(header(&allowed.request(&wants(2)).ok().unwrap()).as_deref(), Some("ours"));
    let host = || "api.example.com".to_owned();
    for (number, refused) in [
        (1, Refused::Key { slot: 1, host: host() }),
        (3, Refused::NoKey(3)),
        (4, Refused::Key { slot: 4, host: host() }),
    ] {
        assert_eq!(allowed.request(&wants(number)).err(), Some(refused), "{number}");
    }
    let mut forged = wants(2);
    forged.service.headers = vec![("authorization".into(), 0), ("x".into(), 255)];
    assert_eq!(allowed.request(&forged).err(), Some(Refused::Key { slot: 0, host: host() }));
    let broken = Allowed::new([slot("", ""), slot(HOST, "a\r\nhost: b")], "").unwrap();
    assert_eq!(broken.request(&wants(2)).err(), Some(Refused::NoKey(2)));
}

#[test]
fn a_host_that_no_variable_names_is_not_asked() {
    let refused = Err(Refused::Host("api.example.com".into()));
    for host in [
        "",
        "https://*",
        "https://*.example.com",
        "http://api.example.com",
        "https://api.example.com/v1",
        "*://*:*",
        "api.example.com",
    ] {
        let allowed = Allowed::new([slot(host, "")], "").unwrap();
        assert_eq!(allowed.request(&lookup("")).map(drop), refused, "{host}");
    }
    for host in [HOST, "https://api.example.com/", "https://api.example.com:443", " https://api.example.com "] {
        let allowed = Allowed::new([slot("", ""), slot(host, "")], "").unwrap();
        let request = allowed.request(&lookup("")).unwrap_or_else(|error| panic!("{host}: {error}"));
        assert_eq!(
            (request.is_https, &*request.authority, &*request.path_and_query),
            (true, "api.example.com", "/v1?q=%E6%9D%AD%E5%B7%9E")
        );
        assert_eq!((request.method, &*request.body), (Method::Get, ""));
    }
    assert!(Allowed::default().request(&lookup("")).is_err());
}

#[test]
fn the_stand_in_of_a_test_is_a_port_of_this_machine_and_allows_nothing_more() {
    let allowed = Allowed::new([slot(HOST, "")], "http://127.0.0.1:8080").unwrap();
    let request = allowed.request(&lookup("")).ok().unwrap();
    assert_eq!((request.is_https, &*request.authority), (false, "127.0.0.1:8080"));
    let other = Allowed::new([slot("https://other.example.com", "")], "http://127.0.0.1:8080").unwrap();
    assert!(other.request(&lookup("")).is_err());
    for wrong in [
        "http://evil.example.com",
        "http://127.0.0.1:80@evil.example.com",
        "http://127.0.0.1:",
        "https://127.0.0.1:1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:1/",
    ] {
        assert_eq!(Allowed::new([], wrong).err(), Some(Refused::StandIn), "{wrong}");
    }
}

#[test]
fn what_comes_over_the_border_is_checked_again() {
    let mut lookup = lookup("");
    let allowed = Allowed::new([slot("https://ask.spin.internal", ""), slot("http://127.0.0.1", "")], "").unwrap();
    for (url, error) in [
        ("https://ask.spin.internal/", AddressError::NotPublic),
        ("https://127.0.0.1/", AddressError::Number),
        ("http://api.example.com/", AddressError::NotHttps),
    ] {
        lookup.service.url.0 = vec![url.into()];
        assert_eq!(allowed.request(&lookup).err(), Some(Refused::Address(error)), "{url}");
    }
}

#[test]
fn a_question_survives_its_bytes_and_nothing_else_is_one() {
    let lookup = lookup("words = { \"0\" = \"晴\" }\ncache_seconds = 5");
    let bytes = lookup.encode();
    assert_eq!(Lookup::decode(&bytes), Ok(lookup));
    for end in 0..bytes.len() {
        assert!(Lookup::decode(&bytes[..end]).is_err(), "{end}");
    }
    assert!(Lookup::decode(&[&bytes[..], &[0; LOOKUP_MAX]].concat()).is_err());
    assert!(Lookup::decode(&[&[bytes[0] + 1], &bytes[1..]].concat()).is_err());
}

#[test]
fn the_largest_service_is_one_that_arrives() {
    let words: Vec<String> = (0..100).map(|n| format!("\"{n:0>62}猫\" = \"{}\"", "\u{2f800}".repeat(64))).collect();
    let url = format!("https://api.example.com/{}?q={{text}}", "a".repeat(1_000));
    let source = source(&url, &format!("pointer = \"/{}\"\nwords = {{ {} }}", "a".repeat(199), words.join(", ")));
    assert!(compile(&source).is_ok());
    assert!(asked(&source, &format!("天气{}", "喵".repeat(100))).encode().len() <= LOOKUP_MAX);
}
