//! The console's page of the playbook, on a local host whose clock the test sets: what is published there is what the bot says.

use e2e::{Answer, CONSOLE_TOKEN, Server, at, local, owned, run, text};
use guanxi::{store::keys, time::Timestamp};
use guanxi_host::Host;
use hyper::Method;

const START: u64 = 1_772_416_800;
const PAGE: &str = "/console/playbook";

fn playbook(says: &str) -> String {
    format!(
        "version = 1\naccount = \"service\"\nname = \"n\"\n\
         [[rules]]\nid = \"word\"\non = \"text\"\nmatch = {{ exact = \"暗号\" }}\ntext = \"{says}\"\n"
    )
}

/// A browser without script.
struct Browser<'s> {
    server: &'s Server,
    cookie: String,
}

impl<'s> Browser<'s> {
    async fn logged_in(server: &'s Server, name: &str) -> Self {
        let browser = Self { server, cookie: String::new() };
        let answer = browser.post("/console/login", &[("token", CONSOLE_TOKEN), ("name", name)]).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { server, cookie }
    }

    async fn get(&self, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("accept-language", "en")];
        self.server.request_with(Method::GET, path, &headers, "").await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", self.cookie.as_str()),
            ("accept-language", "en"),
        ];
        self.server.request_with(Method::POST, path, &headers, body).await
    }

    /// Presses a button of a page, with some fields filled in otherwise.
    async fn press(&self, page: &str, wish: &str, fields: &[(&str, &str)]) -> Answer {
        let hidden = ["csrf", "base", "theirs", "live"].map(|name| (name, field(page, name)));
        let own = hidden.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain(own).chain([("do", wish)]).collect();
        self.post(PAGE, &fields).await
    }

    /// Both steps of a publication.
    async fn publish(&self, playbook: &str) -> Answer {
        let page = self.get(PAGE).await.body;
        let sure = self.press(&page, "publish", &[("text", playbook)]).await;
        assert!(sure.status == 200 && sure.body.contains("Publish this?"), "{}", sure.body);
        self.press(&sure.body, "sure", &[("text", playbook), ("why", "spring <greeting>")]).await
    }
}

/// The value of the last hidden field of this name: before it stands that of logging out.
fn field(page: &str, name: &str) -> Option<String> {
    let (_, value) = page.rsplit_once(&format!("name=\"{name}\" value=\""))?;
    value.split_once('"').map(|(value, _)| value.to_owned())
}

fn set(host: &Host, second: u64) -> Timestamp {
    let moment = Timestamp(START + second);
    host.clock().stop_at(at(moment));
    moment
}

/// What the real callback says to a message of this second.
async fn says(host: &Host, server: &Server, second: u64) -> String {
    let moment = set(host, second);
    let answer = server.push_at(&text("oFan-1", moment, second, "暗号"), moment).await;
    server.open(&answer)
}

#[test]
fn what_is_published_on_the_page_answers_from_its_second_on_and_so_does_what_was_before() {
    run(async {
        let (host, server) = local("safe").await;
        let trace = host.store().trace();
        set(&host, 0);
        let browser = Browser::logged_in(&server, "Wang").await;
        let page = browser.get(PAGE).await;
        assert!(page.status == 200 && page.body.contains("[[rules]]"), "the built-in playbook");
        // A mistake is told where it stands.
        let wrong = browser.press(&page.body, "publish", &[("text", &playbook("{nmae}"))]).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.body.contains("line 8, column 9: ") && wrong.body.contains("unknown placeholder"));
        // What is right is published, and says so to fans from the stated second on.
        let done = browser.publish(&playbook("one")).await;
        assert_eq!(
            (done.status, done.headers["location"].to_str().unwrap()),
            (303, "/console/playbook?done=published")
        );
        assert!(!says(&host, &server, 29).await.contains("[CDATA[one]]"));
        assert!(says(&host, &server, 30).await.contains("[CDATA[one]]"));
        // What the API publishes is shown, with its source.
        set(&host, 60);
        let api = "/playbook?by=ci&why=release";
        let api = server.authorized_with(Method::POST, api, CONSOLE_TOKEN, playbook("two")).await;
        assert_eq!(api.status, 200, "{}", api.body);
        assert_eq!(browser.publish(&playbook("three")).await.status, 409, "within the minute");
        assert!(says(&host, &server, 100).await.contains("[CDATA[two]]"));
        let list = browser.get(PAGE).await.body;
        for shown in ["Wang", "spring &lt;greeting&gt;", "ci", "release", "text = &quot;two&quot;"] {
            assert!(list.contains(shown), "{shown} in {list}");
        }
        // Back.
        let first = browser.get("/console/playbook?show=1").await.body;
        assert!(first.contains("Roll back") && first.contains("text = &quot;one&quot;"));
        set(&host, 120);
        assert_eq!(browser.publish(&playbook("one")).await.status, 303);
        assert!(says(&host, &server, 149).await.contains("[CDATA[two]]"));
        assert!(says(&host, &server, 160).await.contains("[CDATA[one]]"));
        // A replay finds the five messages that this rule answered, and no others.
        let other = server.push_at(&text("oFan-1", set(&host, 161), 161, "别的"), Timestamp(START + 161)).await;
        assert_eq!(other.status, 200);
        let page = browser.get(PAGE).await.body;
        let replay = browser.press(&page, "replay", &[("text", &playbook("four"))]).await.body;
        assert!(replay.contains("Messages replayed: <strong>6</strong>"), "{replay}");
        assert!(replay.contains("<strong id=\"changed\">5</strong>") && !replay.contains("oFan-1"), "{replay}");
        let tried = [("text", &*playbook("at {time}")), ("said", "暗号"), ("at", "2026-03-02T20:00")];
        let tried = browser.press(&page, "try", &tried).await.body;
        assert!(tried.contains("at 20:00") && tried.contains("The live one answers"), "{tried}");
        let written = owned(&trace.take());
        for kind in [keys::PLAYBOOK_HEAD, keys::PLAYBOOK, keys::PLAYBOOK_NOTE, keys::PLAYBOOK_SOURCE] {
            assert!(written.contains(kind.pattern), "{}", kind.pattern);
        }
        host.stop().await;
    });
}

#[test]
fn two_editors_on_a_local_host_lose_nothing() {
    run(async {
        let (host, server) = local("safe").await;
        let trace = host.store().trace();
        let (wang, li) = (Browser::logged_in(&server, "Wang").await, Browser::logged_in(&server, "Li").await);
        let (first, second) = (wang.get(PAGE).await.body, li.get(PAGE).await.body);
        let long = format!("{}# {}\n", playbook("one"), "猫".repeat(300_000));
        let saved = wang.press(&first, "save", &[("text", &long)]).await;
        assert_eq!((saved.status, saved.headers["location"].to_str().unwrap()), (303, "/console/playbook?done=saved"));
        let refused = li.press(&second, "save", &[("text", &playbook("two"))]).await;
        assert_eq!(refused.status, 409);
        assert!(refused.body.contains("Wang") && refused.body.contains("text = &quot;two&quot;"), "{}", refused.body);
        assert!(wang.get(PAGE).await.body.contains("猫猫猫"));
        assert_eq!(li.press(&refused.body, "overwrite", &[("text", &playbook("two"))]).await.status, 303);
        let page = wang.get(PAGE).await.body;
        assert!(page.contains("text = &quot;two&quot;") && page.contains("<bdi>Li</bdi>") && !page.contains("猫猫猫"));
        let too_long = "x".repeat(1024 * 1024 + 1);
        assert_eq!(wang.press(&page, "save", &[("text", &too_long)]).await.status, 422);
        let elsewhere = wang.post("/console/logout", &[("text", &too_long[..9_000])]).await;
        assert_eq!(elsewhere.status, 413, "so long are forms of this page alone");
        let written = owned(&trace.take());
        for kind in [keys::SEQ_DRAFT, keys::DRAFT, keys::DRAFT_PART] {
            assert!(written.contains(kind.pattern), "{}", kind.pattern);
        }
        host.stop().await;
    });
}

#[test]
fn who_has_no_session_or_another_ones_form_changes_nothing_on_a_local_host() {
    run(async {
        let (host, server) = local("safe").await;
        let stranger = Browser { server: &server, cookie: String::new() };
        assert_eq!(stranger.get(PAGE).await.status, 401);
        let text = playbook("one");
        assert_eq!(stranger.post(PAGE, &[("do", "sure"), ("text", &text)]).await.status, 401);
        let (wang, li) = (Browser::logged_in(&server, "Wang").await, Browser::logged_in(&server, "Li").await);
        let page = wang.get(PAGE).await.body;
        for wish in ["save", "sure", "check"] {
            assert_eq!(li.press(&page, wish, &[("text", &text)]).await.status, 403, "{wish}");
        }
        assert_eq!(host.store().keys("playbook:").await.unwrap(), [""; 0]);
        host.stop().await;
    });
}
