//! Requests in, responses out.

use bytes::Bytes;
use guanxi::{
    http::body::{self, BodyError},
    store::{Timer, race},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use spin_sdk::http::Request;
use std::time::Duration;

/// How long a body that says it is too long is taken and thrown away.
const LINGER: Duration = Duration::from_secs(1);

/// What a function answers.
pub type Response = spin_sdk::http::Response<Full<Bytes>>;

/// The request's body of at most `max` bytes, which must be here in `time` after the request began; no more than that is ever
/// kept. Check first what can be told without it.
///
/// # Errors
/// [`BodyError`]
pub async fn body_up_to(max: usize, request: Request, timer: &impl Timer, time: Duration) -> Result<Bytes, BodyError> {
    let stated = request.headers().get("content-length").and_then(|length| length.to_str().ok());
    let fits = body::check_length(stated, max);
    let mut body = request.into_body();
    if fits.is_err() {
        // A client that still sends when its connection is closed does not see the answer.
        race(timer, LINGER, async { while let Some(Ok(_)) = body.frame().await {} }).await;
    }
    fits?;
    let read = async {
        let body = Limited::new(body, max).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| match error.is::<LengthLimitError>() {
            true => BodyError::TooLarge(max),
            false => BodyError::Gone,
        })
    };
    body::in_time(timer, time, read).await
}

/// A response with its `content-length`, without which the last piece of a body waits for the client's delayed ACK
/// (about 40 ms on a connection that is kept alive).
pub fn respond(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let builder = spin_sdk::http::Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("content-length", body.len());
    // Fails only on a status that is none; then an empty 200 would be a lie.
    builder.body(Full::new(body)).unwrap_or_else(|_| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = spin_sdk::http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
