#![allow(clippy::unwrap_used)]

use super::*;

fn allows(entry: &str, uri: &str) -> bool {
    let destination = Destination::of(&uri.parse().unwrap()).unwrap();
    destination.allowed_by(&[AllowedHost::parse(entry).unwrap()])
}

/// Spin's own examples among them.
#[test]
fn an_entry_allows_what_it_allows_in_spin() {
    for (entry, uri) in [
        ("http://example.com:8383", "http://example.com:8383/foo/bar"),
        ("*://spin.fermyon.dev:443", "https://spin.fermyon.dev/"),
        ("https://my.api.com/", "https://my.api.com/"),
        ("https://my.api.com", "https://MY.api.com:443"),
        ("https://my.api.com", "https://user:pass@my.api.com/"),
        ("http://localhost:3001/", "http://user:pass@localhost:3001/"),
        ("http://*.example.com", "http://a.b.example.com/"),
        ("http://*.example2.com:8383", "http://a.example2.com:8383/"),
        ("http://127.0.0.1:8000..8010", "http://127.0.0.1:8009/"),
        ("http://[::1]:8001", "http://[::1]:8001/"),
        ("*://*:*", "http://10.0.0.1:1/"),
        ("http://*", "http://anything/"),
        ("http://*.Example.com/", "http://a.example.com/"),
        ("http://b.spin.internal", "http://b.spin.internal:80/"),
        ("http://b.spin.internal", "http://B.spin.internal/"),
        ("http://*.spin.internal", "http://b.spin.internal/"),
        ("https://*", "https://b.spin.internal/"),
        ("http://*:*", "http://b.spin.internal:81/"),
    ] {
        assert!(allows(entry, uri), "{entry} {uri}");
    }
}

#[test]
fn an_entry_allows_nothing_else() {
    for (entry, uri) in [
        ("http://example.com:8383", "http://example.com/"),
        ("http://example.com", "http://example.com:8080/"),
        ("http://example.com", "https://example.com/"),
        ("https://example.com", "https://example.com.evil.org/"),
        ("https://example.com", "https://example.com@evil.org/"),
        ("https://example.com", "https://www.example.com/"),
        ("http://*.example.com", "http://example.com/"),
        ("http://*.example.com", "http://myexample.com/"),
        ("http://127.0.0.1:8000..8010", "http://127.0.0.1:8010/"),
        ("redis://localhost", "http://localhost:6379/"),
        ("http://*", "http://anything:81/"),
        ("http://b.spin.internal", "http://b.spin.internal:81/"),
        ("http://b.spin.internal", "https://b.spin.internal/"),
        ("http://b.spin.internal", "http://c.spin.internal/"),
        ("https://*", "http://b.spin.internal/"),
    ] {
        assert!(!allows(entry, uri), "{entry} {uri}");
    }
}

#[test]
fn what_spin_refuses_or_the_host_does_not_run_is_refused() {
    for (entry, expected) in [
        ("", AllowedHostError::NoScheme),
        ("*", AllowedHostError::NoScheme),
        ("example.com", AllowedHostError::NoScheme),
        ("localhost:3001", AllowedHostError::NoScheme),
        ("insecure:allow-all", AllowedHostError::NoScheme),
        ("{http,https}://example.com:80", AllowedHostError::Scheme),
        ("http://example.com/a", AllowedHostError::Path),
        ("http://example.com:6666/a/b", AllowedHostError::Path),
        ("http://*.example.com/a", AllowedHostError::Path),
        ("http://a.*.com", AllowedHostError::Wildcard),
        ("http://*.*.com", AllowedHostError::Wildcard),
        ("http://example.com//", AllowedHostError::Path),
        ("http://", AllowedHostError::Host),
        ("http://*.", AllowedHostError::Host),
        ("http://*.two words", AllowedHostError::Host),
        ("http://*.0.0.1", AllowedHostError::Host),
        ("http://two words", AllowedHostError::Host),
        ("tcp://example.com", AllowedHostError::NoPort),
        ("*://example.com", AllowedHostError::NoPort),
        ("http://example.com:{80,81}", AllowedHostError::Port),
        ("http://example.com:65536", AllowedHostError::Port),
        ("http://example.com:9..9", AllowedHostError::Port),
        ("http://self", AllowedHostError::Internal),
        ("http://self.alt", AllowedHostError::Internal),
        ("*://127.0.0.0/24:80", AllowedHostError::Network),
    ] {
        assert_eq!(AllowedHost::parse(entry), Err(expected), "{entry:?}");
    }
}

#[test]
fn a_destination_is_written_as_the_entry_that_allows_it() {
    for (uri, entry) in [
        ("http://example.com:80/path", "http://example.com"),
        ("https://EXAMPLE.com:8443/", "https://example.com:8443"),
        ("http://127.0.0.1:3001/", "http://127.0.0.1:3001"),
    ] {
        assert_eq!(Destination::of(&uri.parse().unwrap()).unwrap().to_string(), entry);
        assert!(allows(entry, uri));
    }
    for uri in ["/relative", "http://example.com:99999/", "http://example.com:/"] {
        assert_eq!(Destination::of(&uri.parse().unwrap()), None, "{uri}");
    }
}
