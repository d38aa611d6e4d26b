//! WeChat's side of the callback: signs and encrypts what it posts, opens replies. For the simulator and for tests.

use super::{
    crypto::{Cipher, DecryptError, EncodingAesKey, RANDOM_LEN},
    document::Document,
    endpoint::Mode,
    fields::{Fields, FieldsError, Format},
    signature,
};

/// What WeChat knows of an account's callback.
#[derive(Clone)]
pub struct Sender {
    token: String,
    mode: Mode,
    cipher: Cipher,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Why WeChat would call a reply abnormal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenReplyError {
    /// Neither XML nor JSON, or not well-formed.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// A field of the envelope is absent.
    #[error("the envelope has no {0}")]
    Missing(&'static str),
    /// `MsgSignature` is not that of the envelope.
    #[error("MsgSignature is wrong")]
    Signature,
    /// `Encrypt` does not open.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
}

impl Sender {
    /// The sender for one account. The key is unused in plain mode.
    pub fn new(token: impl Into<String>, mode: Mode, key: &EncodingAesKey, app_id: impl Into<String>) -> Self {
        Self { token: token.into(), mode, cipher: Cipher::new(key, app_id) }
    }

    /// The query string of the request that verifies the URL.
    pub fn sign_url(&self, timestamp: &str, nonce: &str, echostr: &str) -> String {
        self.signed(timestamp, nonce).append_pair("echostr", echostr).finish()
    }

    /// The query string and the body of one POST: `body`, an XML or JSON document, as the mode wants it.
    ///
    /// # Errors
    /// [`FieldsError`] when a mode that rewrites `body` cannot read it.
    pub fn push(
        &self,
        body: &str,
        openid: &str,
        timestamp: &str,
        nonce: &str,
        random: [u8; RANDOM_LEN],
    ) -> Result<(String, String), FieldsError> {
        let mut query = self.signed(timestamp, nonce);
        query.append_pair("openid", openid);
        if self.mode == Mode::Plain {
            return Ok((query.finish(), body.to_owned()));
        }
        let encrypt = self.cipher.encrypt(random, body.as_bytes());
        let signature = signature::msg_signature(&self.token, timestamp, nonce, &encrypt);
        query.append_pair("encrypt_type", "aes").append_pair("msg_signature", &signature);
        let body = match self.mode {
            Mode::Compat => beside(body, &encrypt)?,
            Mode::Plain | Mode::Safe => instead_of(body, &encrypt)?,
        };
        Ok((query.finish(), body))
    }

    /// The reply inside `body`. `success` and nothing need no envelope in any mode, and compat mode takes a plain reply
    /// as well; those come back as they are.
    ///
    /// # Errors
    /// [`OpenReplyError`]
    pub fn open_reply(&self, body: &str) -> Result<String, OpenReplyError> {
        if self.mode == Mode::Plain || matches!(body, "" | "success") {
            return Ok(body.to_owned());
        }
        let (_, envelope) = Fields::parse(body.as_bytes())?;
        let part = |name| envelope.text(name).ok_or(OpenReplyError::Missing(name));
        let encrypt = match part("Encrypt") {
            Err(_) if self.mode == Mode::Compat => return Ok(body.to_owned()),
            encrypt => encrypt?,
        };
        let expected = signature::msg_signature(&self.token, part("TimeStamp")?, part("Nonce")?, encrypt);
        if !signature::matches(&expected, part("MsgSignature")?) {
            return Err(OpenReplyError::Signature);
        }
        Ok(String::from_utf8(self.cipher.decrypt(encrypt)?).map_err(|_| FieldsError::NotUtf8)?)
    }

    /// What every request's query begins with.
    fn signed(&self, timestamp: &str, nonce: &str) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::with_capacity(256));
        query
            .append_pair("signature", &signature::url_signature(&self.token, timestamp, nonce))
            .append_pair("timestamp", timestamp)
            .append_pair("nonce", nonce);
        query
    }
}

/// Safe mode: nothing of `body` stays outside but `ToUserName`.
fn instead_of(body: &str, encrypt: &str) -> Result<String, FieldsError> {
    let (format, fields) = Fields::parse(body.as_bytes())?;
    Ok(Document::write(format, encrypt.len() + 128, |document| {
        document.optional("ToUserName", fields.text("ToUserName"));
        document.text("Encrypt", encrypt);
    }))
}

/// Compat mode: `body` with one more field at its end.
fn beside(body: &str, encrypt: &str) -> Result<String, FieldsError> {
    let (format, fields) = Fields::parse(body.as_bytes())?;
    let end = match format {
        Format::Xml => "</",
        Format::Json => "}",
    };
    let at = body.rfind(end).unwrap_or(body.len());
    let (start, end) = body.split_at(at);
    Ok(match format {
        Format::Xml => format!("{start}<Encrypt><![CDATA[{encrypt}]]></Encrypt>{end}"),
        Format::Json if fields.is_empty() => format!("{start}\"Encrypt\":\"{encrypt}\"{end}"),
        Format::Json => format!("{start},\"Encrypt\":\"{encrypt}\"{end}"),
    })
}
