//! Bearer tokens (RFC 6750): who may run jobs and read reports.

use subtle::ConstantTimeEq;

/// Whether an `Authorization` header carries the token. Compared in constant time; an empty token opens nothing, so that a
/// forgotten variable locks instead of unlocking.
pub fn allows(authorization: Option<&str>, token: &str) -> bool {
    let given = authorization.and_then(|header| header.split_once(' '));
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, given)| given.trim());
    given.is_some_and(|given| is_token(given, token))
}

/// Whether what was given is the token; as [`allows`] compares them.
pub fn is_token(given: &str, token: &str) -> bool {
    !token.is_empty() && bool::from(given.as_bytes().ct_eq(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::allows;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn only_the_whole_token_opens_and_an_empty_one_never_does() {
        assert!(allows(Some("Bearer s3cret"), "s3cret"));
        assert!(allows(Some("bearer  s3cret"), "s3cret"));
        for wrong in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer s3cre"),
            Some("Basic s3cret"),
            Some("s3cret"),
        ] {
            assert!(!allows(wrong, "s3cret"), "{wrong:?}");
            assert!(!allows(wrong, ""), "{wrong:?} for an empty token");
        }
        assert!(!allows(Some("Bearer "), ""));
    }
}
