//! One outgoing request and its response, as the host has them: for components that answer often, beside
//! [`service`](crate::service).

use spin_sdk::wasip3::{
    http::{
        client,
        types::{ErrorCode, Fields, Method, Request, Response, Scheme},
    },
    spawn,
    wit_bindgen::StreamResult,
    wit_future, wit_stream,
};

/// Room for a body, in bytes.
const PIECE: usize = 4 * 1024;

/// What is sent.
pub struct Outgoing<'a> {
    /// `https`, else `http`.
    pub is_https: bool,
    /// Host, and a port where it is not the scheme's own.
    pub authority: &'a str,
    /// Begins with a slash.
    pub path_and_query: &'a str,
    /// Besides what belongs to the connection.
    pub headers: &'a [(String, String)],
    /// Makes it a POST; none: a GET.
    pub body: Option<Vec<u8>>,
}

/// Sends, and reads status and body, of which no more than `max` bytes: more is an error. A body is read only where `wanted` says so of
/// the status; else it is empty. Follows no redirect. Dropping the future closes the connection; to another component of the
/// application there is none, and what is asked there goes on.
///
/// # Errors
/// Why there is no answer; never with the address.
pub async fn exchange(
    outgoing: Outgoing<'_>,
    wanted: impl Fn(u16) -> bool,
    max: usize,
) -> Result<(u16, Vec<u8>), String> {
    let response = client::send(request(outgoing)?).await.map_err(failed)?;
    let status = response.get_status_code();
    let body = if wanted(status) { read(response, max).await? } else { Vec::new() };
    Ok((status, body))
}

fn request(outgoing: Outgoing<'_>) -> Result<Request, String> {
    let unusable = |what: &str| format!("this is no {what} of a request");
    let mut headers: Vec<(String, Vec<u8>)> =
        outgoing.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if let Some(body) = &outgoing.body {
        headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|_| unusable("header"))?;
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    let method = if outgoing.body.is_some() { Method::Post } else { Method::Get };
    let contents = outgoing.body.map(|body| {
        let (mut writer, contents) = wit_stream::new();
        spawn(async move {
            // A host that does not read all of it says so by its answer.
            _ = writer.write_all(body).await;
            drop((writer, trailers));
        });
        contents
    });
    let (request, _sent) = Request::new(headers, contents, no_trailers, None);
    let scheme = if outgoing.is_https { Scheme::Https } else { Scheme::Http };
    request.set_method(&method).map_err(|()| unusable("method"))?;
    request.set_scheme(Some(&scheme)).map_err(|()| unusable("scheme"))?;
    request.set_authority(Some(outgoing.authority)).map_err(|()| unusable("host"))?;
    request.set_path_with_query(Some(outgoing.path_and_query)).map_err(|()| unusable("path"))?;
    Ok(request)
}

async fn read(response: Response, max: usize) -> Result<Vec<u8>, String> {
    let (_done, done) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = Response::consume_body(response, done);
    let mut body = Vec::with_capacity(PIECE.min(max + 1));
    loop {
        if body.len() == body.capacity() {
            body.reserve(PIECE);
        }
        let (result, read) = stream.read(body).await;
        body = read;
        if body.len() > max {
            return Err(format!("the answer has more than {max} bytes"));
        }
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    // The end, which only the trailers call right.
    trailers.await.map_err(failed)?;
    Ok(body)
}

fn failed(error: ErrorCode) -> String {
    error.to_string()
}
