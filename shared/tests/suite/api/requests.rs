//! What goes out, to the letter.

use guanxi::wechat::{
    OpenId,
    api::{
        AccessToken, Api, ApiUrl, AppSecret, Method,
        credentials::{NotAToken, TOKEN_MAX},
        message::Text,
        notice::Notice,
        quota,
        request::NotAnApiUrl,
        template::{Data, Message, MiniProgram},
        token, user,
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn fan() -> OpenId {
    "oia2TjuEGTNoeX76QEjQNrcURxG8".parse().unwrap()
}

fn host() -> ApiUrl {
    "https://api.weixin.qq.com".parse().unwrap()
}

fn access_token(text: &str) -> AccessToken {
    text.to_owned().try_into().unwrap()
}

fn values() -> Vec<(String, String)> {
    // On purpose not in the order of the alphabet: WeChat's templates have an order of their own.
    [("thing2", "猫粮“2kg”"), ("time1", "2026年3月2日")].map(|(name, value)| (name.into(), value.into())).into()
}

#[test]
fn a_token_is_asked_for_by_post_without_a_token() {
    let request = token::request("wx1", &SECRET.parse().unwrap(), false);
    assert_eq!(request.api.method(), Method::Post);
    assert_eq!(request.url(&host(), None), "https://api.weixin.qq.com/cgi-bin/stable_token");
    assert_eq!(
        request.body,
        format!(r#"{{"grant_type":"client_credential","appid":"wx1","secret":"{SECRET}","force_refresh":false}}"#)
    );
    assert!(token::request("wx1", &SECRET.parse().unwrap(), true).body.ends_with(r#""force_refresh":true}"#));
}

#[test]
fn a_template_message_is_written_as_the_reference_says() {
    let (fan, values) = (fan(), values());
    let mut message = Message {
        touser: &fan,
        template_id: "T-1",
        url: None,
        miniprogram: None,
        data: Data(&values),
        client_msg_id: "0f3c",
    };
    let data = r#""data":{"thing2":{"value":"猫粮“2kg”"},"time1":{"value":"2026年3月2日"}},"client_msg_id":"0f3c"}"#;
    let start = r#"{"touser":"oia2TjuEGTNoeX76QEjQNrcURxG8","template_id":"T-1","#;
    assert_eq!(message.request().body, format!("{start}{data}"));

    message.url = Some("https://example.com/?a=1&b=\"2\"");
    message.miniprogram = Some(MiniProgram { appid: "wx2", pagepath: "pages/buy?p=1" });
    let opens = r#""url":"https://example.com/?a=1&b=\"2\"","miniprogram":{"appid":"wx2","pagepath":"pages/buy?p=1"},"#;
    let request = message.request();
    assert_eq!(request.body, format!("{start}{opens}{data}"));
    assert_eq!(
        request.url(&host(), Some(&access_token("68_abc-"))),
        "https://api.weixin.qq.com/cgi-bin/message/template/send?access_token=68_abc-"
    );
}

#[test]
fn a_notice_has_a_page_and_no_client_msg_id() {
    let (fan, values) = (fan(), values());
    let notice =
        Notice { touser: &fan, template_id: "N-1", page: Some("pages/a"), miniprogram: None, data: Data(&values) };
    let request = notice.request();
    assert_eq!(
        request.body,
        r#"{"touser":"oia2TjuEGTNoeX76QEjQNrcURxG8","template_id":"N-1","page":"pages/a","data":{"thing2":{"value":"猫粮“2kg”"},"time1":{"value":"2026年3月2日"}}}"#
    );
    assert_eq!(request.api.path(), "/cgi-bin/message/subscribe/bizsend");
}

#[test]
fn a_customer_message_is_text() {
    let request = Text { touser: &fan(), content: "你好\n再见" }.request();
    assert_eq!(
        request.body,
        r#"{"touser":"oia2TjuEGTNoeX76QEjQNrcURxG8","msgtype":"text","text":{"content":"你好\n再见"}}"#
    );
    assert_eq!(request.api.path(), "/cgi-bin/message/custom/send");
}

#[test]
fn quota_and_profile_name_what_they_ask_for() {
    let quota = quota::request(Api::Template);
    assert_eq!(quota.body, r#"{"cgi_path":"/cgi-bin/message/template/send"}"#);
    assert_eq!(quota.api.path(), "/cgi-bin/openapi/quota/get");
    let user = user::request(&fan());
    assert_eq!((user.api.method(), user.body.as_str()), (Method::Get, ""));
    assert_eq!(
        user.url(&host(), Some(&access_token("a"))),
        "https://api.weixin.qq.com/cgi-bin/user/info?access_token=a&openid=oia2TjuEGTNoeX76QEjQNrcURxG8&lang=zh_CN"
    );
}

#[test]
fn no_value_breaks_out_of_its_place_in_the_address() {
    let url = user::request(&fan()).url(&host(), Some(&access_token("a&openid=x#/?%+=")));
    assert!(url.contains("?access_token=a%26openid%3Dx%23%2F%3F%25%2B%3D&openid=oia2"), "{url}");
}

#[test]
fn only_a_template_message_and_what_reads_may_be_repeated() {
    let repeatable = Api::ALL.map(|api| (api, api.may_repeat()));
    assert_eq!(
        repeatable,
        [
            (Api::StableToken, true),
            (Api::Template, true),
            (Api::Notice, false),
            (Api::Message, false),
            (Api::Quota, true),
            (Api::User, true),
        ]
    );
}

#[test]
fn secrets_have_their_bounds_and_do_not_show() {
    for text in ["a".to_owned(), "~".repeat(TOKEN_MAX)] {
        let token = access_token(&text);
        assert_eq!((token.as_str(), format!("{token:?}").as_str()), (text.as_str(), "AccessToken(…)"));
    }
    for text in [String::new(), "a".repeat(TOKEN_MAX + 1), "a b".into(), "a\n".into(), "令牌".into()] {
        assert_eq!(AccessToken::try_from(text), Err(NotAToken));
    }
    let secret: AppSecret = SECRET.parse().unwrap();
    let request = token::request("wx1", &secret, false);
    for shown in [format!("{secret:?}"), format!("{request:?}")] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
    assert!("".parse::<AppSecret>().is_err());
    assert!(" x".parse::<AppSecret>().is_err());
}

#[test]
fn a_base_url_is_https_or_local() {
    for (text, expected) in [
        ("https://api.weixin.qq.com", "https://api.weixin.qq.com"),
        (" https://sh.api.weixin.qq.com/\n", "https://sh.api.weixin.qq.com"),
        ("https://10.0.0.1:8443", "https://10.0.0.1:8443"),
        ("http://127.0.0.1:3001", "http://127.0.0.1:3001"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://localhost:80/", "http://localhost:80"),
        ("http://[::1]:3001", "http://[::1]:3001"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ] {
        assert_eq!(text.parse::<ApiUrl>().as_ref().map(ApiUrl::as_str), Ok(expected), "{text}");
    }
    for (text, why) in [
        ("", NotAnApiUrl::Scheme),
        ("api.weixin.qq.com", NotAnApiUrl::Scheme),
        ("ftp://api.weixin.qq.com", NotAnApiUrl::Scheme),
        ("HTTPS://api.weixin.qq.com", NotAnApiUrl::Scheme),
        ("http://api.weixin.qq.com", NotAnApiUrl::Clear),
        ("http://localhost.example.com", NotAnApiUrl::Clear),
        ("http://127.0.0.1.example.com", NotAnApiUrl::Clear),
        ("http://[2001:db8::1]:80", NotAnApiUrl::Clear),
        ("https://", NotAnApiUrl::Host),
        ("https:///", NotAnApiUrl::Host),
        ("https://api.weixin.qq.com/cgi-bin", NotAnApiUrl::Host),
        ("https://api.weixin.qq.com?a=b", NotAnApiUrl::Host),
        ("https://user:password@api.weixin.qq.com", NotAnApiUrl::Host),
        ("http://localhost@example.com", NotAnApiUrl::Host),
        ("https://api weixin", NotAnApiUrl::Host),
        ("https://..", NotAnApiUrl::Host),
        ("https://::1", NotAnApiUrl::Host),
        ("https://[x]", NotAnApiUrl::Host),
        ("https://api.weixin.qq.com:", NotAnApiUrl::Port),
        ("https://api.weixin.qq.com:0", NotAnApiUrl::Port),
        ("https://api.weixin.qq.com:65536", NotAnApiUrl::Port),
        ("https://api.weixin.qq.com:+443", NotAnApiUrl::Port),
        ("https://api.weixin.qq.com:443/x", NotAnApiUrl::Host),
    ] {
        assert_eq!(text.parse::<ApiUrl>(), Err(why), "{text}");
    }
}
