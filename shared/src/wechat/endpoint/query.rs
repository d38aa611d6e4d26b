//! The query string of a request.

use super::{QUERY_MAX, Refusal};

/// The parameters that matter here; others are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    signature: Option<String>,
    timestamp: Option<String>,
    nonce: Option<String>,
    msg_signature: Option<String>,
    echostr: Option<String>,
}

impl Query {
    /// Reads the text after `?`. Values are percent-decoded; names are WeChat's own, which need no encoding.
    ///
    /// # Errors
    /// [`Refusal::QueryTooLong`]; [`Refusal::Repeated`] when one of these parameters comes twice, because then the hash
    /// could be checked over one value and another be used.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        if query.len() > QUERY_MAX {
            return Err(Refusal::QueryTooLong);
        }
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let Some((name, place)) = parsed.place(name)
                && place.replace(decode(value)).is_some()
            {
                return Err(Refusal::Repeated(name));
            }
        }
        Ok(parsed)
    }

    fn place(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "signature" => ("signature", &mut self.signature),
            "timestamp" => ("timestamp", &mut self.timestamp),
            "nonce" => ("nonce", &mut self.nonce),
            "msg_signature" => ("msg_signature", &mut self.msg_signature),
            "echostr" => ("echostr", &mut self.echostr),
            _ => return None,
        })
    }

    pub(super) fn signature(&self) -> Result<&str, Refusal> {
        self.signature.as_deref().ok_or(Refusal::Missing("signature"))
    }

    pub(super) fn timestamp(&self) -> Result<&str, Refusal> {
        self.timestamp.as_deref().ok_or(Refusal::Missing("timestamp"))
    }

    pub(super) fn nonce(&self) -> Result<&str, Refusal> {
        self.nonce.as_deref().ok_or(Refusal::Missing("nonce"))
    }

    pub(super) fn msg_signature(&self) -> Result<&str, Refusal> {
        self.msg_signature.as_deref().ok_or(Refusal::Missing("msg_signature"))
    }

    pub(super) fn echostr(&self) -> Option<&str> {
        self.echostr.as_deref()
    }
}

/// Nearly every value is plain already.
fn decode(value: &str) -> String {
    if !value.contains(['%', '+']) {
        return value.to_owned();
    }
    // As the value of a pair without a name: a `=` in it then stays.
    let pair = format!("={value}");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
