//! One message to the brand: up to three tries, as [protocol 1.8](../../../shared/docs/wechat-protocol.md#1.8) has
//! them.
//!
//! A try that brings no 200 within the deadline is lost, and the message goes out again at once: WeChat would wait out
//! the rest of the 5 seconds, but what the server sees is the same, and a test of a thousand late answers takes seconds.

mod http;

use crate::{
    judge::{self, Fault, Verdict},
    network::Fate,
    scenario::Message,
    trace::Outcome,
};
use ::http::Uri;
use bytes::Bytes;
use guanxi::{
    time::Timestamp,
    wechat::{
        fields::{FieldsError, Format},
        sender::Sender,
    },
};
use http::{Client, HttpError, Post};
use rand::Rng;
use std::{sync::Arc, time::Duration};

/// How often WeChat tries in all.
pub const TRIES: usize = 3;

/// How long WeChat waits for an answer.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// The time that WeChat's servers have.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where the brand listens, and how WeChat talks to it.
#[derive(Clone)]
pub struct Target {
    /// The callback URL, `http://…/wechat`.
    pub url: Uri,
    /// The account's original id, `gh_…`.
    pub account: String,
    /// WeChat's side of the token, the key and the mode.
    pub sender: Sender,
    /// XML, unless the account chose JSON.
    pub format: Format,
    /// Usually [`DEADLINE`].
    pub deadline: Duration,
    /// Stamps the tries; must be near the server's clock.
    pub clock: Clock,
}

/// WeChat's servers, ready to deliver. Connections stay open between messages.
pub struct Delivery {
    target: Target,
    client: Client,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// One to [`TRIES`] of them.
    pub tries: Vec<Outcome>,
    /// By the last try.
    pub verdict: Verdict,
    /// Answers that could be compared with the message's first one, apart from `CreateTime` …
    pub compared: usize,
    /// … and those of them that were not equal to it.
    pub differing: usize,
}

/// Why nothing can be delivered, or the URL not be verified.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Not `http://host[:port]/path`.
    #[error("{0} is not an http URL")]
    Url(Uri),
    /// A message that the sender cannot put into its envelope.
    #[error("the message cannot be sent: {0}")]
    Message(#[from] FieldsError),
    /// No answer to the verification.
    #[error("the server did not answer: {0}")]
    Http(#[from] HttpError),
    /// Not within the deadline.
    #[error("the server did not answer in time")]
    Late,
    /// Another answer than `echostr`.
    #[error("the server answered {status} and {body:?} and not the echostr")]
    Echo {
        /// The status.
        status: u16,
        /// What came.
        body: String,
    },
}

/// The text of a 200, decrypted.
type Answer = Result<String, Fault>;

impl Delivery {
    /// For one brand.
    ///
    /// # Errors
    /// [`DeliveryError::Url`].
    pub fn new(target: Target) -> Result<Self, DeliveryError> {
        let client = Client::new(&target.url).ok_or_else(|| DeliveryError::Url(target.url.clone()))?;
        Ok(Self { target, client })
    }

    /// What WeChat does once, when the developer saves the URL: a GET that wants its `echostr` back
    /// ([protocol 1.2](../../../shared/docs/wechat-protocol.md#1.2)).
    ///
    /// # Errors
    /// Any of [`DeliveryError`]: WeChat would not save the URL.
    pub async fn verify_url(&self, rng: &mut impl Rng) -> Result<(), DeliveryError> {
        let echostr = rng.random_range(10_u64.pow(18)..10_u64.pow(19)).to_string();
        let query = self.target.sender.sign_url(&self.timestamp(), &nonce(rng), &echostr);
        let path = self.path(&query);
        let asked = self.client.get(&path);
        let (status, body) =
            tokio::time::timeout(self.target.deadline, asked).await.map_err(|_| DeliveryError::Late)??;
        let body = String::from_utf8_lossy(&body).into_owned();
        if status == 200 && body == echostr { Ok(()) } else { Err(DeliveryError::Echo { status, body }) }
    }

    /// The account's original id.
    pub fn account(&self) -> &str {
        &self.target.account
    }

    /// Tries until an answer comes, three times at most. `fates` says what each try meets with; `rng` gives nonces and
    /// the random bytes of the envelope, fresh for each.
    ///
    /// # Errors
    /// [`DeliveryError::Message`]. All that goes wrong on the way is no error but an [`Outcome`].
    pub async fn deliver(
        &self,
        message: &Message,
        fates: [Fate; TRIES],
        rng: &mut impl Rng,
    ) -> Result<Delivered, DeliveryError> {
        let mut tries = Vec::new();
        let mut answers: Vec<Answer> = Vec::new();
        for fate in fates {
            let (outcome, answer) = self.attempt(&self.post(message, rng)?, fate).await;
            answers.extend(answer);
            tries.push(outcome);
            if outcome == Outcome::Answered {
                break;
            }
        }
        let verdict = match answers.last().filter(|_| tries.last() == Some(&Outcome::Answered)) {
            None => Verdict::NoAnswer,
            Some(Err(fault)) => Verdict::Fault(fault.clone()),
            Some(Ok(answer)) => judge::judge(answer, self.target.format, message, (self.target.clock)().0),
        };
        let mut comparable = answers.into_iter().map(|answer| answer.map(|text| judge::without_create_time(&text)));
        let first = comparable.next();
        let rest: Vec<_> = comparable.collect();
        let differing = rest.iter().filter(|answer| Some(*answer) != first.as_ref()).count();
        Ok(Delivered { tries, verdict, compared: rest.len(), differing })
    }

    /// One try's request, with a timestamp, nonce and signature of its own.
    fn post(&self, message: &Message, rng: &mut impl Rng) -> Result<Post, DeliveryError> {
        let (body, content_type) = match self.target.format {
            Format::Xml => (message.to_xml(), "text/xml"),
            Format::Json => (message.to_json(), "application/json"),
        };
        let (timestamp, nonce) = (self.timestamp(), nonce(rng));
        let pushed = self.target.sender.push(&body, &message.openid, &timestamp, &nonce, random_bytes(rng));
        let (query, body) = pushed?;
        Ok(Post { path: self.path(&query), content_type, body: body.into() })
    }

    async fn attempt(&self, post: &Post, fate: Fate) -> (Outcome, Option<Answer>) {
        let exchange = async {
            match fate {
                Fate::ResetBefore => self.client.break_off_within(post).await.map(|()| None),
                Fate::ResetAfter => self.client.break_off_after(post).await.map(|()| None),
                Fate::Clear | Fate::Late => self.client.post(post).await.map(Some),
            }
        };
        match (tokio::time::timeout(self.target.deadline, exchange).await, fate) {
            (Err(_), _) => (Outcome::Cut, None),
            (Ok(Err(_)), _) => (Outcome::Broken, None),
            (Ok(Ok(Some((200, answer)))), Fate::Late) => (Outcome::Late, Some(self.open(&answer))),
            (Ok(Ok(Some((200, answer)))), _) => (Outcome::Answered, Some(self.open(&answer))),
            (Ok(Ok(Some((status, _)))), _) => (Outcome::Status(status), None),
            (Ok(Ok(None)), Fate::ResetAfter) => (Outcome::ResetAfter, None),
            (Ok(Ok(None)), _) => (Outcome::ResetBefore, None),
        }
    }

    fn open(&self, answer: &Bytes) -> Answer {
        let text = std::str::from_utf8(answer).map_err(|_| Fault::NotUtf8)?;
        self.target.sender.open_reply(text).map_err(|error| Fault::Envelope(error.to_string()))
    }

    fn path(&self, query: &str) -> String {
        format!("{}?{query}", self.target.url.path())
    }

    fn timestamp(&self) -> String {
        (self.target.clock)().to_string()
    }
}

/// Digits, as WeChat's are.
fn nonce(rng: &mut impl Rng) -> String {
    rng.random_range(100_000_000..2_000_000_000_u32).to_string()
}

/// The envelope's first bytes: letters and digits in everything that WeChat was seen to send.
fn random_bytes(rng: &mut impl Rng) -> [u8; 16] {
    std::array::from_fn(|_| rng.sample(rand::distr::Alphanumeric))
}
