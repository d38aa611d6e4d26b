#![allow(clippy::unwrap_used)]

use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_connection_does_not_send_small_pieces_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let stream = Tcp.call(uri.parse().unwrap()).await.unwrap();
    assert!(!stream.inner().nodelay().unwrap());
}

#[tokio::test]
async fn a_user_in_a_url_makes_a_name_that_nobody_has() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for user in ["a@", "a:b@", "@"] {
        let uri = format!("http://{user}{}/", listener.local_addr().unwrap());
        let connected = Tcp.call(uri.parse().unwrap()).await;
        assert!(matches!(connected, Err(ConnectError::NoAddress)), "{user}");
    }
}
