//! A Redis or Valkey server as the store, with Spin's commands and Spin's layout: a key is a key, a value its bytes, a counter
//! decimal digits. All labels and applications of one URL share the keys.
//!
//! What is lost with a connection is not sent again: the caller gets an error, and the effect may or may not be there. The
//! client connects anew in the background. Spin sets no limit of time; here [`CALL_TIME`] ends every call.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ::redis::{
    AsyncCommands, Client, FromRedisValue, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
    parse_redis_url,
};
use tokio::{sync::OnceCell, time::timeout};
use url::Url;

use super::StoreError;

/// The most that a call waits, connecting included.
pub const CALL_TIME: Duration = Duration::from_secs(10);

/// Between two tries to connect anew, which Spin leaves at up to two minutes.
const PAUSE: Duration = Duration::from_millis(500);

/// Keys that one step of a listing looks at.
const SCAN_KEYS: usize = 1_000;

/// What the server says of an `increment` whose sum has no place in 64 bits.
const OVERFLOW: &str = "increment or decrement would overflow";
/// And of one on what is no counter.
const NO_NUMBER: &str = "value is not an integer";

/// Where a server is, such as `redis://127.0.0.1:6379/0`. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(Url);

/// Why a text is no [`RedisUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// Nothing that Spin would take.
    #[error("not the URL of a Redis or Valkey server, such as redis://127.0.0.1:6379")]
    Malformed,
    /// TLS, which Spin speaks.
    #[error("TLS to Redis is not spoken here")]
    Tls,
}

impl FromStr for RedisUrl {
    type Err = RedisUrlError;

    fn from_str(text: &str) -> Result<Self, RedisUrlError> {
        let url = parse_redis_url(text).ok_or(RedisUrlError::Malformed)?;
        if matches!(url.scheme(), "rediss" | "valkeys") {
            return Err(RedisUrlError::Tls);
        }
        // What only the client finds, such as a database that is no number.
        Client::open(url.clone()).map_err(|_| RedisUrlError::Malformed)?;
        Ok(Self(url))
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        // Fails where the URL can have neither, and then there is none.
        _ = url.set_username("");
        _ = url.set_password(None);
        // A socket's URL names its user and password there.
        url.set_query(None);
        url.fmt(formatter)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedisUrl({self})")
    }
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::Database(error.to_string())
    }
}

/// The connection, which all share.
pub(super) struct Server {
    client: Client,
    connection: OnceCell<ConnectionManager>,
    closed: AtomicBool,
}

impl Server {
    pub(super) fn new(url: &RedisUrl) -> Result<Self, StoreError> {
        Ok(Self { client: Client::open(url.0.clone())?, connection: OnceCell::new(), closed: AtomicBool::new(false) })
    }

    pub(super) async fn reach(&self) -> Result<(), StoreError> {
        let ping = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            connection.ping::<()>().await
        };
        Ok(timeout(CALL_TIME, ping).await.map_err(|_| StoreError::Late)??)
    }

    /// Settings by which it may lose what it has answered.
    pub(super) async fn risks(&self) -> Result<Vec<String>, StoreError> {
        let mut settings = self.settings("append*").await?;
        settings.extend(self.settings("maxmemory*").await?);
        let is = |name, value| settings.get(name).is_none_or(|found| found == value);
        let evicts = !is("maxmemory", "0");
        let wanted = [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")];
        let wanted =
            wanted.into_iter().filter(|&(name, value)| !is(name, value) && (evicts || name != "maxmemory-policy"));
        let say = |(name, value)| format!("{name} is {}, not {value}", settings.get(name).map_or("", String::as_str));
        Ok(wanted.map(say).collect())
    }

    async fn settings(&self, pattern: &str) -> Result<HashMap<String, String>, StoreError> {
        let mut command = ::redis::cmd("CONFIG");
        command.arg("GET").arg(pattern);
        self.call(async |mut connection| command.query_async(&mut connection).await).await
    }

    /// Over the connection that all share; when it is no longer one, the client connects anew.
    pub(super) async fn ping(&self) {
        _ = self.call(async |mut connection| connection.ping::<()>().await).await;
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value: Option<Vec<u8>> = self.call(async |mut connection| connection.get(key).await).await?;
        if value.as_deref().is_some_and(is_number) {
            return Err(StoreError::GetOfCounter(key.to_owned()));
        }
        Ok(value)
    }

    pub(super) async fn set_many(&self, entries: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        match entries {
            [(key, value)] => self.call(async |mut connection| connection.set(key, value).await).await,
            _ => self.call(async |mut connection| connection.mset(entries).await).await,
        }
    }

    pub(super) async fn delete_many(&self, keys: &[String]) -> Result<(), StoreError> {
        self.call(async |mut connection| connection.del(keys).await).await
    }

    pub(super) async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.call(async |mut connection| connection.exists(key).await).await
    }

    pub(super) async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let sum = self.call(async |mut connection| connection.incr(key, delta).await).await;
        sum.map_err(|error| match error {
            StoreError::Database(text) if text.contains(OVERFLOW) => StoreError::Overflow(key.to_owned()),
            StoreError::Database(text) if text.contains(NO_NUMBER) => StoreError::IncrementOfValue(key.to_owned()),
            error => error,
        })
    }

    /// In order, and each once, which a scan does not promise.
    pub(super) async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let (mut keys, mut cursor) = (Vec::new(), 0);
        loop {
            let (next, some) = self.scan(cursor, prefix).await?;
            keys.extend(some);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// What stands at each of the keys, values and counters alike.
    pub(super) async fn raw(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.call(async |mut connection| ::redis::cmd("MGET").arg(keys).query_async(&mut connection).await).await
    }

    /// One step of a listing, which begins and ends with the cursor 0. Keys that are no text are not ours.
    pub(super) async fn scan(&self, cursor: u64, prefix: &str) -> Result<(u64, Vec<String>), StoreError> {
        let mut command = ::redis::cmd("SCAN");
        command.arg(cursor).arg("MATCH").arg(pattern(prefix)).arg("COUNT").arg(SCAN_KEYS);
        let answer = self.call(async |mut connection| command.query_async(&mut connection).await).await;
        let (next, keys): (u64, Vec<Vec<u8>>) = answer?;
        Ok((next, keys.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect()))
    }

    async fn connect(&self) -> Result<ConnectionManager, RedisError> {
        let config = ConnectionManagerConfig::new().set_max_delay(PAUSE.as_millis() as u64);
        ConnectionManager::new_with_config(self.client.clone(), config).await
    }

    async fn call<T: FromRedisValue>(
        &self,
        command: impl AsyncFnOnce(ConnectionManager) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let answer = async {
            let connection = self.connection.get_or_try_init(|| self.connect()).await?;
            command(connection.clone()).await
        };
        Ok(timeout(CALL_TIME, answer).await.map_err(|_| StoreError::Late)??)
    }
}

/// What Redis would count on from: a whole number of 64 bits as it writes them itself.
pub(super) fn number(bytes: &[u8]) -> Option<i64> {
    let number: i64 = str::from_utf8(bytes).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == bytes).then_some(number)
}

/// Whether Redis would take these bytes for a counter.
pub(super) fn is_number(bytes: &[u8]) -> bool {
    number(bytes).is_some()
}

/// What `MATCH` takes for keys with this prefix.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for letter in prefix.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('*');
    pattern
}

#[cfg(test)]
mod tests;
