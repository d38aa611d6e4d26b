//! Which addresses may be called. Spin's own list of hosts stands behind this; but an entry of it that is too wide would open more
//! than the operator meant, private components among it, and a wrong name of one ends the instance. So nothing that could be one
//! leaves here.

/// The longest address in bytes, the question in it included.
pub const ADDRESS_MAX: usize = 2_048;
/// The longest name of a host, and of one of its parts (RFC 1035).
const HOST_MAX: usize = 253;
const LABEL_MAX: usize = 63;
const SCHEME: &str = "https://";
const PORT: &str = ":443";
/// What names end in that is no host of the internet: Spin's components, Spin's own routes, what resolves to this machine or network.
const NOT_PUBLIC: [&str; 6] = ["internal", "alt", "localhost", "local", "arpa", "onion"];

/// Why an address is not called. None of these repeats the address: a fan's words may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Something else, or nothing.
    #[error("the address does not begin with https://")]
    NotHttps,
    /// Over [`ADDRESS_MAX`].
    #[error("the address has more than {ADDRESS_MAX} bytes")]
    TooLong,
    /// Blanks, signs that addresses have percent-encoded, a fragment.
    #[error("the address has a character that must be percent-encoded, or a #")]
    Character,
    /// `https://user@host/`.
    #[error("the address has a user in it")]
    User,
    /// Any but 443.
    #[error("the address has a port")]
    Port,
    /// An IPv4 or IPv6 address, however it is written.
    #[error("the address has a number in the place of a host's name")]
    Number,
    /// No name, or none with a dot, or not in small ASCII letters.
    #[error("the address has no host's name of small letters with a dot in it")]
    Name,
    /// A name that is not of the internet.
    #[error("the address has a name that is not of the internet")]
    NotPublic,
}

/// An address that may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The host's name.
    pub host: &'a str,
    /// Path and query; empty, or beginning with `/` or `?`.
    pub rest: &'a str,
}

impl<'a> Address<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// [`AddressError`]
    pub fn parse(address: &'a str) -> Result<Self, AddressError> {
        let behind = address.strip_prefix(SCHEME).ok_or(AddressError::NotHttps)?;
        if address.len() > ADDRESS_MAX {
            return Err(AddressError::TooLong);
        }
        // What RFC 3986 does not let stand, and `\`, which some readers take for `/`.
        let stands = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte);
        if !behind.bytes().all(stands) {
            return Err(AddressError::Character);
        }
        let (authority, rest) = behind.split_at(behind.find(['/', '?']).unwrap_or(behind.len()));
        if authority.contains('@') {
            return Err(AddressError::User);
        }
        if authority.starts_with('[') {
            return Err(AddressError::Number);
        }
        let host = authority.strip_suffix(PORT).unwrap_or(authority);
        if host.contains(':') {
            return Err(AddressError::Port);
        }
        check_name(host)?;
        Ok(Self { host, rest })
    }
}

fn check_name(host: &str) -> Result<(), AddressError> {
    let labels = || host.split('.');
    let last = labels().next_back().unwrap_or_default();
    // As browsers read it: what ends in a number is an IPv4 address, `127.1` and `0x7f000001` too.
    let hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !last.is_empty() && (last.bytes().all(|byte| byte.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(hex))
    {
        return Err(AddressError::Number);
    }
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(letter);
    if host.len() > HOST_MAX || labels().count() < 2 || !labels().all(is_label) {
        return Err(AddressError::Name);
    }
    if NOT_PUBLIC.contains(&last) { Err(AddressError::NotPublic) } else { Ok(()) }
}
