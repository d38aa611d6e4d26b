//! Posts to the brand's webhook: the port [`Posts`] over Spin's outgoing HTTP.

use bytes::Bytes;
use guanxi::outbox::{Answer, Post, PostError, Posts};
use http_body_util::{BodyExt, Full, Limited};
use spin_sdk::{
    http::{FromResponse, IntoRequest, Request, Response},
    wasip3::http::{client, types::ErrorCode},
    wit_bindgen::yield_async,
};

/// Bytes of an answer that are read and thrown away, so that its connection serves again.
const ANSWER_MAX: usize = 16 * 1024;

/// The way to the webhook; only to the host that the manifest names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Webhook;

impl Posts for Webhook {
    async fn post(&self, post: Post<'_>) -> Result<Answer, PostError> {
        let body = Bytes::from(post.body);
        let mut request = spin_sdk::http::Request::post(post.url)
            .header("content-type", "application/json")
            .header("content-length", body.len());
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        // The error would show the address.
        let unusable = |_| PostError("this is no request".to_owned());
        let request: Request<Full<Bytes>> = request.body(Full::new(body)).map_err(unusable)?;
        let request = request.into_request().map_err(failed)?;
        // Without this the body would follow its head as a second TCP segment, and wait for the receiver's delayed ACK.
        yield_async().await;
        let response = Response::from_response(client::send(request).await.map_err(failed)?).map_err(failed)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        // The status says it all; how the body ends does not matter.
        _ = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        Ok(Answer { status, retry_after })
    }
}

fn failed(error: ErrorCode) -> PostError {
    PostError(error.to_string())
}
