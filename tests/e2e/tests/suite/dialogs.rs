//! A dialog through the real components: WeChat's tries, and a host that is stopped in the middle of it.

use e2e::{
    CONSOLE_TOKEN, Server, at, run,
    stores::{Kind, Outliving, stored},
    text,
};
use guanxi::{
    facts::{Entry, dialog::Left, request::Request},
    time::Timestamp,
    wechat::endpoint::Mode,
};
use guanxi_host::Host;
use hyper::Method;
use std::{collections::BTreeSet, path::Path};

const START: u64 = 1_772_416_800;
const FAN: &str = "oFan-1";
const PLAYBOOK: &str = r#"
version = 1
account = "service"
name = "n"
[[dialogs]]
id = "order"
start = "订蛋糕"
steps = [
  { id = "cake", ask = "哪一款？{choices}", take = "choice", choices = [{ say = "巧克力" }, { say = "芝士" }] },
  { id = "count", ask = "几个？", take = "number", min = 1, max = 5 },
  { id = "sure", ask = "{count}个{cake}？{choices}", take = "choice", choices = [{ say = "下单", go = "done" }, { say = "改数量", go = "count" }] },
]
done = { request = "order", text = "{count}个{cake}，单号 {number}" }
"#;

/// What WeChat shows of a message of this second, in two tries of it.
async fn says(host: &Host, server: &Server, second: u64, content: &str) -> String {
    let moment = Timestamp(START + second);
    host.clock().stop_at(at(moment));
    let message = text(FAN, moment, second, content);
    let mut shown = Vec::new();
    for after in [0, 5] {
        let later = Timestamp(moment.0 + after);
        host.clock().stop_at(at(later));
        let reply = server.open(&server.push_at(&message, later).await);
        shown.push(reply.split("<Content>").nth(1).unwrap().to_owned());
    }
    assert_eq!(shown[0], shown[1], "{content}: another answer to the second try");
    shown.swap_remove(0)
}

/// A host on the store, with its clock stopped.
async fn serve(store: &Outliving, second: u64) -> (Host, Server) {
    let [folder, kind] = store.arguments();
    let host = Host::start(stored(Path::new(&folder), &kind)).await.unwrap();
    host.clock().stop_at(at(Timestamp(START + second)));
    let server = Server::new(&host.url(), Mode::Safe);
    (host, server)
}

#[test]
fn an_order_is_one_through_retries_and_a_restart() {
    e2e::build();
    let store = Outliving::new(Kind::Wal);
    run(async {
        let (host, server) = serve(&store, 0).await;
        let published = server.authorized_with(Method::POST, "/playbook", CONSOLE_TOKEN, PLAYBOOK.to_owned()).await;
        assert_eq!(published.status, 200, "{}", published.body);
        assert!(says(&host, &server, 40, "订蛋糕").await.contains("2. 芝士"));
        assert!(says(&host, &server, 60, "芝士").await.contains("几个？"));
        host.stop().await;

        let (host, server) = serve(&store, 80).await;
        assert!(says(&host, &server, 80, "九个").await.contains("没看明白"));
        assert!(says(&host, &server, 100, "两个").await.contains("2个芝士？"));
        let done = says(&host, &server, 120, "下单").await;
        assert!(done.contains("2个芝士，单号 "), "{done}");
        // Nothing is open any more.
        let again = server.push_at(&text(FAN, Timestamp(START + 140), 140, "下单"), Timestamp(START + 140)).await;
        assert_eq!(again.body, "success");
        host.stop().await;
    });
    let requests = run(requests(&store));
    let numbers: BTreeSet<&String> = requests.iter().map(|request| &request.number).collect();
    assert_eq!((requests.len(), numbers.len()), (2, 1), "each try left it, and it is one order");
}

/// What the journal asks the brand for.
async fn requests(store: &Outliving) -> Vec<Request> {
    let store = store.open();
    let mut requests = Vec::new();
    for key in store.keys("journal:").await.unwrap() {
        if let Entry::Received(received) = Entry::decode(&store.get(&key).await.unwrap().unwrap()).unwrap() {
            requests.extend(Left::decode(&received.left).unwrap().requests);
        }
    }
    store.close().await;
    requests
}
