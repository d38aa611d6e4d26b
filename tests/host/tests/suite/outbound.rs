//! What components send out.

use std::sync::Arc;

use guanxi_host::{Host, Source};
use http::Response;
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::{Barrier, Notify, mpsc},
};

use crate::{
    fixtures::{Application, get, request},
    upstream::Upstream,
};

/// The fixtures, where `app` may reach these.
fn allowing(hosts: &str) -> Application {
    Application::changed("allowed_outbound_hosts = []", &format!("allowed_outbound_hosts = [{hosts}]"))
}

async fn host_allowing(upstream: &Upstream) -> Host {
    allowing(&format!("\"{}\"", upstream.host())).start().await
}

/// Says what it was asked.
async fn echo() -> Upstream {
    Upstream::answering(|request| async {
        let head = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(format!("{head} {}", String::from_utf8_lossy(&body)))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_reaches_a_host_that_it_is_allowed() {
    let upstream = echo().await;
    let host = host_allowing(&upstream).await;
    let (url, address) = (upstream.host(), upstream.host().replace("http://", ""));
    let answer = request(&host, "POST", &format!("/do/fetch?url={url}/a?b"), &[], b"hello").await.text;
    let expected = format!("200 POST /a?b {{\"content-length\": \"5\", \"host\": \"{address}\"}} hello");
    assert_eq!(answer, expected);
    let expected = format!("200 GET /a?b {{\"host\": \"{address}\"}} ");
    assert_eq!(get(&host, &format!("/do/fetch-p2?url={url}/a?b")).await, expected);
    assert_eq!(host.allowed_outbound_hosts("app").iter().map(ToString::to_string).collect::<Vec<_>>(), [url]);
    assert_eq!(host.allowed_outbound_hosts("greeter"), []);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_is_denied_and_logged_and_never_connected_to() {
    let upstream = echo().await;
    let host = allowing("\"http://127.0.0.1:1\", \"http://*.example.com\"").start().await;
    let url = upstream.host();
    for how in ["fetch", "fetch-p2"] {
        let answer = get(&host, &format!("/do/{how}?url={url}/")).await;
        assert!(answer.starts_with("error: ") && answer.contains("HttpRequestDenied"), "{answer}");
    }
    let answer = get(&host, "/do/fetch?url=http://self.alt/").await;
    assert!(answer.contains("HttpRequestDenied"), "{answer}");
    assert_eq!(upstream.connections(), 0);
    let lines = host.logs().lines("app").into_iter().filter(|line| line.source == Source::Host);
    let lines: Vec<String> = lines.map(|line| line.text).collect();
    let denied = format!(
        "component `app` sent a request to {url}, which it may not reach; to allow it, add 'allowed_outbound_hosts = \
         [\"{url}\"]' to [component.app]"
    );
    let not_yet = "component `app` sent a request to http://self.alt: the local host does not support that yet";
    assert_eq!(lines, [&denied, &denied, not_yet]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_say_which_hosts_are_allowed() {
    let upstream = echo().await;
    let application = allowing("\"{{ upstream }}\"");
    let host = Host::start(application.options().variable("upstream", &upstream.host())).await.unwrap();
    assert!(get(&host, &format!("/do/fetch?url={}/", upstream.host())).await.starts_with("200 GET / "));
    assert_eq!(host.allowed_outbound_hosts("app")[0].to_string(), upstream.host());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_variables_are_empty_is_left_out() {
    let host = allowing("\"{{ upstream }}\", \"https://{{ upstream }}\", \"http://example.com\"").start().await;
    let allowed: Vec<_> = host.allowed_outbound_hosts("app").iter().map(ToString::to_string).collect();
    assert_eq!(allowed, ["http://example.com"]);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_with_a_user_in_it_reaches_nobody() {
    let upstream = echo().await;
    let host = host_allowing(&upstream).await;
    for how in ["fetch", "fetch-p2"] {
        let url = upstream.host().replace("http://", "http://user@");
        let answer = get(&host, &format!("/do/{how}?url={url}/")).await;
        assert!(answer.starts_with("error: ") && answer.contains("DnsError"), "{answer}");
    }
    assert_eq!(upstream.connections(), 0);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_wrong_stops_the_start_and_says_where() {
    let application = allowing("\"https://x.org\", \"x.org\"");
    let refusal = application.refusal(application.options()).await;
    assert!(refusal.contains("spin.toml:32:44: `x.org` in `allowed_outbound_hosts`: it has no scheme"), "{refusal}");

    let application = allowing("\"{{ upstream }}\"");
    let refusal = application.refusal(application.options().variable("upstream", "https://x.org/v1")).await;
    let place = "`allowed_outbound_hosts` of component `app`: `{{ upstream }}` is `https://x.org/v1`: it has a path";
    assert!(refusal.starts_with(place), "{refusal}");

    let application = allowing("\"https://{{ secret_word }}\"");
    let refusal = application.refusal(application.options().variable("secret_word", "c*t")).await;
    assert!(refusal.contains("`https://{{ secret_word }}`: in a host, `*` may"), "{refusal}");
    assert!(!refusal.contains("c*t"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept() {
    let upstream = echo().await;
    let host = host_allowing(&upstream).await;
    for how in ["fetch", "fetch-p2"].repeat(20) {
        assert!(get(&host, &format!("/do/{how}?url={}/", upstream.host())).await.starts_with("200 "));
    }
    // A connection goes back to the pool a moment after its response has been read, so not always one.
    assert!(upstream.connections() <= 10, "{} connections for 40 requests", upstream.connections());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_requests_of_one_invocation_are_under_way_at_once() {
    let barrier = Arc::new(Barrier::new(64));
    let upstream = Upstream::answering(move |_| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Response::new("together".to_owned())
        }
    })
    .await;
    let host = host_allowing(&upstream).await;
    let path = format!("/do/fetch-many?url={}/&count=128&at-once=64", upstream.host());
    assert_eq!(get(&host, &path).await, "128 times 200 together\n");
    host.stop().await;
}

/// Reads until the request is there, or the component has hung up; whether it is there.
async fn request_read(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return false };
        head.push(byte);
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_an_error_to_the_component_and_its_instance_goes_on() {
    let before = Upstream::accepting(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    let after = Upstream::accepting(|mut stream| async move {
        request_read(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let amid = Upstream::accepting(|mut stream| async move {
        request_read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let host = allowing("\"http://127.0.0.1:*\"").start().await;
    // A reset that comes before the component's side knows of its connection is a refusal of it.
    let (soon, late) = (["ConnectionRefused", "HttpProtocolError"].as_slice(), ["HttpProtocolError"].as_slice());
    for (upstream, expected) in [(&before, soon), (&after, late), (&amid, late)] {
        let answer = get(&host, &format!("/do/fetch?url={}/", upstream.host())).await;
        let code = answer.strip_prefix("error: ErrorCode::").unwrap_or(&answer);
        assert!(expected.contains(&code), "{answer}");
        // A request that might have been read is never sent again.
        assert_eq!(upstream.connections(), 1);
    }
    // A trap would have been.
    assert_eq!(host.logs().lines("app"), []);
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let answer = get(&host, &format!("/do/fetch?url=http://{}/", nobody.local_addr().unwrap())).await;
    assert!(answer.contains("ConnectionRefused"), "{answer}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_sets_its_own_timeouts() {
    let silent = Upstream::accepting(|mut stream| async move { while request_read(&mut stream).await {} }).await;
    let slow = Upstream::accepting(|mut stream| async move {
        request_read(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        request_read(&mut stream).await;
    })
    .await;
    // Who has as many connections waiting as it lets wait, and takes none of them.
    let full = TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let _waiting = TcpStream::connect(address).await.unwrap();

    let host = allowing("\"http://127.0.0.1:*\"").start().await;
    for (url, expected) in [
        (format!("{}/&first-byte-ms=50", silent.host()), "ConnectionReadTimeout"),
        (format!("{}/&between-bytes-ms=50", slow.host()), "ConnectionReadTimeout"),
        (format!("http://{address}/&connect-ms=50"), "ConnectionTimeout"),
    ] {
        let answer = get(&host, &format!("/do/fetch?url={url}")).await;
        assert!(answer.starts_with("error: ") && answer.contains(expected), "{url}: {answer}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_component_drops_is_given_up() {
    let (hung_up, mut given_up) = mpsc::unbounded_channel();
    let asked = Arc::new(Notify::new());
    let arrived = Arc::clone(&asked);
    let silent = Upstream::accepting(move |mut stream| {
        let (arrived, hung_up) = (Arc::clone(&arrived), hung_up.clone());
        async move {
            if request_read(&mut stream).await {
                arrived.notify_one();
            }
            while request_read(&mut stream).await {}
            _ = hung_up.send(());
        }
    })
    .await;
    let other = Upstream::answering(move |_| {
        let asked = Arc::clone(&asked);
        async move {
            asked.notified().await;
            Response::new("first".to_owned())
        }
    })
    .await;
    let host = allowing("\"http://127.0.0.1:*\"").start().await;
    let path = format!("/do/fetch-first?url={}/&other={}/", silent.host(), other.host());
    assert_eq!(get(&host, &path).await, "200 first");
    given_up.recv().await.unwrap();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_the_components_business() {
    let elsewhere = echo().await;
    let location = elsewhere.host();
    let upstream = Upstream::answering(move |_| {
        let response = Response::builder().status(302).header("location", &location);
        std::future::ready(response.body("elsewhere".to_owned()).unwrap())
    })
    .await;
    let host = allowing("\"http://127.0.0.1:*\"").start().await;
    assert_eq!(get(&host, &format!("/do/fetch?url={}/", upstream.host())).await, "302 elsewhere");
    assert_eq!(elsewhere.connections(), 0);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_connection_are_not_the_components_to_set() {
    let upstream = echo().await;
    let host = host_allowing(&upstream).await;
    let answer = get(&host, &format!("/do/fetch?url={}/&header=x-own", upstream.host())).await;
    assert!(answer.contains("\"x-own\": \"value\""), "{answer}");
    for name in ["connection", "transfer-encoding", "upgrade"] {
        let answer = get(&host, &format!("/do/fetch?url={}/&header={name}", upstream.host())).await;
        assert!(answer.starts_with("error: ") && answer.to_lowercase().contains("forbidden"), "{name}: {answer}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_and_nothing_less_is_taken_for_it() {
    let (said, mut first_bytes) = mpsc::unbounded_channel();
    let upstream = Upstream::accepting(move |mut stream| {
        let said = said.clone();
        async move {
            let mut record = [0; 2];
            stream.read_exact(&mut record).await.unwrap();
            said.send(record).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        }
    })
    .await;
    let url = upstream.host().replace("http:", "https:");
    let host = allowing(&format!("\"{url}\"")).start().await;
    let answer = get(&host, &format!("/do/fetch?url={url}/")).await;
    assert!(answer.contains("TlsProtocolError"), "{answer}");
    // A handshake of TLS.
    assert_eq!(first_bytes.recv().await.unwrap(), [0x16, 0x03]);
    host.stop().await;
}
