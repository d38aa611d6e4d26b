//! Where the webhook is.

use crate::wechat::api::{ApiUrl, request::NotAnApiUrl};

/// The longest path, in bytes.
const PATH_MAX: usize = 1_024;

/// The address that requests are posted to: `https`, or `http` on this machine only, because what fans say travels there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// The variable `webhook_url`.
    #[error("variable webhook_url: {}", host(*.0))]
    Host(NotAnApiUrl),
    /// The variable `webhook_path`.
    #[error("variable webhook_path: it begins with / and has up to {PATH_MAX} visible ASCII characters, without #")]
    Path,
}

fn host(why: NotAnApiUrl) -> &'static str {
    match why {
        NotAnApiUrl::Scheme => "it begins with https:// (or http:// for a receiver on this machine)",
        NotAnApiUrl::Clear => "http:// is for localhost only: what fans say would travel in the clear",
        NotAnApiUrl::Host => {
            "after the scheme comes a host and perhaps a port, and nothing else; the path is in webhook_path"
        }
        NotAnApiUrl::Port => "its port is not a number from 1 to 65535",
    }
}

impl Address {
    /// Of scheme, host and perhaps a port, and of a path with perhaps a query.
    ///
    /// # Errors
    /// [`NotAnAddress`]
    pub fn new(url: &str, path: &str) -> Result<Self, NotAnAddress> {
        let url: ApiUrl = url.parse().map_err(NotAnAddress::Host)?;
        let is_path = path.starts_with('/')
            && path.len() <= PATH_MAX
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if is_path { Ok(Self(format!("{}{path}", url.as_str()))) } else { Err(NotAnAddress::Path) }
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_receiver_elsewhere_is_reached_by_https_alone() {
        let address = |url, path| Address::new(url, path).map(|address| address.0).map_err(|error| error.to_string());
        assert_eq!(
            address("https://shop.example.com", "/guanxi?k=1"),
            Ok("https://shop.example.com/guanxi?k=1".into())
        );
        assert_eq!(address("http://127.0.0.1:8080/", "/"), Ok("http://127.0.0.1:8080/".into()));
        for (url, path, said) in [
            ("http://shop.example.com", "/", "in the clear"),
            ("shop.example.com", "/", "https://"),
            ("https://u:p@shop.example.com", "/", "a host"),
            ("https://shop.example.com/hook", "/", "webhook_path"),
            ("https://shop.example.com:0", "/", "port"),
            ("https://shop.example.com", "hook", "webhook_path"),
            ("https://shop.example.com", "/a b", "webhook_path"),
            ("https://shop.example.com", "/a\r\nx: y", "webhook_path"),
            ("https://shop.example.com", "/a#b", "webhook_path"),
        ] {
            assert!(address(url, path).unwrap_err().contains(said), "{url} {path}");
        }
    }
}
