//! What one call came to, lost answers and foreign ones included.

use futures::FutureExt;
use guanxi::wechat::api::{
    Api, CallError, Calls, Cause, Failure, HttpAnswer,
    Meaning::{self, *},
    Method, Unreadable, judge, token,
};
use std::cell::RefCell;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn http(status: u16, body: &str) -> Result<HttpAnswer, CallError> {
    Ok(HttpAnswer { status, body: body.into() })
}

/// Meaning and whether it may have happened; `None` for success.
fn outcome(api: Api, result: Result<HttpAnswer, CallError>) -> Option<(Meaning, bool)> {
    judge(api, result).err().map(|failure| (failure.meaning, failure.uncertain))
}

#[test]
fn a_lost_answer_is_repeated_where_wechat_knows_the_request_again_and_else_unknown() {
    let busy = include_str!("../../../fixtures/wechat/api/template-busy.json");
    for result in [
        Err(CallError::Lost("connection reset".into())),
        http(500, ""),
        http(502, "<html>502 Bad Gateway</html>"),
        http(503, r#"{"errcode":0,"errmsg":"ok"}"#),
        http(408, ""),
        http(200, ""),
        http(200, "<html>please log in</html>"),
        http(200, r#"{"errcode":"?"}"#),
        http(204, ""),
        http(200, busy),
        http(500, busy),
    ] {
        for api in Api::ALL {
            let meaning = if matches!(api, Api::Notice | Api::Message) { Unknown } else { BackOff };
            assert_eq!(outcome(api, result.clone()), Some((meaning, true)), "{result:?} of {api:?}");
        }
    }
}

#[test]
fn what_never_left_may_be_sent_again_by_every_way() {
    for api in Api::ALL {
        let refused = Err(CallError::NotSent("destination not allowed".into()));
        assert_eq!(outcome(api, refused), Some((BackOff, false)), "{api:?}");
    }
}

#[test]
fn an_errcode_counts_under_any_http_status() {
    for status in [200, 201, 400, 412, 429, 500, 503] {
        let body = r#"{"errcode":45009,"errmsg":"reach max api daily quota limit"}"#;
        assert_eq!(outcome(Api::Notice, http(status, body)), Some((QuotaUsedUp, false)), "{status}");
    }
}

#[test]
fn a_status_without_errcode_is_the_answer() {
    for (status, meaning) in
        [(429, SlowDown), (301, Alarm), (302, Alarm), (400, Alarm), (403, Alarm), (404, Alarm), (0, Alarm)]
    {
        for body in ["", "{}", "not found", r#"{"errcode":0,"errmsg":"ok","msgid":1}"#] {
            assert_eq!(outcome(Api::Template, http(status, body)), Some((meaning, false)), "{status} {body}");
        }
    }
}

#[test]
fn the_recorded_answers_come_to_what_they_should() {
    macro_rules! fixture {
        ($name:literal) => {
            http(200, include_str!(concat!("../../../fixtures/wechat/api/", $name, ".json")))
        };
    }
    for (api, answer, expected) in [
        (Api::StableToken, fixture!("token"), None),
        (Api::StableToken, fixture!("token-40001"), Some(Alarm)),
        (Api::StableToken, fixture!("token-40164"), Some(Alarm)),
        (Api::Template, fixture!("token-40001"), Some(RefreshToken)),
        (Api::Template, fixture!("template-ok"), None),
        (Api::Template, fixture!("template-duplicate"), None),
        (Api::Template, fixture!("template-40037"), Some(TemplateBroken)),
        (Api::Template, fixture!("template-43004"), Some(FanNever)),
        (Api::Template, fixture!("template-45009"), Some(QuotaUsedUp)),
        (Api::Template, fixture!("template-45011"), Some(SlowDown)),
        (Api::Template, fixture!("template-47003"), Some(TemplateBroken)),
        (Api::Notice, fixture!("notice-ok"), None),
        (Api::Notice, fixture!("notice-43101"), Some(WayClosed)),
        (Api::Message, fixture!("message-45015"), Some(WayClosed)),
        (Api::Message, fixture!("message-45047"), Some(WayClosed)),
        (Api::Quota, fixture!("quota"), None),
        (Api::User, fixture!("user"), None),
    ] {
        let expected = expected.map(|meaning| (meaning, false));
        assert_eq!(outcome(api, answer.clone()), expected, "{api:?} {answer:?}");
    }
}

#[test]
fn a_send_is_done_only_when_wechat_says_so() {
    let foreign = http(200, r#"{"message":"no route"}"#);
    assert_eq!(outcome(Api::User, foreign.clone()), None, "a call that reads has no errcode when it is well");
    assert_eq!(outcome(Api::Template, foreign.clone()), Some((BackOff, true)));
    let failure = judge(Api::Notice, foreign).unwrap_err();
    assert_eq!(failure.meaning, Unknown);
    assert_eq!(failure.cause, Cause::Unreadable(Unreadable::Field("errcode")));
}

#[test]
fn a_report_names_the_code_the_field_and_the_rid() {
    let answer = http(200, include_str!("../../../fixtures/wechat/api/template-47003.json"));
    assert_eq!(
        judge(Api::Template, answer).unwrap_err().to_string(),
        "47003, a field is empty or breaks the rule of its type: argument invalid! data.thing1.value invalid, \
         rid 65f2b8aa-3e1c7d90-5b6a4f21"
    );
    let answer = http(200, r#"{"errcode":12345,"errmsg":"new"}"#);
    assert_eq!(judge(Api::Template, answer).unwrap_err().to_string(), "12345, a code that Guanxi does not know: new");
    assert_eq!(judge(Api::Template, http(502, "")).unwrap_err().to_string(), "HTTP status 502");
}

/// Notes what it is asked for, and answers a token.
#[derive(Default)]
struct Noted(RefCell<Vec<String>>);

impl Calls for Noted {
    async fn call(&self, url: &str, method: Method, body: &str) -> Result<HttpAnswer, CallError> {
        self.0.borrow_mut().push(format!("{} {url} {body}", method.as_str()));
        http(200, include_str!("../../../fixtures/wechat/api/token.json"))
    }
}

#[test]
fn a_request_is_made_once_and_read() {
    let calls = Noted::default();
    let request = token::request("wx1", &"secret".parse().unwrap(), false);
    let base = "http://127.0.0.1:3001".parse().unwrap();
    let granted = async { Ok::<_, Failure>(token::read(&request.send(&calls, &base, None).await?)?) };
    assert_eq!(granted.now_or_never().unwrap().unwrap().expires_in, 7200);
    let body = r#"{"grant_type":"client_credential","appid":"wx1","secret":"secret","force_refresh":false}"#;
    assert_eq!(*calls.0.borrow(), [format!("POST http://127.0.0.1:3001/cgi-bin/stable_token {body}")]);
}
