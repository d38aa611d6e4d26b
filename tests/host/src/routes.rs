//! Paths to components, by the crate that Spin routes with: exact before parameter before wildcard, the longest first.

use std::{collections::BTreeMap, net::SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::manifest::HttpTrigger;

/// What Spin answers itself.
pub(crate) const WELL_KNOWN: &str = "/.well-known/spin/";

/// Why routes are refused.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// Spin would drop one of them and go on.
    #[error("the routes `{first}` and `{second}` match the same paths")]
    Duplicate {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// Not a route.
    #[error("the route `{route}`: {message}")]
    Malformed {
        /// As written.
        route: String,
        /// What is wrong with it.
        message: String,
    },
}

/// All routes of an application.
pub(crate) struct Routes {
    router: routefinder::Router<HttpTrigger>,
}

/// The component for a path, with the request headers that Spin adds.
pub(crate) struct Found<'a> {
    pub(crate) component: &'a str,
    route: &'a str,
    path_info: String,
    parameters: Vec<(String, String)>,
}

impl Routes {
    pub(crate) fn new(triggers: &[HttpTrigger]) -> Result<Self, RouteError> {
        let mut router = routefinder::Router::new();
        let mut shapes = BTreeMap::new();
        for trigger in triggers {
            check(&trigger.route)?;
            if let Some(first) = shapes.insert(shape(&trigger.route), trigger.route.clone()) {
                return Err(RouteError::Duplicate { first, second: trigger.route.clone() });
            }
            let pattern = trigger.route.strip_suffix('/').unwrap_or(&trigger.route);
            let pattern =
                pattern.strip_suffix("/...").map_or_else(|| pattern.to_owned(), |prefix| format!("{prefix}/*"));
            let failed = |message: String| RouteError::Malformed { route: trigger.route.clone(), message };
            router.add(pattern, trigger.clone()).map_err(failed)?;
        }
        Ok(Self { router })
    }

    /// The best route for a path; none is a 404.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        let found = self.router.best_match(path)?;
        let captures = found.captures();
        let trigger = found.handler();
        Some(Found {
            component: &trigger.component,
            route: &trigger.route,
            path_info: captures.wildcard().map(|rest| path_info(rest, path)).unwrap_or_default(),
            parameters: captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }

    /// Route and component, most specific first, as `spin up` lists them.
    pub(crate) fn list(&self) -> impl Iterator<Item = &HttpTrigger> {
        self.router.iter().map(|(_, trigger)| trigger)
    }
}

/// `/a/...` called as `/a/b/`: `/b/`. The crate drops the slashes; Spin puts them back.
fn path_info(rest: &str, path: &str) -> String {
    let start = if rest.is_empty() { "" } else { "/" };
    let end = if path.ends_with('/') { "/" } else { "" };
    format!("{start}{rest}{end}")
}

fn check(route: &str) -> Result<(), RouteError> {
    let refuse = |message: &str| Err(RouteError::Malformed { route: route.to_owned(), message: message.to_owned() });
    if !route.starts_with('/') {
        return refuse("it must begin with a slash");
    }
    if route.starts_with(WELL_KNOWN) {
        return refuse("Spin answers these paths itself");
    }
    let prefix = route.strip_suffix("/...").unwrap_or(route);
    if prefix.contains("...") || prefix.contains('*') {
        return refuse("a wildcard is `/...`, and comes last");
    }
    Ok(())
}

/// The route with its parameters' names left out: equal ones match the same paths.
fn shape(route: &str) -> String {
    let route = route.strip_suffix('/').unwrap_or(route);
    let segment = |segment: &str| if segment.starts_with(':') { ":".to_owned() } else { segment.to_owned() };
    route.split('/').map(segment).collect::<Vec<_>>().join("/")
}

impl<'a> Found<'a> {
    /// What a component that another one calls is told: as if all paths were its own.
    pub(crate) fn chained(path: &'a str) -> Self {
        Self { component: "", route: "/...", path_info: path.to_owned(), parameters: Vec::new() }
    }
}

impl Found<'_> {
    /// Adds the headers by which a component learns how it was called. As in Spin they come after a client's own of the
    /// same name, which is what a component finds first: they prove nothing.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, path_and_query: &str, client: SocketAddr) {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
        let route = self.route;
        let prefix = route.strip_suffix("/...").unwrap_or(route);
        let based = route.strip_suffix('/').unwrap_or(route);
        let mut add = |name: &str, value: &str| {
            // Parts of a URI and of routes are fit for headers; what is not is left out rather than fail the request.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
                headers.append(name, value);
            }
        };
        add("spin-path-info", &self.path_info);
        add("spin-full-url", &format!("http://{host}{path_and_query}"));
        add("spin-matched-route", based);
        add("spin-base-path", "/");
        add("spin-raw-component-route", route);
        add("spin-component-route", prefix);
        add("spin-client-addr", &client.to_string());
        for (name, value) in &self.parameters {
            add(&format!("spin-path-match-{}", name.to_ascii_lowercase().replace('_', "-")), value);
        }
    }
}

#[cfg(test)]
mod tests;
