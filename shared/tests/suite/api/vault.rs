//! The token at rest.

use guanxi::{
    store::format::RecordError,
    time::Timestamp,
    wechat::api::{
        AccessToken,
        token::Granted,
        vault::{FORCED_A_DAY, FORCED_GAP_SECONDS, Forced, KeptToken, NONCE_LEN, OpenError, Vault},
    },
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: Timestamp = Timestamp(1_800_000_000);
const NONCE: [u8; NONCE_LEN] = *b"once and no ";
const TOKEN: &str = "68_Zk3mXb0QyT-7_vN1aLw9sRfHc2KpEoUdJgIxMz5YhBtVq8nWlC4rSe6iAaPu";

fn vault(secret: &str, app_id: &str) -> Vault {
    Vault::new(&secret.parse().unwrap(), app_id)
}

fn kept() -> KeptToken {
    let granted = Granted { token: AccessToken::try_from(TOKEN.to_owned()).unwrap(), expires_in: 7200 };
    KeptToken::new(granted, NOW, Some(Forced { at: NOW, times: 2 }))
}

#[test]
fn a_token_comes_back_as_it_was_put_in() {
    let vault = vault("secret", "wx1");
    let sealed = vault.seal(&kept(), NONCE);
    assert_eq!(vault.open(&sealed), Ok(kept()));
    assert_eq!(vault.seal(&kept(), NONCE), sealed);
    assert_ne!(vault.seal(&kept(), *b"another one "), sealed);
}

#[test]
fn the_stored_bytes_do_not_show_the_token_and_neither_does_debug() {
    let sealed = vault("secret", "wx1").seal(&kept(), NONCE);
    for part in TOKEN.as_bytes().windows(6) {
        assert!(!sealed.windows(part.len()).any(|window| window == part));
    }
    let shown = format!("{:?} {:?}", kept(), vault("secret", "wx1"));
    assert!(!shown.contains(TOKEN) && !shown.contains("secret"), "{shown}");
}

#[test]
fn another_secret_or_account_does_not_open_it() {
    let sealed = vault("secret", "wx1").seal(&kept(), NONCE);
    for other in [vault("secrets", "wx1"), vault("secre", "wx1"), vault("secret", "wx2"), vault("secret", "")] {
        assert_eq!(other.open(&sealed), Err(OpenError::Sealed), "{other:?}");
    }
}

#[test]
fn a_changed_bit_a_cut_and_another_format_are_noticed() {
    let vault = vault("secret", "wx1");
    let sealed = vault.seal(&kept(), NONCE);
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(vault.open(&changed).is_err(), "bit {bit}");
    }
    for len in 0..sealed.len() {
        assert!(vault.open(&sealed[..len]).is_err(), "{len} bytes");
    }
    assert!(vault.open(&[&sealed[..], b"x"].concat()).is_err());
    let newer = [&[2], &sealed[1..]].concat();
    assert_eq!(vault.open(&newer), Err(OpenError::Record(RecordError::Newer(2))));
    assert_eq!(vault.open(b""), Err(OpenError::Record(RecordError::Damaged)));
}

#[test]
fn a_token_knows_how_long_it_lives() {
    let kept = kept();
    assert_eq!(kept.left(NOW), 7200);
    assert_eq!(kept.left(Timestamp(NOW.0 + 7199)), 1);
    assert_eq!(kept.left(Timestamp(NOW.0 + 9000)), 0);
}

#[test]
fn a_new_token_is_forced_as_often_as_wechat_allows() {
    let first = Forced::again(None, NOW).unwrap();
    assert_eq!(first, Forced { at: NOW, times: 1 });
    assert_eq!(Forced::again(Some(first), Timestamp(NOW.0 + FORCED_GAP_SECONDS - 1)), None);

    // 2027-01-15 16:00:00 in Beijing: 8 hours are left of the day.
    let (mut last, mut times) = (first, 1);
    while let Some(next) = Forced::again(Some(last), Timestamp(last.at.0 + FORCED_GAP_SECONDS)) {
        (last, times) = (next, times + 1);
    }
    assert_eq!((last.times, times), (FORCED_A_DAY, FORCED_A_DAY));
    let midnight = Timestamp(NOW.0 + 8 * 3600);
    assert_eq!(Forced::again(Some(last), Timestamp(midnight.0 - 1)), None);
    assert_eq!(Forced::again(Some(last), midnight), Some(Forced { at: midnight, times: 1 }));
}
