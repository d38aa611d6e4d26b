//! Application variables: where values come from, the templates that hand them to components, and who gets what.
//!
//! Precedence is Spin's: `--variable`, then the environment (`SPIN_VARIABLE_<NAME>`), then the `.env` file beside the
//! manifest, then the default: whoever starts the host may give one, which goes before the manifest's. Everything is
//! resolved once, at start.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{host::Options, manifest::Manifest};

/// The prefix of the environment variables that carry values.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// Why the variables cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum VariablesError {
    /// Required ones without a value, all at once.
    #[error("no value for the required variable(s) {}: set {} or pass --variable NAME=VALUE", .0.join(", "), environment_names(.0))]
    Missing(Vec<String>),
    /// A flag names what the manifest does not declare.
    #[error("--variable {0}: [variables] does not declare it")]
    Undeclared(String),
    /// The `.env` file is malformed.
    #[error("{path}: {message}", path = path.display())]
    DotEnv {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// An environment variable that is not text.
    #[error("the environment variable {0} is not UTF-8")]
    NotText(String),
}

fn environment_names(names: &[String]) -> String {
    names.iter().map(|name| environment_name(name)).collect::<Vec<_>>().join(", ")
}

fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

/// Spin's rule for names: lower case letters, digits and single underscores, from a letter to a letter or digit.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fine = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.bytes().all(allowed);
    if fine { Ok(()) } else { Err(format!("variable name `{name}` is not in snake_case")) }
}

/// Spin's narrower rule for the names of a manifest: every word begins with a letter.
pub(crate) fn check_declared_name(name: &str) -> Result<(), String> {
    check_name(name)?;
    if name.split('_').all(|word| word.starts_with(|first: char| first.is_ascii_lowercase())) {
        return Ok(());
    }
    Err(format!("variable name `{name}`: every word must begin with a letter"))
}

/// Text with `{{ name }}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// Why a template is refused.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("unmatched {{{{ in a template")]
    Unmatched,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When braces are not closed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or(TemplateError::Unmatched)?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Name(name.trim().to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The application variables it uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every name replaced; a name without a value, which the manifest's check rules out, becomes nothing.
    pub(crate) fn fill(&self, values: &BTreeMap<String, String>) -> String {
        fn text<'a>(part: &'a Part, values: &'a BTreeMap<String, String>) -> &'a str {
            match part {
                Part::Text(text) => text,
                Part::Name(name) => values.get(name).map_or("", String::as_str),
            }
        }
        self.parts.iter().map(|part| text(part, values)).collect()
    }
}

/// The values of one start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    /// Of the application, by name.
    values: BTreeMap<String, String>,
    /// Of each component, its own by name.
    by_component: BTreeMap<String, BTreeMap<String, String>>,
}

impl Resolved {
    /// Takes each variable of `manifest` from its first source.
    pub(crate) fn resolve(manifest: &Manifest, options: &Options) -> Result<Self, VariablesError> {
        let (flags, inherit) = (&options.variables, options.inherit_variables);
        if let Some(undeclared) = flags.keys().find(|name| !manifest.variables.contains_key(*name)) {
            return Err(VariablesError::Undeclared(undeclared.clone()));
        }
        let file = if inherit { read_dot_env(&manifest.folder.join(".env"))? } else { BTreeMap::new() };
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            let value = match flags.get(name) {
                Some(value) => Some(value.clone()),
                None if inherit => from_environment(name)?.or_else(|| file.get(&environment_name(name)).cloned()),
                None => None,
            };
            let default = || options.defaults.get(name).or(variable.default.as_ref()).cloned();
            match value.or_else(default) {
                Some(value) => _ = values.insert(name.clone(), value),
                None => missing.push(name.clone()),
            }
        }
        if !missing.is_empty() {
            return Err(VariablesError::Missing(missing));
        }
        let of = |templates: &BTreeMap<String, Template>| {
            templates.iter().map(|(name, template)| (name.clone(), template.fill(&values))).collect()
        };
        let by_component = manifest.components.iter().map(|(id, component)| (id.clone(), of(&component.variables)));
        Ok(Self { by_component: by_component.collect(), values })
    }

    /// Of the application, by name.
    pub(crate) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The text of a template of the manifest.
    pub(crate) fn fill(&self, template: &Template) -> String {
        template.fill(&self.values)
    }

    /// The variables of one component.
    pub(crate) fn of(&self, component: &str) -> BTreeMap<String, String> {
        self.by_component.get(component).cloned().unwrap_or_default()
    }
}

fn from_environment(name: &str) -> Result<Option<String>, VariablesError> {
    let name = environment_name(name);
    match std::env::var(&name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(VariablesError::NotText(name)),
    }
}

/// The pairs of the file; none where there is no file.
fn read_dot_env(path: &Path) -> Result<BTreeMap<String, String>, VariablesError> {
    let failed = |error: dotenvy::Error| VariablesError::DotEnv { path: path.to_owned(), message: error.to_string() };
    match dotenvy::from_path_iter(path) {
        Ok(pairs) => pairs.collect::<Result<_, _>>().map_err(failed),
        Err(error) if error.not_found() => Ok(BTreeMap::new()),
        Err(error) => Err(failed(error)),
    }
}
