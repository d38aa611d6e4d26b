//! The hosts and keys that the operator allows, slot by slot, and the request that comes of a question.
//!
//! Slot *n* is the variables `lookup_hostn`, such as `https://api.example.com`, and `lookup_keyn`, what a header holds. A key goes to
//! the host of its own slot alone: a playbook, which may come from somebody else than the operator, cannot send it elsewhere.

use super::{
    Lookup, Method,
    address::{Address, AddressError},
};

/// How many hosts there may be, each a variable of its own: an entry of Spin's list is one host.
pub const SLOTS: usize = 4;
/// What a test sets the variable `lookup_stand_in` to, with a port behind it.
const STAND_IN: &str = "http://127.0.0.1:";

/// One host, and what it is shown.
#[derive(Clone, Default)]
pub struct Slot {
    /// As the variable has it; empty: the slot is free.
    pub host: String,
    /// As the variable has it; empty: there is none.
    pub key: String,
}

/// What the variables allow. It has no `Debug`: there are keys in it.
#[derive(Clone, Default)]
pub struct Allowed {
    slots: Vec<Slot>,
    stand_in: Option<String>,
}

/// Why a question is not asked. None of these repeats the question, or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The address is none that may be called.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A host that no variable names.
    #[error("no lookup_host is https://{0}")]
    Host(String),
    /// A key of another host, or of no slot.
    #[error("lookup_key{slot} is not for https://{host}, but for the host of lookup_host{slot}")]
    Key {
        /// Which.
        slot: u8,
        /// Where it was to go.
        host: String,
    },
    /// The variable is empty, or is nothing that a header can hold.
    #[error("lookup_key{0} is empty, or has characters that no header may have")]
    NoKey(u8),
    /// `lookup_stand_in` is no port of this machine.
    #[error("lookup_stand_in is for tests: {STAND_IN} and a port")]
    StandIn,
}

/// What is sent. It has no `Debug`: there are keys and a fan's words in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `https`; `http` to the stand-in of a test.
    pub is_https: bool,
    /// The host, and the stand-in's port.
    pub authority: String,
    /// Begins with a slash.
    pub path_and_query: String,
    /// How.
    pub method: Method,
    /// Besides what belongs to the connection.
    pub headers: Vec<(String, String)>,
    /// Of a POST.
    pub body: String,
}

impl Allowed {
    /// What the variables say: the slots from 1 on, and where a test has all requests go instead; empty in real life. The stand-in
    /// changes only the way there: what is refused without it is refused with it.
    ///
    /// # Errors
    /// When the stand-in is anything but a port of this machine.
    pub fn new(slots: impl IntoIterator<Item = Slot>, stand_in: &str) -> Result<Self, Refused> {
        let port = stand_in.strip_prefix(STAND_IN).and_then(|port| port.parse::<u16>().ok());
        let stand_in = match (stand_in, port) {
            ("", _) => None,
            (_, Some(port)) => Some(format!("127.0.0.1:{port}")),
            (_, None) => return Err(Refused::StandIn),
        };
        Ok(Self { slots: slots.into_iter().take(SLOTS).collect(), stand_in })
    }

    /// The request that asks a question.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn request(&self, lookup: &Lookup) -> Result<Request, Refused> {
        let url = lookup.url();
        let address = Address::parse(&url)?;
        if !self.slots.iter().any(|slot| slot.is_for(address.host)) {
            return Err(Refused::Host(address.host.to_owned()));
        }
        let mut headers = vec![("accept".to_owned(), "application/json, text/plain".to_owned())];
        for (name, slot) in &lookup.service.headers {
            headers.push((name.clone(), self.key(*slot, address.host)?.to_owned()));
        }
        let body = match lookup.service.method {
            Method::Get => String::new(),
            Method::Post => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                serde_json::json!({ "text": lookup.question }).to_string()
            }
        };
        let slash = if address.rest.starts_with('/') { "" } else { "/" };
        Ok(Request {
            is_https: self.stand_in.is_none(),
            authority: self.stand_in.clone().unwrap_or_else(|| address.host.to_owned()),
            path_and_query: format!("{slash}{}", address.rest),
            method: lookup.service.method,
            headers,
            body,
        })
    }

    fn key(&self, number: u8, host: &str) -> Result<&str, Refused> {
        let slot = usize::from(number).checked_sub(1).and_then(|at| self.slots.get(at));
        let Some(slot) = slot.filter(|slot| slot.is_for(host)) else {
            return Err(Refused::Key { slot: number, host: host.to_owned() });
        };
        let is_header = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        match slot.key.trim() {
            key if !key.is_empty() && key.bytes().all(is_header) => Ok(key),
            _ => Err(Refused::NoKey(number)),
        }
    }
}

impl Slot {
    /// An entry that Spin would take and that is no address of ours is for nobody.
    fn is_for(&self, host: &str) -> bool {
        let bare = Address::parse(self.host.trim()).ok().filter(|address| ["", "/"].contains(&address.rest));
        bare.is_some_and(|address| address.host == host)
    }
}
