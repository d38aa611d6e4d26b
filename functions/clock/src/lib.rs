//! A tick of the cron trigger → one call of a job, in an application of its own (`functions/clock/spin.toml`).
//!
//! Each tick sends one `POST <guanxi_url>/jobs/<job>` with the bearer token, waits for the answer and logs it in one line. 2xx
//! is fine, and so is 409: another run is at work. Any other answer, or none within [`ANSWER_LIMIT`], fails the tick.
//!
//! Missed minutes need no catching up, because a job works off whatever is due when it runs. Nor is there anything to
//! remember from tick to tick, so there is no store.
//!
//! Host calls are synchronous: the trigger may call its handler as a synchronous function, and what waits inside one as
//! Spin's SDK 7 does it traps.

use fermyon::spin::variables;
use guanxi::{
    http::log::{Event, Level},
    time::Timestamp,
};
use std::{io::Write, time::Duration};
use wasip2::{
    clocks::wall_clock,
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme},
    },
};

wit_bindgen::generate!({ world: "clock", path: "wit", generate_all });

/// How long the application may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a job may take to answer: twice what a run takes at most.
const ANSWER_LIMIT: Duration = Duration::from_secs(90);
/// Bytes of an answer that are logged.
const SHOWN: usize = 500;

struct Clock;

impl Guest for Clock {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        let job = variable("job").map_err(Error::Other)?;
        let answer = call(&job).map_err(|why| {
            log(&job, Event { level: Level::Error, name: "not_called", numbers: &[], says: &why });
            Error::Other(format!("{job}: {why}"))
        })?;
        let is_fine = matches!(answer.status, 200..=299 | 409);
        let level = if is_fine { Level::Info } else { Level::Error };
        let numbers = [("status", answer.status.into())];
        log(&job, Event { level, name: "called", numbers: &numbers, says: &answer.beginning });
        if is_fine { Ok(()) } else { Err(Error::Other(format!("{job}: answered with {}", answer.status))) }
    }
}

/// One line, in the form of the application's own.
fn log(job: &str, event: Event<'_>) {
    let at = Timestamp(wall_clock::now().seconds);
    // There is nobody to tell.
    _ = std::io::stderr().write_all(event.line(at, &format!("clock-{job}"), 0).as_bytes());
}

struct Answer {
    status: u16,
    /// As much of the body as is logged.
    beginning: String,
}

/// Runs `job` and waits for its end. What it says of a failure never holds the token.
fn call(job: &str) -> Result<Answer, String> {
    let request = request(job, &variable("guanxi_url")?, &variable("job_token")?)?;
    let response = outgoing_handler::handle(request, Some(limits())).map_err(no_answer)?;
    response.subscribe().block();
    match response.get() {
        Some(Ok(Ok(response))) => Ok(Answer { status: response.status(), beginning: beginning(&response) }),
        Some(Ok(Err(error))) => Err(no_answer(error)),
        _ => Err("no answer".into()),
    }
}

fn request(job: &str, url: &str, token: &str) -> Result<OutgoingRequest, String> {
    if token.is_empty() {
        return Err("variable job_token is empty, which allows nobody to run jobs".into());
    }
    let bearer = ("authorization".to_owned(), format!("Bearer {token}").into_bytes());
    // Not every server takes a POST that does not say how long its body is.
    let length = ("content-length".to_owned(), b"0".to_vec());
    let headers = Fields::from_list(&[bearer, length]).map_err(|_| "variable job_token does not fit into a header")?;
    let request = OutgoingRequest::new(headers);
    let set = || {
        let (scheme, authority) = url.split_once("://").ok_or(())?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(()),
        };
        request.set_method(&Method::Post)?;
        request.set_scheme(Some(&scheme))?;
        request.set_authority(Some(authority.trim_end_matches('/')))?;
        request.set_path_with_query(Some(&format!("/jobs/{job}")))
    };
    set().map_err(|()| format!("variable guanxi_url is {url:?}: write http(s)://host[:port]"))?;
    Ok(request)
}

fn limits() -> RequestOptions {
    let nanoseconds = |limit: Duration| u64::try_from(limit.as_nanos()).ok();
    let options = RequestOptions::new();
    // A host that knows none of them has its own.
    _ = options.set_connect_timeout(nanoseconds(CONNECT_LIMIT));
    _ = options.set_first_byte_timeout(nanoseconds(ANSWER_LIMIT));
    _ = options.set_between_bytes_timeout(nanoseconds(CONNECT_LIMIT));
    options
}

fn no_answer(error: ErrorCode) -> String {
    format!("no answer: {error:?}")
}

fn beginning(response: &IncomingResponse) -> String {
    let mut bytes = Vec::new();
    if let Ok(body) = response.consume()
        && let Ok(stream) = body.stream()
    {
        while bytes.len() < SHOWN
            && let Ok(piece) = stream.blocking_read((SHOWN - bytes.len()) as u64)
        {
            bytes.extend(piece);
        }
    }
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

fn variable(name: &str) -> Result<String, String> {
    variables::get(name).map_err(|error| format!("variable {name}: {error:?}"))
}

export!(Clock);
