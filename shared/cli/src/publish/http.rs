//! POST `/playbook`.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use guanxi::playbook::publish::request::Published;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

const PATH: &str = "/playbook";
/// From the connection to the last byte of the answer.
const TIME: Duration = Duration::from_secs(60);
/// The longest answer in bytes: a line for each problem.
const ANSWER_MAX: usize = 1024 * 1024;

/// Sends the playbook as it is written: those functions compile it that will read it. No redirect is followed, so the token goes
/// nowhere else.
pub(crate) async fn publish(url: &Uri, token: &str, source: String) -> anyhow::Result<Published> {
    ensure!(matches!(url.scheme_str(), Some("http" | "https")), "--url {url}: write http://… or https://…");
    let base = url.to_string();
    let address = format!("{}{PATH}", base.trim_end_matches('/'));
    let sent = tokio::time::timeout(TIME, send(&address, token, source)).await;
    let (status, body) = sent.map_err(|_| anyhow!("{address}: no answer in {} s", TIME.as_secs()))??;
    let said = String::from_utf8_lossy(&body);
    match status {
        StatusCode::OK => {
            serde_json::from_slice(&body).with_context(|| format!("{address}: this is no answer of Guanxi's"))
        }
        StatusCode::UNAUTHORIZED => bail!("{address}: 401: the token is not its console_token"),
        status => bail!("{address}: {}: {}", status.as_u16(), printable(&said)),
    }
}

async fn send(address: &str, token: &str, source: String) -> anyhow::Result<(StatusCode, Bytes)> {
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    // The text of its error would not say which part is wrong, and may name the token.
    let authorization = hyper::header::HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| anyhow!("the console_token has characters that no header may have"))?;
    let request = Request::post(address).header("authorization", authorization).body(Full::from(source))?;
    let answer = client.request(request).await.with_context(|| address.to_owned())?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
    Ok((status, body.map_err(|error| anyhow!("{address}: {error}"))?.to_bytes()))
}

/// Without what would steer a terminal.
fn printable(text: &str) -> String {
    text.trim_end().chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
