//! What the check says of services.

use super::world::source;
use guanxi::playbook::compile;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const URL: &str = "https://api.example.com/v1?q={text}";

fn problems(source: &str) -> String {
    compile(source).unwrap_err().iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn an_address_that_leads_elsewhere_is_named_with_its_place() {
    for (url, why) in [
        ("http://api.example.com/", "does not begin with https://"),
        ("https://127.0.0.1/?q={text}", "a number in the place of a host's name"),
        ("https://ask.spin.internal/", "a name that is not of the internet"),
        ("https://self.alt/", "a name that is not of the internet"),
        ("https://guanxi/", "no host's name of small letters with a dot"),
        ("https://a@api.example.com/", "a user in it"),
        ("https://api.example.com:8443/", "a port"),
        ("https://{text}/", "no host's name"),
        ("https://{text}.example.com/", "no host's name"),
        ("https://api.example.com{text}/", "`{text}` stands in the host"),
        ("https://api.example.co{text}", "`{text}` stands in the host"),
        ("https://api.example.com/{openid}", "unknown placeholder `{openid}`"),
        ("https://api.example.com/{", "a single `{`"),
    ] {
        let told = problems(&source(url, ""));
        assert!(told.starts_with("6:") && told.contains(why), "{url}: {told}");
    }
    let long = format!("https://api.example.com/{}{{text}}{{text}}", "a".repeat(600));
    assert!(problems(&source(&long, "")).contains("the address may grow to 2064 bytes, and 2048 are the most"));
}

#[test]
fn every_key_is_checked() {
    let many: Vec<String> = (0..101).map(|n| format!("\"{n}\" = \"a\"")).collect();
    let many = format!("words = {{ {} }}", many.join(", "));
    for (more, why) in [
        ("method = \"put\"", "7:10: `put` is no way to ask a service; write get or post"),
        ("method = \"posts\"", "did you mean `post`?"),
        ("timeout_ms = 3001", "7:14: `timeout_ms` is out of bounds; write a whole number from 100 to 3000"),
        ("cache_seconds = 86401", "`cache_seconds` is out of bounds"),
        (
            "headers = { authorization = \"Bearer 123\" }",
            "7:29: a header holds a key, and keys stand in variables, never in a playbook",
        ),
        ("headers = { authorization = \"lookup_key5\" }", "write lookup_key1 to lookup_key4"),
        ("headers = { authorization = \"wechat_app_secret\" }", "write lookup_key1 to lookup_key4"),
        ("headers = { host = \"lookup_key1\" }", "7:13: `host` is no header that a service may be given"),
        ("headers = { Authorization = \"lookup_key1\" }", "`Authorization` is no header"),
        ("headers = { \"a\\r\\nb\" = \"lookup_key1\" }", "is no header"),
        (
            "headers = { a = \"lookup_key1\", b = \"lookup_key1\", c = \"lookup_key1\", d = \"lookup_key1\", e = \"lookup_key1\" }",
            "at most 4 headers, not 5",
        ),
        ("pointer = \"now/text\"", "7:11: `now/text` is no JSON pointer"),
        ("pointer = \"/a~2b\"", "is no JSON pointer"),
        ("words = {}", "`words` has 1 to 100 values, not 0"),
        (&many, "`words` has 1 to 100 values, not 101"),
        ("words = { \"0\" = \"\" }", "a value and its word have 1 to 64 characters"),
        ("words = { \"0\" = 1 }", "`0` is a text, not a number"),
        ("text = \"晴\"", "7:8: the text has no place for the answer"),
        ("text = \"{valu}\"", "unknown placeholder `{valu}`; did you mean `value`?"),
        ("text = \"{value}{value}{value}\"", "the text may grow to 2400 bytes, and WeChat shows 2000"),
        ("texxt = \"{value}\"", "unknown key `texxt` in a service; did you mean `text`?"),
    ] {
        let told = problems(&source(URL, more));
        assert!(told.contains(why), "{more}: {told}");
    }
}

#[test]
fn a_rule_asks_a_service_that_is_there_by_words_that_there_are() {
    let good = source(URL, "");
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        problems(&good.replacen(from, to, 1))
    };
    assert!(
        changed("ask = \"weather\"", "ask = \"wether\"")
            .contains("there is no service `wether`; did you mean `weather`?")
    );
    assert!(
        changed("ask = \"weather\"", "ask = \"weather\"\ntext = \"a\"")
            .contains("a rule has `ask` or an answer of its own, not both")
    );
    let picture = "[[rules]]\nid = \"p\"\non = \"image\"\nask = \"weather\"\n";
    assert!(problems(&(good.clone() + picture)).contains("`image` brings no text to ask `weather`"));
    let wordless = source("https://api.example.com/gold", "") + picture;
    assert!(compile(&wordless).is_ok());
    let twice = "[[services]]\nid = \"weather\"\nurl = \"https://api.example.com/\"\nfallback = \"a\"\n";
    assert!(problems(&(good.clone() + twice)).contains("the service `weather` is there already"));
    let fallback = changed("fallback = \"没查到「{text}」\"", "fallback = \" \"");
    assert!(fallback.contains("the text is empty"), "{fallback}");
    assert!(changed("fallback = \"没查到「{text}」\"\n", "").contains("a service needs `fallback`"));
    let services: String = (0..51).map(|n| twice.replace("weather", &n.to_string())).collect();
    assert!(problems(&(good.clone() + &services)).contains("there are more than 50 services"));
}
