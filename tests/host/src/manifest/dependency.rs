//! The names of `[component.ID.dependencies]`, and which imports they are for: Spin's rules.

use std::{fmt, str::FromStr};

use semver::Version;

/// The name of a dependency. Their order is the one that Spin goes through them in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyName {
    /// `foo-bar`: for the import of just that name.
    Plain(String),
    /// `foo:bar`, `foo:bar@0.1.0`, `foo:bar/baz` or `foo:bar/baz@0.1.0`: for every import of the package that has this
    /// version and this interface, where one is given.
    Package {
        /// `foo:bar`. Spin composes no two dependencies that have the same.
        package: String,
        /// `0.1.0`.
        version: Option<Version>,
        /// `baz`.
        interface: Option<String>,
    },
}

impl DependencyName {
    /// What stands for it in the graph of components: neither interface nor version.
    pub(crate) fn registered_as(&self) -> &str {
        match self {
            Self::Plain(name) => name,
            Self::Package { package, .. } => package,
        }
    }

    /// Whether it is for this import of the component.
    pub(crate) fn matches(&self, import: &str) -> Result<bool, String> {
        if !import.contains([':', '/']) {
            check_kebab(import)?;
            return Ok(matches!(self, Self::Plain(name) if name == import));
        }
        let (package, rest) = import.split_once('/').ok_or_else(|| format!("invalid import name: {import}"))?;
        let (interface, version) = match rest.split_once('@') {
            Some((interface, version)) => (interface, Some(parse_version(version)?)),
            None => (rest, None),
        };
        Ok(match self {
            Self::Plain(_) => false,
            Self::Package { package: own, version: own_version, interface: own_interface } => {
                own == package
                    && own_interface.as_ref().is_none_or(|own| own == interface)
                    && own_version.as_ref().is_none_or(|own| Some(own) == version.as_ref())
            }
        })
    }

    /// Whether Spin takes both of them for one component, before it composes: of one package, they differ in their
    /// interface, or in more of their version than is compatible.
    pub(crate) fn is_disjoint_from(&self, other: &Self) -> bool {
        let (
            Self::Package { package, version, interface },
            Self::Package { package: other_package, version: other_version, interface: other_interface },
        ) = (self, other)
        else {
            return true;
        };
        let versions = version.as_ref().zip(other_version.as_ref());
        let interfaces = interface.as_ref().zip(other_interface.as_ref());
        package != other_package
            || versions.is_some_and(|(one, other)| compatible(one) != compatible(other))
            || interfaces.is_some_and(|(one, other)| one != other)
    }
}

/// What all versions that are compatible with this one have in common.
fn compatible(version: &Version) -> Version {
    let mut common = Version { build: semver::BuildMetadata::EMPTY, ..version.clone() };
    if common.pre.is_empty() {
        if common.major > 0 {
            (common.minor, common.patch) = (0, 0);
        } else if common.minor > 0 {
            common.patch = 0;
        }
    }
    common
}

impl FromStr for DependencyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains([':', '/']) {
            check_kebab(text)?;
            return Ok(Self::Plain(text.to_owned()));
        }
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(parse_version(version)?)),
            None => (text, None),
        };
        let (package, interface) = match name.split_once('/') {
            Some((package, interface)) => (package, Some(interface)),
            None => (name, None),
        };
        let (namespace, package_name) =
            package.split_once(':').ok_or_else(|| format!("`{package}` is no package: write namespace:name"))?;
        [namespace, package_name].into_iter().chain(interface).try_for_each(check_kebab)?;
        Ok(Self::Package { package: package.to_owned(), version, interface: interface.map(str::to_owned) })
    }
}

fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|error| format!("`{text}` is no version: {error}"))
}

/// Words of lower case letters and digits, from a letter on, joined by single hyphens. Spin also takes words of upper case
/// letters.
pub(super) fn check_kebab(text: &str) -> Result<(), String> {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if text.split('-').all(word) { Ok(()) } else { Err(format!("`{text}` is not in kebab-case")) }
}

impl fmt::Display for DependencyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => formatter.write_str(name),
            Self::Package { package, version, interface } => {
                formatter.write_str(package)?;
                interface.iter().try_for_each(|interface| write!(formatter, "/{interface}"))?;
                version.iter().try_for_each(|version| write!(formatter, "@{version}"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
