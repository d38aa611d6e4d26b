//! The table of [protocol 4.4](../../../docs/wechat-protocol.md#4.4), line by line, against what we make of each code.
//!
//! Left out are the lines whose codes need a call, a field or a kind of account that we do not use: media (40007), OAuth
//! (40029, 40163, 42003, 42007), lists of fans (40031, 40032), QR codes (40052, 40053), articles and mass messages (45008,
//! 45028, 45083, 45084), tags (45056 to 45058, 45059, 45157 to 45159), typing (45072, 45080, 45081), clear_quota (48006),
//! accounts of agents (61451 to 61457), datacube (61500 to 61503), menus (65301 to 65320), rid queries (76001 to 76004),
//! comments (88000), template management (200011 to 200100), shake-around, short links. Should one come, it is an alarm.

use guanxi::wechat::api::{
    Api,
    Meaning::{self, *},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SENDS: &[Api] = &[Api::Template, Api::Notice, Api::Message];
const TEMPLATE: &[Api] = &[Api::Template];
const NOTICE: &[Api] = &[Api::Notice];
const TEMPLATES: &[Api] = &[Api::Template, Api::Notice];
const MESSAGE: &[Api] = &[Api::Message];
const WITH_TOKEN: &[Api] = &[Api::Template, Api::Notice, Api::Message, Api::Quota, Api::User];
const TOKEN: &[Api] = &[Api::StableToken];
const ALL: &[Api] = &Api::ALL;

/// Codes of a line, the calls that can answer them, and what the line's action is in our words.
const TABLE: &[(&[i64], &[Api], Meaning)] = &[
    (&[-1], &[Api::StableToken, Api::Template, Api::Quota, Api::User], BackOff),
    (&[-1], &[Api::Notice, Api::Message], Unknown), // retried for idempotent calls only
    (&[0], ALL, Done),
    (&[40001], WITH_TOKEN, RefreshToken),
    (&[40001], TOKEN, Alarm), // there it is the secret
    (&[40002], TOKEN, Alarm),
    (&[40003], SENDS, FanNever),
    (&[40003], &[Api::User], FanNever),
    (&[40008], MESSAGE, Alarm),
    (&[40013], ALL, Alarm),
    (&[40014], WITH_TOKEN, RefreshToken),
    (&[40033], ALL, Alarm),
    (&[40035], ALL, Alarm),
    (&[40037], TEMPLATES, TemplateBroken),
    (&[40097], ALL, Alarm),
    (&[40125, 40164, 40243], ALL, Alarm),
    (&[41001], WITH_TOKEN, Alarm),
    (&[42001], WITH_TOKEN, RefreshToken),
    (&[42010], MESSAGE, FanLater),
    (&[43002, 43003], ALL, Alarm),
    (&[43004], SENDS, FanNever),
    (&[43019], SENDS, FanNever),
    (&[43101], NOTICE, WayClosed),
    (&[43116], TEMPLATES, TemplateBroken),
    (&[44002], ALL, Alarm),
    (&[45002], SENDS, TemplateBroken),
    (&[45009], ALL, QuotaUsedUp),
    (&[45011], ALL, SlowDown),
    (&[45015], MESSAGE, WayClosed),
    (&[45047], MESSAGE, WayClosed),
    (&[45065], TEMPLATE, Done),
    (&[45066], TEMPLATE, BackOff),
    (&[45067], TEMPLATE, Alarm),
    (&[46004], SENDS, FanNever),
    (&[47001], ALL, Alarm),
    (&[47003], TEMPLATES, TemplateBroken),
    (&[48001], ALL, Alarm),
    (&[48002], SENDS, FanNever),
    (&[48004], ALL, Alarm),
    (&[48008], SENDS, Alarm),
    (&[49003], SENDS, FanNever),
    (&[50002], ALL, Alarm),
    (&[50005], SENDS, FanNever),
    (&[61450], MESSAGE, Unknown),
    (&[65400], MESSAGE, Alarm),
    (&[76021, 76022], &[Api::Quota], Alarm),
    (&[89503, 89504, 89505, 89506, 89507], ALL, Alarm),
    // Section 4.1: the token interface forbidden, the account frozen.
    (&[50004, 50007], ALL, Alarm),
    // Section 8.2: the page of a notice.
    (&[41030], NOTICE, TemplateBroken),
    // Not in the page, but in WeChat's public tables: length of template_id, link, mini program and page, forbidden words …
    (&[40036, 40039, 40048, 40066, 40165, 40166], TEMPLATES, TemplateBroken),
    (&[45168], SENDS, TemplateBroken),
    // … and of notices: the account is banned, two at once to the same fan.
    (&[43107], NOTICE, Alarm),
    (&[43108], NOTICE, FanLater),
];

#[test]
fn every_code_means_what_its_line_says() {
    for (codes, apis, meaning) in TABLE {
        for (code, api) in codes.iter().flat_map(|code| apis.iter().map(move |api| (*code, *api))) {
            assert_eq!(api.meaning(code).0, *meaning, "{code} of {api:?}");
        }
    }
}

#[test]
fn every_code_of_the_table_has_words_of_its_own() {
    let unknown = Api::User.meaning(12345).1;
    for code in TABLE.iter().flat_map(|(codes, ..)| *codes) {
        let text = Api::User.meaning(*code).1;
        assert!(text != unknown && !text.is_empty(), "{code}");
    }
}

#[test]
fn a_code_that_nobody_knows_is_an_alarm() {
    for api in Api::ALL {
        for code in [i64::MIN, -2, 1, 12345, 40004, 9_410_010, i64::MAX] {
            assert_eq!(api.meaning(code), (Alarm, "a code that Guanxi does not know"), "{code} of {api:?}");
        }
    }
}

#[test]
fn what_may_not_be_repeated_never_backs_off() {
    for code in -100..100_000 {
        for api in [Api::Notice, Api::Message] {
            assert_ne!(api.meaning(code).0, BackOff, "{code} of {api:?}");
        }
        assert_ne!(Api::StableToken.meaning(code).0, RefreshToken, "{code}: asking for a token would never end");
        assert_ne!(Api::Template.meaning(code).0, Unknown, "{code}: a template message has its client_msg_id");
    }
}
