//! Who may see pages: the console token once, then a cookie.
//!
//! The cookie is `<until>.<nonce>.<name>.<seal>`: when it ends in seconds, 16 random bytes, the name that was typed, if one was, and the
//! HMAC-SHA256 of it all under a key made from the console token. The name says who it is and proves nothing: all have one token. Nothing is stored, so a session ends when its time is over, and all of them end when the token is
//! changed; to log out makes only the browser forget. A form carries a second seal of the cookie, without which no post is taken
//! (`SameSite=Strict` keeps the cookie from other sites' posts; the seal does where a browser does not). Seals are compared in
//! constant time. Who has a cookie can try tokens against it without asking us, so the token should be long and random.
//!
//! **Wrong tokens** are answered [`WRONG_DELAY`] late, and at most [`WRONG_AT_ONCE`] of them wait in one instance; those beyond are
//! refused at once with 429, and the right token is let in at once, whatever waits. So a flood of wrong ones locks nobody out and
//! takes no memory, and who tries one after the other gets one try a second. What this does not do: it counts nothing over time,
//! over instances or by address, so that many who try together are slower only by what the server in front of us holds them to.
//! Against these only the token's length helps.

use crate::{http::bearer, time::Timestamp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{cell::Cell, rc::Rc, time::Duration};

/// How long a session lasts, in seconds.
pub const SESSION_SECONDS: u64 = 12 * 3_600;
/// How late a wrong token is answered.
pub const WRONG_DELAY: Duration = Duration::from_secs(1);
/// Characters of a name.
pub const NAME_MAX: usize = crate::playbook::publish::sources::BY_MAX;
/// Wrong tokens that wait in one instance at most.
pub const WRONG_AT_ONCE: usize = 64;
/// The session's cookie.
pub const COOKIE: &str = "guanxi_session";
/// The cookie of the language.
pub const LANGUAGE_COOKIE: &str = "guanxi_lang";
/// How long the language is kept, in seconds.
const LANGUAGE_SECONDS: u64 = 365 * 86_400;
/// What both cookies may: no script, no plain HTTP, no other site's requests.
const ATTRIBUTES: &str = "Path=/; HttpOnly; Secure; SameSite=Strict";
/// Cookies of a request that are looked at.
const COOKIES_MAX: usize = 64;

/// Makes and opens sessions. There are none while the console token is empty.
pub struct Door<'t> {
    token: &'t str,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What its forms carry.
    pub csrf: String,
    /// The name that was typed at log-in; empty: none.
    pub name: String,
}

impl<'t> Door<'t> {
    /// Of a console token.
    pub fn new(token: &'t str) -> Self {
        Self { token }
    }

    /// Whether that is the token.
    pub fn is_token(&self, given: &str) -> bool {
        bearer::is_token(given.trim(), self.token)
    }

    /// The `Set-Cookie` of a new session; of a name that is too long, its beginning.
    pub fn open(&self, now: Timestamp, nonce: [u8; 16], name: &str) -> String {
        let until = now.0.saturating_add(SESSION_SECONDS);
        let name: String = name.trim().chars().take(NAME_MAX).collect();
        let (nonce, name) = (URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(name));
        let stated = format!("{until}.{nonce}.{name}");
        let seal = URL_SAFE_NO_PAD.encode(self.seal("session", &stated).finalize().into_bytes());
        format!("{COOKIE}={stated}.{seal}; Max-Age={SESSION_SECONDS}; {ATTRIBUTES}")
    }

    /// The session that a request's `Cookie` opens.
    pub fn session(&self, cookies: &str, now: Timestamp) -> Option<Session> {
        let value = cookie(cookies, COOKIE)?;
        let (stated, seal) = value.rsplit_once('.')?;
        let (until, named) = stated.split_once('.')?;
        let (until, (_, name)): (u64, _) = (until.parse().ok()?, named.split_once('.')?);
        let sealed = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let right = !self.token.is_empty() && self.seal("session", stated).verify_slice(&sealed).is_ok();
        let lasts = now.0 < until && until - now.0 <= SESSION_SECONDS;
        let name = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
        let csrf = || URL_SAFE_NO_PAD.encode(self.seal("form", value).finalize().into_bytes());
        (right && lasts).then(|| Session { csrf: csrf(), name })
    }

    /// Whether a form was made for the session that the cookies open.
    pub fn is_form_of(&self, cookies: &str, csrf: &str) -> bool {
        let given = URL_SAFE_NO_PAD.decode(csrf).unwrap_or_default();
        cookie(cookies, COOKIE).is_some_and(|value| self.seal("form", value).verify_slice(&given).is_ok())
    }

    /// Over what is sealed and what for, under a key that is for the console's pages alone.
    fn seal(&self, purpose: &str, of: &str) -> Hmac<Sha256> {
        let key = keyed(self.token.as_bytes()).chain_update("guanxi console").finalize().into_bytes();
        keyed(&key).chain_update(purpose).chain_update(".").chain_update(of)
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // A key of any length will do for an HMAC.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

/// The `Set-Cookie` that ends a session in this browser.
pub fn closed() -> String {
    format!("{COOKIE}=; Max-Age=0; {ATTRIBUTES}")
}

/// The `Set-Cookie` that keeps a language.
pub fn language_kept(code: &str) -> String {
    format!("{LANGUAGE_COOKIE}={code}; Max-Age={LANGUAGE_SECONDS}; {ATTRIBUTES}")
}

/// A cookie's value in a `Cookie` header; of two of one name the first.
pub fn cookie<'c>(cookies: &'c str, name: &str) -> Option<&'c str> {
    let pairs = cookies.split(';').take(COOKIES_MAX).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// Wrong tokens that wait for their answer in one instance.
#[derive(Debug, Default)]
pub struct Wrong(Rc<Cell<usize>>);

/// A wrong token's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Waiting(Rc<Cell<usize>>);

impl Wrong {
    /// A place to wait in, if there is one.
    pub fn wait(&self) -> Option<Waiting> {
        let waiting = self.0.get();
        (waiting < WRONG_AT_ONCE).then(|| {
            self.0.set(waiting + 1);
            Waiting(self.0.clone())
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const NOW: Timestamp = Timestamp(1_772_416_800);
    const DOOR: Door<'static> = Door { token: "s3cret" };

    /// What a browser sends back.
    fn opened(door: &Door<'_>) -> String {
        let set = door.open(NOW, [7; 16], " 小王 ");
        format!("theme=dark; {}; x", set.split_once(';').unwrap().0)
    }

    #[test]
    fn a_session_opens_until_its_time_is_over_and_not_before_it_began() {
        let cookies = opened(&DOOR);
        for (at, open) in [
            (NOW.0, true),
            (NOW.0 + SESSION_SECONDS - 1, true),
            (NOW.0 + SESSION_SECONDS, false),
            (NOW.0 + 10 * SESSION_SECONDS, false),
            (NOW.0 - 1, false),
            (0, false),
            (u64::MAX, false),
        ] {
            assert_eq!(DOOR.session(&cookies, Timestamp(at)).is_some(), open, "{at}");
        }
    }

    #[test]
    fn another_token_ends_every_session_and_an_empty_one_opens_none() {
        let cookies = opened(&DOOR);
        assert!(Door::new("s3cret2").session(&cookies, NOW).is_none());
        assert!(!Door::new("").is_token("") && !Door::new("").is_token("s3cret"));
        assert!(Door::new("").session(&opened(&Door::new("")), NOW).is_none(), "sealed under an empty token");
        assert!(DOOR.is_token("s3cret") && DOOR.is_token(" s3cret\n") && !DOOR.is_token("s3cre"));
    }

    #[test]
    fn no_letter_of_the_cookie_can_be_changed_moved_or_left_out() {
        let cookies = opened(&DOOR);
        let value = cookie(&cookies, COOKIE).unwrap();
        let opens = |value: &str| DOOR.session(&format!("{COOKIE}={value}"), NOW).is_some();
        assert!(opens(value));
        for at in 0..value.len() {
            let mut changed = value.as_bytes().to_vec();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(!opens(&changed), "{changed}");
            assert!(!opens(&format!("{}{}", &value[..at], &value[at + 1..])), "without {at}");
            assert!(!opens(&value[..at]), "cut at {at}");
        }
        for wrong in ["", ".", "..", "1.2.3", "18446744073709551616.x.y", "é.é.é"] {
            assert!(!opens(wrong), "{wrong}");
        }
        let form = DOOR.session(&cookies, NOW).unwrap().csrf;
        let (stated, _) = value.rsplit_once('.').unwrap();
        assert!(!opens(&format!("{stated}.{form}")), "a form's seal is no session's");
    }

    #[test]
    fn a_session_knows_the_name_that_was_typed_and_no_more_of_it_than_fits() {
        let name = |name: &str| DOOR.session(&DOOR.open(NOW, [7; 16], name), NOW).map(|session| session.name);
        let long = "猫".repeat(NAME_MAX + 1);
        for (typed, kept) in [("", ""), (" 小王 ", "小王"), ("a.b;c=\"<", "a.b;c=\"<"), (&long, &long[..3 * NAME_MAX])]
        {
            assert_eq!(name(typed).as_deref(), Some(kept));
        }
    }

    #[test]
    fn a_form_is_of_one_session() {
        let cookies = opened(&DOOR);
        let csrf = DOOR.session(&cookies, NOW).unwrap().csrf;
        assert!(DOOR.is_form_of(&cookies, &csrf));
        let other = DOOR.open(NOW, [8; 16], "");
        assert!(!DOOR.is_form_of(&other, &csrf), "another session's");
        for wrong in ["", "x", &csrf[1..], &csrf.to_lowercase()] {
            assert!(!DOOR.is_form_of(&cookies, wrong), "{wrong}");
        }
        assert!(!DOOR.is_form_of("", &csrf));
        assert!(!Door::new("other").is_form_of(&cookies, &csrf));
    }

    #[test]
    fn cookies_keep_to_this_site_and_away_from_scripts() {
        for set in [DOOR.open(NOW, [0; 16], "x"), closed(), language_kept("en")] {
            for attribute in ["; HttpOnly", "; Secure", "; SameSite=Strict", "; Path=/", "; Max-Age="] {
                assert!(set.contains(attribute), "{set}");
            }
            assert!(!set.contains("s3cret"));
        }
        assert!(closed().contains("Max-Age=0;") && DOOR.open(NOW, [0; 16], "").contains("Max-Age=43200;"));
    }

    #[test]
    fn only_so_many_wrong_tokens_wait_at_once_and_places_become_free() {
        let wrong = Wrong::default();
        let mut waiting: Vec<_> = (0..WRONG_AT_ONCE).map(|_| wrong.wait().unwrap()).collect();
        assert!(wrong.wait().is_none());
        waiting.pop();
        assert!(wrong.wait().is_some());
    }
}
