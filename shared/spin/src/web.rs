//! Requests in, responses out.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use spin_sdk::http::Request;

/// What a function answers.
pub type Response = spin_sdk::http::Response<Full<Bytes>>;

/// The body is longer than allowed, or the client went away before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// The request's path and query, and its body of at most `limit` bytes; no more than that is ever read.
pub async fn body_up_to(limit: usize, request: Request) -> Result<Bytes, TooLarge> {
    let body = Limited::new(request.into_body(), limit).collect().await.map_err(|_| TooLarge)?;
    Ok(body.to_bytes())
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
