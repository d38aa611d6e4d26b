//! Calls to WeChat's API: the port [`Calls`] over Spin's outgoing HTTP.

use bytes::Bytes;
use guanxi::wechat::api::{CallError, Calls, HttpAnswer, Method, answer::ANSWER_MAX};
use http_body_util::{BodyExt, Full, Limited};
use spin_sdk::{
    http::{FromResponse, IntoRequest, Request, Response},
    wasip3::http::{client, types::ErrorCode},
    wit_bindgen::yield_async,
};

/// The way out; only to the hosts that the manifest names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outbound;

impl Calls for Outbound {
    async fn call(&self, url: &str, method: Method, body: &str) -> Result<HttpAnswer, CallError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut request = spin_sdk::http::Request::builder().method(method.as_str()).uri(url);
        if method == Method::Post {
            request = request.header("content-type", "application/json").header("content-length", body.len());
        }
        // The error would show the URL.
        let unusable = |_| CallError::NotSent("this is no request".to_owned());
        let request: Request<Full<Bytes>> = request.body(Full::new(body)).map_err(unusable)?;
        let request = request.into_request().map_err(failed)?;
        // Without this the body would follow its head as a second TCP segment, and wait for WeChat's delayed ACK.
        yield_async().await;
        let response = Response::from_response(client::send(request).await.map_err(failed)?).map_err(failed)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_MAX + 1).collect().await;
        let body = body.map_err(|_| CallError::Lost("the answer broke off, or is too long".to_owned()))?;
        Ok(HttpAnswer { status, body: body.to_bytes().to_vec() })
    }
}

/// Whether the request surely never left: only where nobody can have read it.
fn failed(error: ErrorCode) -> CallError {
    let why = error.to_string();
    match error {
        ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::TlsCertificateError => CallError::NotSent(why),
        _ => CallError::Lost(why),
    }
}
