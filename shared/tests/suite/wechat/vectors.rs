//! Every published and computed case of signatures and encryption.

use guanxi::wechat::{
    crypto::{Cipher, EncodingAesKey},
    signature::{jsapi_signature, matches, msg_signature, url_signature},
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    kind: String,
    input: Value,
    expected: Value,
}

impl Vector {
    fn input(&self, name: &str) -> &str {
        self.input[name].as_str().unwrap_or_else(|| panic!("{}: input {name}", self.id))
    }

    fn expected(&self, name: &str) -> &str {
        self.expected[name].as_str().unwrap_or_else(|| panic!("{}: expected {name}", self.id))
    }

    fn key(&self) -> EncodingAesKey {
        self.input("encoding_aes_key").parse().unwrap_or_else(|e| panic!("{}: {e}", self.id))
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(&self.key(), self.input("appid"))
    }

    fn random(&self) -> [u8; 16] {
        self.input("random16").as_bytes().try_into().unwrap()
    }

    fn check(&self) {
        let id = &self.id;
        let token_time_nonce = || (self.input("token"), self.input("timestamp"), self.input("nonce"));
        match self.kind.as_str() {
            "url_signature" => {
                let (token, timestamp, nonce) = token_time_nonce();
                assert_eq!(url_signature(token, timestamp, nonce), self.expected("signature"), "{id}");
            }
            "msg_signature" => {
                let (token, timestamp, nonce) = token_time_nonce();
                let signature = msg_signature(token, timestamp, nonce, self.input("encrypt"));
                assert_eq!(signature, self.expected("signature"), "{id}");
            }
            "jsapi_signature" => {
                let [ticket, noncestr, timestamp, url] =
                    ["jsapi_ticket", "noncestr", "timestamp", "url"].map(|name| self.input(name));
                assert_eq!(jsapi_signature(ticket, noncestr, timestamp, url), self.expected("signature"), "{id}");
            }
            "aes_decrypt" => {
                let message = self.cipher().decrypt(self.input("encrypt"));
                assert_eq!(message.as_deref(), Ok(self.expected("msg").as_bytes()), "{id}");
            }
            "aes_encrypt" => {
                let encrypt = self.cipher().encrypt(self.random(), self.input("msg").as_bytes());
                assert_eq!(encrypt, self.expected("encrypt"), "{id}");
            }
            "aes_encrypt_digest" => self.check_digest(),
            "aes_decrypt_must_fail" => {
                assert!(self.cipher().decrypt(self.input("encrypt")).is_err(), "{id}");
            }
            "key_decode" => {
                let hex: String = self.key().as_bytes().iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(hex, self.expected("aes_key_hex"), "{id}");
            }
            "key_must_fail" => assert!(self.input("encoding_aes_key").parse::<EncodingAesKey>().is_err(), "{id}"),
            kind => panic!("{id}: no test for {kind}"),
        }
    }

    /// The vector of 64 KiB states its message as a pattern and its result as a digest.
    fn check_digest(&self) {
        let msg = self.input("msg_template").replace("{U+6C49 x 21846}", &"\u{6C49}".repeat(21_846));
        let encrypt = self.cipher().encrypt(self.random(), msg.as_bytes());
        let digest: String = Sha256::digest(&encrypt).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest, self.expected("encrypt_sha256"), "{}", self.id);
        assert_eq!(self.cipher().decrypt(&encrypt), Ok(msg.into_bytes()), "{}", self.id);
    }
}

#[test]
fn every_vector_holds() {
    let all: Vectors = serde_json::from_str(include_str!("../../../fixtures/wechat/vectors.json")).unwrap();
    all.vectors.iter().for_each(Vector::check);
    assert_eq!(all.vectors.len(), 38);
}

#[test]
fn a_key_is_43_letters_and_digits_and_never_shows() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    for bad in ["", &key[1..], &format!("{key}="), &format!("+{}", &key[1..]), &format!("/{}", &key[1..])] {
        assert!(bad.parse::<EncodingAesKey>().is_err(), "{bad:?}");
    }
    let key: EncodingAesKey = key.parse().unwrap();
    assert_eq!(format!("{key:?}"), "EncodingAesKey(…)");
    assert_eq!(format!("{:?}", Cipher::new(&key, "wx1")), r#"Cipher { app_id: "wx1", .. }"#);
}

#[test]
fn a_signature_matches_itself_and_nothing_else() {
    let signature = url_signature("AAAAA", "1714036504", "1514711492");
    assert!(matches(&signature, "f464b24fc39322e44b38aa78f5edd27bd1441696"));
    for other in ["", "f464", "f464b24fc39322e44b38aa78f5edd27bd1441697", "F464B24FC39322E44B38AA78F5EDD27BD1441696"] {
        assert!(!matches(&signature, other), "{other:?}");
    }
}

#[test]
fn a_message_for_another_account_does_not_open() {
    let key: EncodingAesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".parse().unwrap();
    let encrypt = Cipher::new(&key, "wx1").encrypt(*b"0123456789abcdef", b"hello");
    assert_eq!(Cipher::new(&key, "wx1").decrypt(&format!("\n {encrypt}\r\n")).unwrap(), b"hello");
    for app_id in ["wx2", "wx", "wx11", "", "o", "lowx1"] {
        assert!(Cipher::new(&key, app_id).decrypt(&encrypt).is_err(), "{app_id}");
    }
}

#[test]
fn only_strict_base64_of_whole_blocks_opens() {
    let key: EncodingAesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG".parse().unwrap();
    let cipher = Cipher::new(&key, "wx1");
    let encrypt = cipher.encrypt(*b"0123456789abcdef", b"hello, world");
    let inside = format!("{}\n{}", &encrypt[..20], &encrypt[20..]);
    let unpadded = encrypt.trim_end_matches('=').to_owned();
    assert_ne!(encrypt, unpadded);
    for bad in [inside, unpadded, encrypt.replace('=', "-"), encrypt[..44].to_owned(), String::new()] {
        assert!(cipher.decrypt(&bad).is_err(), "{bad:?}");
    }
}
