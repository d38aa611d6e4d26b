//! Requests and responses as the host has them, for what answers often: nothing crosses the border that nobody asks for.
//!
//! `spin_sdk::http::Request` copies every header (Spin adds a dozen of its own) and the parts of the address, and reads on behind
//! the end of the body; `spin_sdk::http::Response` builds a map of headers to take it apart again. Here a request gives its
//! method, its query and its body, and a response is its status, two headers and a body.

use guanxi::{
    http::body::{self, BodyError},
    store::Timer,
};
use spin_sdk::wasip3::{
    http::types::{self, Fields},
    spawn,
    wit_bindgen::StreamResult,
    wit_future, wit_stream,
};
use std::time::Duration;

pub use spin_sdk::wasip3::http::types::{Method, Response as Sent};

/// Room for the body of a request that does not say how long it is, in bytes.
const UNKNOWN_LENGTH: usize = 4 * 1024;

/// A request that has come in, its body not read yet.
pub struct Incoming(types::Request);

impl From<types::Request> for Incoming {
    fn from(request: types::Request) -> Self {
        Self(request)
    }
}

impl Incoming {
    /// As it was written.
    pub fn method(&self) -> Method {
        self.0.get_method()
    }

    /// What stands behind the `?`; empty where there is none.
    pub fn query(&self) -> String {
        let mut address = self.0.get_path_with_query().unwrap_or_default();
        match address.find('?') {
            Some(mark) => address.split_off(mark + 1),
            None => String::new(),
        }
    }

    /// The body of at most `max` bytes, which must be here in `time` after the request began; nothing behind the length that
    /// the request states is read, and no more than `max`. Check first what can be told without it.
    ///
    /// # Errors
    /// [`BodyError`]
    pub async fn body_up_to(self, max: usize, timer: &impl Timer, time: Duration) -> Result<Vec<u8>, BodyError> {
        let stated = self.0.get_headers().get("content-length").into_iter().next();
        let stated = stated.as_deref().and_then(|length| std::str::from_utf8(length).ok());
        body::check_length(stated, max)?;
        // One that does not fit was refused, and the server in front of us has made sure that it is a number.
        let stated = stated.and_then(|length| length.parse().ok());
        body::in_time(timer, time, read(self.0, stated, max)).await
    }
}

async fn read(request: types::Request, stated: Option<usize>, max: usize) -> Result<Vec<u8>, BodyError> {
    let (_done, done) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = types::Request::consume_body(request, done);
    let mut body = Vec::with_capacity(stated.unwrap_or(UNKNOWN_LENGTH));
    while stated.is_none_or(|length| body.len() < length) {
        if body.len() == body.capacity() {
            body.reserve(UNKNOWN_LENGTH);
        }
        let (result, read) = stream.read(body).await;
        body = read;
        if body.len() > max {
            return Err(BodyError::TooLarge(max));
        }
        if !matches!(result, StreamResult::Complete(_)) {
            // The end, which only a body of unknown length may leave to the trailers to call right.
            let whole = stated.is_none() && trailers.await.is_ok();
            return if whole { Ok(body) } else { Err(BodyError::Gone) };
        }
    }
    Ok(body)
}

/// A response with its `content-length`, without which the last piece of a body waits for the client's delayed ACK
/// (about 40 ms on a connection that is kept alive).
pub fn send(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Sent {
    let body = body.into();
    let headers = [
        ("content-type".to_owned(), content_type.as_bytes().to_vec()),
        ("content-length".to_owned(), body.len().to_string().into_bytes()),
    ];
    // Fails only on a name or value that HTTP forbids; then a response without them is still one.
    let headers = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
    let (mut writer, contents) = wit_stream::new();
    // Dropped behind the body, it says that there are no trailers.
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let (response, _) = types::Response::new(headers, Some(contents), no_trailers);
    if response.set_status_code(status).is_err() {
        // It was none, and a 200 would be a lie.
        _ = response.set_status_code(500);
    }
    spawn(async move {
        // A client that has gone away is no matter of ours.
        _ = writer.write_all(body).await;
        drop((writer, trailers));
    });
    response
}

/// Makes an async function from [`Incoming`] to [`Sent`] what the component answers requests with.
#[macro_export]
macro_rules! serve {
    ($handle:path) => {
        struct Service;

        impl $crate::wasip3::exports::http::handler::Guest for Service {
            async fn handle(
                request: $crate::wasip3::http::types::Request,
            ) -> Result<$crate::wasip3::http::types::Response, $crate::wasip3::http::types::ErrorCode> {
                Ok($handle(request.into()).await)
            }
        }

        $crate::wasip3::http::service::export!(Service);
    };
}
