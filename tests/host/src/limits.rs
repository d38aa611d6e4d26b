//! What a reverse proxy in front of Spin is there for, done by the local host itself, so that nobody needs one to try the
//! functions on an open port. Spin has none of these limits: it waits for a head, a body or the next request as long as
//! the client likes, and calls a component before the body is there, so that some thousand half-sent requests exhaust its
//! pool of instances. Without limits ([`Options::for_test`](crate::Options::for_test), `up --no-limits`) the host is as
//! Spin is in this, and as it should be behind a proxy that has limits of its own.
//!
//! - **A component is called when the request is complete.** A half-sent one holds a connection, but no instance.
//! - **Who waits makes room.** A new connection is not refused because of others that are idle or have sent half a request:
//!   where their number or what they have sent reaches a limit, the one that has waited longest, or has sent most, is
//!   closed. Only requests at work can fill the host up, and then a new connection is closed at once.
//! - **Refusals are a proxy's**: 408 for a slow body, 413 and 431 for a long body and head, else a closed connection.
//!   They are not logged: a client could write the log.

use std::time::Duration;

/// Files that are not connections of clients: the store, logs, connections to the outside.
const OTHER_FILES: u64 = 256;

/// The limits, each with what happens beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A connection on which nothing has come, or nothing since the last answer: closed. Longer than the 90 s for which
    /// tunnels and proxies keep a connection for their next request.
    pub idle_time: Duration,
    /// From the first byte of a request's head to the last: closed.
    pub head_time: Duration,
    /// From the end of the head to that of the body: 408.
    pub body_time: Duration,
    /// A request's head: 431. 8,192 is the least, and keeps a waiting connection's memory at some 11 KB.
    pub head_bytes: usize,
    /// A request's body: 413.
    pub body_bytes: usize,
    /// Requests that are not answered, heads and bodies, in all: of those that are not complete, the largest is closed.
    pub held_bytes: usize,
    /// Connections in all, or as many as the system lets the process open: the one that has waited longest is closed.
    pub connections: usize,
    /// Connections of one address, with IPv6 of one network of 64 bits: of these, the one that has waited longest is
    /// closed.
    pub connections_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle_time: Duration::from_secs(100),
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            head_bytes: 8 * 1024,
            body_bytes: 1024 * 1024,
            held_bytes: 32 * 1024 * 1024,
            connections: 5_000,
            connections_per_address: 1_000,
        }
    }
}

impl Limits {
    /// Lets this process open as many files as it may and needs for these connections, and gives the limits that fit.
    pub(crate) fn within_files(self) -> Self {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut files = getrlimit(Resource::Nofile);
        let wanted = self.connections as u64 + OTHER_FILES;
        if files.current.is_some_and(|current| current < wanted) {
            let allowed = files.maximum.map_or(wanted, |maximum| wanted.min(maximum));
            // Where the system refuses, what it allowed before holds.
            _ = setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(allowed), ..files });
            files = getrlimit(Resource::Nofile);
        }
        let most = files.current.map_or(u64::MAX, |current| current.saturating_sub(OTHER_FILES).max(1));
        Self { connections: self.connections.min(usize::try_from(most).unwrap_or(usize::MAX)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_connections_than_files() {
        let all = Limits { connections: usize::MAX / 2, ..Limits::default() }.within_files();
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        assert!(all.connections as u64 + OTHER_FILES <= files, "{} of {files}", all.connections);
        let few = Limits { connections: 1, ..Limits::default() };
        assert_eq!(few.clone().within_files(), few);
    }
}
