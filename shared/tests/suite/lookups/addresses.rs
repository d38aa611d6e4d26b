//! Which addresses may be called: nothing that could be a component, this machine, its network, or another reader's host.

use guanxi::lookup::address::{Address, AddressError};
#[cfg(not(target_family = "wasm"))]
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn an_address_is_https_to_a_name_of_the_internet() {
    for (address, host, rest) in [
        ("https://api.example.com", "api.example.com", ""),
        ("https://api.example.com/", "api.example.com", "/"),
        ("https://api.example.com:443/v1?q=a@b:1", "api.example.com", "/v1?q=a@b:1"),
        ("https://a-1.cn?q=[1]", "a-1.cn", "?q=[1]"),
        ("https://1.2.3.4.nip.cn/", "1.2.3.4.nip.cn", "/"),
        ("https://xn--fiq228c.cn/", "xn--fiq228c.cn", "/"),
    ] {
        assert_eq!(Address::parse(address), Ok(Address { host, rest }), "{address}");
    }
}

#[test]
fn what_leads_elsewhere_is_refused() {
    use AddressError::*;
    let (long, label) = (format!("https://a.cn/{}", "a".repeat(2_048)), format!("https://{}.cn/", "a".repeat(64)));
    let names = format!("https://{}cn/", "a.".repeat(130));
    for (address, error) in [
        ("", NotHttps),
        ("http://api.example.com/", NotHttps),
        ("HTTPS://api.example.com/", NotHttps),
        ("//api.example.com/", NotHttps),
        ("https:/api.example.com/", NotHttps),
        (" https://api.example.com/", NotHttps),
        ("ftp://api.example.com/", NotHttps),
        ("https://user@api.example.com/", User),
        ("https://user:pass@api.example.com/", User),
        ("https://api.example.com@127.0.0.1/", User),
        ("https://api.example.com\\@evil.cn/", Character),
        ("https://api.example.com/a b", Character),
        ("https://api.example.com/#a", Character),
        ("https://api.example.com/\r\nhost:a", Character),
        ("https://api.example.com/猫", Character),
        ("https://猫.cn/", Character),
        ("https://api.example.com:80/", Port),
        ("https://api.example.com:/", Port),
        ("https://api.example.com:4433/", Port),
        ("https://api.example.com:443:443/", Port),
        ("https://127.0.0.1/", Number),
        ("https://127.1/", Number),
        ("https://2130706433/", Number),
        ("https://0x7f000001/", Number),
        ("https://0x7f.1/", Number),
        ("https://10.0.0.1:443/", Number),
        ("https://169.254.169.254/", Number),
        ("https://a.0x", Number),
        ("https://[::1]/", Number),
        ("https://[::ffff:127.0.0.1]/", Number),
        ("https://localhost/", Name),
        ("https://guanxi/", Name),
        ("https:///", Name),
        ("https://?a.cn", Name),
        ("https://.cn/", Name),
        ("https://a.cn./", Name),
        ("https://a..cn/", Name),
        ("https://API.example.com/", Name),
        ("https://a_b.cn/", Name),
        ("https://*.example.com/", Name),
        ("https://api.example.com%2eevil.cn/", Name),
        ("https://127.0.0.1.", Name),
        ("https://ask.spin.internal/", NotPublic),
        ("https://spin.internal/", NotPublic),
        ("https://metadata.google.internal/", NotPublic),
        ("https://self.alt/", NotPublic),
        ("https://a.localhost/", NotPublic),
        ("https://printer.local/", NotPublic),
        (&long, TooLong),
        (&label, Name),
        (&names, Name),
    ] {
        assert_eq!(Address::parse(address), Err(error), "{address}");
    }
    // `SELF.ALT` and `X.spin.internal` in capitals would end the instance on Spin.
    assert_eq!(Address::parse("https://self.ALT/"), Err(Name));
    assert_eq!(Address::parse("https://b.Spin.Internal/"), Err(Name));
}

#[cfg(not(target_family = "wasm"))]
proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever reads an address that was taken, by whatever rules, finds the same host in it.
    #[test]
    fn an_address_that_is_taken_reads_one_way(text in r"https://[a-z0-9.:@\\/?#%\[\]A-Z_-]{0,20}(cn|com|internal|alt|1)?[:/?@.][a-z0-9:@/?.]{0,12}") {
        if let Ok(Address { host, rest }) = Address::parse(&text) {
            let written = [format!("https://{host}{rest}"), format!("https://{host}:443{rest}")];
            prop_assert!(written.contains(&text));
            let last = host.rsplit_once('.').map_or("", |(_, last)| last);
            prop_assert!(last.contains(|c: char| c.is_ascii_lowercase()) && !["internal", "alt"].contains(&last));
            prop_assert!(rest.is_empty() || rest.starts_with(['/', '?']));
        }
    }

    /// Bytes from anywhere are a question or none, and no panic.
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), first in 0_u8..3) {
        let bytes: Vec<u8> = std::iter::once(first).chain(bytes).collect();
        if let Ok(lookup) = guanxi::lookup::Lookup::decode(&bytes) {
            _ = lookup.url();
            _ = lookup.line(200, b"{}");
        }
    }
}
