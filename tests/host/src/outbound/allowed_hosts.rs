//! `allowed_outbound_hosts`: Spin's syntax and Spin's matching.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use http::Uri;
use url::Host;

use crate::{
    manifest::Manifest,
    variables::{Resolved, Template},
};

/// Where Spin sends requests of an application to itself.
const SELF: &str = "self.alt";

/// One entry with its variables filled in: `scheme://host[:port]`.
///
/// `*` stands for any scheme, any host or any port, `*.example.com` for every host below `example.com` (not for itself),
/// `8000..8010` for the ports 8000 to 8009. Without a port it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    text: String,
    /// None: any.
    scheme: Option<String>,
    host: HostPattern,
    ports: RangeInclusive<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// Whatever ends with this; it begins with a dot.
    Below(String),
    Exactly(Host),
}

/// Why an entry is refused. It does not repeat the entry, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedHostError {
    /// No `://`.
    #[error("it has no scheme: write scheme://host[:port], where `*` stands for any scheme, host or port")]
    NoScheme,
    /// A list of schemes, for instance.
    #[error("its scheme may have letters only, or be `*`")]
    Scheme,
    /// Anything after the first slash.
    #[error("it has a path: only whole hosts can be allowed")]
    Path,
    /// A star in the middle.
    #[error("in a host, `*` may only stand alone or begin it, as in `*.example.com`")]
    Wildcard,
    /// Not a name, not an address.
    #[error("its host is neither a name nor an address")]
    Host,
    /// A scheme such as `*` or `tcp`.
    #[error("it needs a port, because its scheme has none of its own")]
    NoPort,
    /// Not a port.
    #[error("its port is not a number up to 65535, a range such as `8000..8010`, or `*`")]
    Port,
    /// Spin's own, not run here.
    #[error("requests to the application's own public routes: the local host does not support them yet")]
    Internal,
    /// Spin's own, not run here.
    #[error("a whole network of addresses: the local host does not support it yet")]
    Network,
}

impl AllowedHost {
    /// Reads an entry without variables.
    ///
    /// # Errors
    /// When Spin would refuse it, or does something with it that the host does not.
    pub fn parse(text: &str) -> Result<Self, AllowedHostError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(AllowedHostError::NoScheme)?;
        let (host, rest) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !path.is_empty() {
            return Err(AllowedHostError::Path);
        }
        let ports = parse_ports(port, scheme)?;
        let scheme = match scheme {
            "*" => None,
            scheme if scheme.chars().all(char::is_alphabetic) => Some(scheme.to_owned()),
            _ => return Err(AllowedHostError::Scheme),
        };
        Ok(Self { text: text.to_owned(), scheme, host: HostPattern::parse(host.trim())?, ports })
    }

    fn allows(&self, destination: &Destination) -> bool {
        self.scheme.as_ref().is_none_or(|scheme| *scheme == destination.scheme)
            && self.host.allows(&destination.host)
            && self.ports.contains(&destination.port)
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self, AllowedHostError> {
        let bare = host.strip_suffix('/').unwrap_or(host);
        if host == "*" {
            return Ok(Self::Any);
        }
        if host == "self" || bare == SELF {
            return Err(AllowedHostError::Internal);
        }
        if let Some((address, length)) = bare.split_once('/') {
            let is_network = address.parse::<std::net::IpAddr>().is_ok() && length.parse::<u8>().is_ok();
            return Err(if is_network { AllowedHostError::Network } else { AllowedHostError::Path });
        }
        match bare.strip_prefix("*.") {
            Some(domain) if !domain.contains('*') => match Host::parse(domain) {
                Ok(Host::Domain(domain)) => Ok(Self::Below(format!(".{domain}"))),
                _ => Err(AllowedHostError::Host),
            },
            None if !bare.contains('*') => Host::parse(bare).map(Self::Exactly).map_err(|_| AllowedHostError::Host),
            _ => Err(AllowedHostError::Wildcard),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(end), Host::Domain(name)) => name.ends_with(end),
            (Self::Below(_), _) => false,
            (Self::Exactly(allowed), host) => allowed == host,
        }
    }
}

/// `8000..8010` leaves its end out, as in Spin; a range of nothing is an error here.
fn parse_ports(port: &str, scheme: &str) -> Result<RangeInclusive<u16>, AllowedHostError> {
    let number = |text: &str| text.parse::<u16>().map_err(|_| AllowedHostError::Port);
    if port.is_empty() {
        return usual_port(scheme).map(|port| port..=port).ok_or(AllowedHostError::NoPort);
    }
    if port == "*" {
        return Ok(0..=u16::MAX);
    }
    match port.split_once("..") {
        None => number(port).map(|port| port..=port),
        Some((start, end)) => {
            let (start, end) = (number(start)?, number(end)?);
            if start < end { Ok(start..=end - 1) } else { Err(AllowedHostError::Port) }
        }
    }
}

/// The ports that Spin knows.
fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "mqtt" => Some(1883),
        "mysql" => Some(3306),
        "postgres" => Some(5432),
        "redis" => Some(6379),
        _ => None,
    }
}

/// Whom a request goes to: checked, and connected to, by the same reading of its URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    scheme: String,
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Destination {
    /// None where the URI does not say it, or the host is nothing that a name server could be asked for.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_owned();
        let host = uri.host()?;
        // `Uri::port` is none also where something stands that is no port.
        let port = match uri.authority()?.as_str().rsplit('@').next()?.strip_prefix(host)? {
            "" => usual_port(&scheme)?,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        Some(Self { scheme, host: Host::parse(host).ok()?, port })
    }

    /// Whether Spin would send it to the application's own public routes.
    pub(super) fn is_self(&self) -> bool {
        matches!(&self.host, Host::Domain(name) if name == SELF)
    }

    pub(super) fn allowed_by(&self, hosts: &[AllowedHost]) -> bool {
        hosts.iter().any(|allowed| allowed.allows(self))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.host)?;
        match usual_port(&self.scheme) {
            Some(port) if port == self.port => Ok(()),
            _ => write!(formatter, ":{}", self.port),
        }
    }
}

/// An entry that its variables made wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`allowed_outbound_hosts` of component `{component}`: `{entry}`{}: {reason}", shown(.value))]
pub struct AllowedHostsError {
    /// The component.
    pub component: String,
    /// As it stands in the manifest.
    pub entry: String,
    /// What the variables make of it; none where one of them is secret.
    pub value: Option<String>,
    /// What is wrong with that.
    pub reason: AllowedHostError,
}

fn shown(value: &Option<String>) -> String {
    value.as_ref().map_or_else(String::new, |value| format!(" is `{value}`"))
}

/// Whether an entry means nobody because its variables are empty: `{{ url }}`, `https://{{ host }}`.
pub(crate) fn is_left_out(entry: &Template, value: &str) -> bool {
    entry.names().next().is_some() && ["", "http://", "https://"].contains(&value)
}

/// Of each component of `manifest`, whom it may reach.
pub(crate) fn resolve(
    manifest: &Manifest,
    variables: &Resolved,
) -> Result<BTreeMap<String, Vec<AllowedHost>>, AllowedHostsError> {
    let mut resolved = BTreeMap::new();
    for (id, component) in &manifest.components {
        let mut hosts = Vec::new();
        for entry in &component.allowed_outbound_hosts {
            let value = variables.fill(entry);
            if is_left_out(entry, &value) {
                continue;
            }
            let is_secret = |name| manifest.variables.get(name).is_some_and(|variable| variable.secret);
            let refuse = |reason| AllowedHostsError {
                component: id.clone(),
                entry: entry.as_str().to_owned(),
                value: (!entry.names().any(is_secret)).then(|| value.clone()),
                reason,
            };
            hosts.push(AllowedHost::parse(&value).map_err(refuse)?);
        }
        resolved.insert(id.clone(), hosts);
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
