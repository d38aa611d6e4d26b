//! `spin.toml`, manifest version 2, as far as the host runs it.
//!
//! Whatever is not run is an error that names the key, its line and its column: a manifest never means less here than it
//! would under `spin up`.

mod dependency;
mod file;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{
    outbound::{AllowedHost, is_left_out},
    schedule::CronExpression,
    variables::{Template, TemplateError},
};

pub use dependency::DependencyName;

/// A manifest that passed every check that needs the manifest alone.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The folder of the manifest; every relative path in it starts here.
    pub folder: PathBuf,
    /// `application.name`.
    pub name: String,
    /// `application.version`; empty where it is absent.
    pub version: String,
    /// `[variables]` by name.
    pub variables: BTreeMap<String, Variable>,
    /// `[[trigger.http]]` in the order of the file.
    pub http: Vec<HttpTrigger>,
    /// The ids of the components with a private route, which only other components reach.
    pub private: Vec<String>,
    /// `[[trigger.cron]]` in the order of the file.
    pub cron: Vec<CronTrigger>,
    /// `[component.ID]` by id.
    pub components: BTreeMap<String, Component>,
}

/// One of `[variables]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The value where no source has one; none: the variable is required.
    pub default: Option<String>,
    /// Whether the value must not be shown.
    pub secret: bool,
}

/// One `[[trigger.http]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTrigger {
    /// The route as written.
    pub route: String,
    /// The id of the component that answers.
    pub component: String,
}

/// One `[[trigger.cron]]`.
#[derive(Clone, Debug)]
pub struct CronTrigger {
    /// When.
    pub expression: CronExpression,
    /// The id of the component that runs.
    pub component: String,
}

/// One `[component.ID]`.
#[derive(Clone, Debug)]
pub struct Component {
    /// The `.wasm` file.
    pub source: PathBuf,
    /// For the list of routes; empty where it is absent.
    pub description: String,
    /// The component's own variables by name.
    pub variables: BTreeMap<String, Template>,
    /// Environment variables of the component.
    pub environment: BTreeMap<String, String>,
    /// The labels of the stores it may open.
    pub key_value_stores: Vec<String>,
    /// The hosts it may call, as written.
    pub allowed_outbound_hosts: Vec<Template>,
    /// How to build it; none: it is there already.
    pub build: Option<Build>,
    /// What satisfies the imports that a name is for.
    pub dependencies: BTreeMap<DependencyName, Dependency>,
}

impl Component {
    /// What a component must not have that is another one's dependency, as the manifest names it.
    fn resources(&self) -> Vec<&'static str> {
        let resources = [
            ("allowed_outbound_hosts", self.allowed_outbound_hosts.is_empty()),
            ("dependencies", self.dependencies.is_empty()),
            ("environment", self.environment.is_empty()),
            ("key_value_stores", self.key_value_stores.is_empty()),
            ("variables", self.variables.is_empty()),
        ];
        resources.into_iter().filter(|(_, none)| !none).map(|(name, _)| name).collect()
    }
}

/// `[component.ID.build]`. `watch` is read and ignored, as `spin up` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Shell commands, run one after the other.
    pub commands: Vec<String>,
    /// Where they run.
    pub folder: PathBuf,
}

/// One entry of `[component.ID.dependencies]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Where the component that satisfies the import comes from.
    pub source: DependencySource,
    /// The export to take; none: the one named as the import.
    pub export: Option<String>,
}

/// Where a dependency comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencySource {
    /// Another component of the manifest, by id.
    Component(String),
    /// A `.wasm` file.
    Path(PathBuf),
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file says something that is not run.
    #[error("{path}:{line}:{column}: {message}", path = path.display())]
    Refused {
        /// The manifest.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl Manifest {
    /// Reads and checks the manifest at `path`; a folder stands for the `spin.toml` in it, as in Spin.
    ///
    /// # Errors
    /// When the file cannot be read, or holds what the host does not run.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let path = if path.is_dir() { path.join("spin.toml") } else { path.to_owned() };
        let failed = |source| ManifestError::Read { path: path.clone(), source };
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let absolute = std::path::absolute(&path).map_err(failed)?;
        let folder = absolute.parent().map_or_else(PathBuf::new, Path::to_owned);
        Self::parse(&text, folder).map_err(|refusal| refusal.at(&path, &text))
    }

    fn parse(text: &str, folder: PathBuf) -> Result<Self, Refusal> {
        let file: file::File = toml::from_str(text).map_err(Refusal::from_toml)?;
        let manifest = file.check(folder)?;
        manifest.check_references(text)?;
        Ok(manifest)
    }

    /// Checks what one part of the manifest says of another.
    fn check_references(&self, text: &str) -> Result<(), Refusal> {
        let refuse = |needle: &str, message: String| Err(Refusal { span: find(text, needle), message });
        let http = self.http.iter().map(|trigger| &trigger.component).chain(&self.private);
        for component in http.chain(self.cron.iter().map(|trigger| &trigger.component)) {
            if !self.components.contains_key(component) {
                return refuse(component, format!("there is no component `{component}`"));
            }
        }
        for (id, component) in &self.components {
            let own = component.variables.iter().map(|(name, template)| (format!("variable `{name}`"), template));
            let hosts = component.allowed_outbound_hosts.iter();
            let hosts = hosts.map(|template| ("`allowed_outbound_hosts`".to_owned(), template));
            for (place, template) in own.chain(hosts) {
                if let Some(unknown) = template.names().find(|name| !self.variables.contains_key(*name)) {
                    let message =
                        format!("{place} of component `{id}` uses `{unknown}`, which [variables] does not declare");
                    return refuse(unknown, message);
                }
            }
            for entry in &component.allowed_outbound_hosts {
                self.check_default_host(id, entry).or_else(|message| refuse(entry.as_str(), message))?;
            }
            self.check_dependencies(id, component).or_else(|(name, message)| refuse(&name.to_string(), message))?;
        }
        Ok(())
    }

    fn check_dependencies<'a>(&self, id: &str, component: &'a Component) -> Result<(), (&'a DependencyName, String)> {
        let dependencies = &component.dependencies;
        for (at, (name, dependency)) in dependencies.iter().enumerate() {
            self.check_dependency(id, dependency).map_err(|message| (name, message))?;
            if let Some(other) = dependencies.keys().take(at).find(|other| !name.is_disjoint_from(other)) {
                let message = format!("component `{id}` has invalid dependencies: `{other}` conflicts with `{name}`");
                return Err((name, message));
            }
        }
        Ok(())
    }

    /// As in Spin, an entry whose variables all have defaults must mean something with these, whatever values they get.
    fn check_default_host(&self, id: &str, entry: &Template) -> Result<(), String> {
        let default = |name: &str| Some((name.to_owned(), self.variables.get(name)?.default.clone()?));
        let Some(defaults) = entry.names().map(default).collect::<Option<_>>() else { return Ok(()) };
        let value = entry.fill(&defaults);
        if is_left_out(entry, &value) {
            return Ok(());
        }
        let place = || format!("`{}` in `allowed_outbound_hosts` of component `{id}`", entry.as_str());
        AllowedHost::parse(&value).map(drop).map_err(|reason| format!("{} with default values: {reason}", place()))
    }

    /// Another component may be a dependency if it has nothing of its own: that would not come with it.
    fn check_dependency(&self, id: &str, dependency: &Dependency) -> Result<(), String> {
        let DependencySource::Component(other) = &dependency.source else { return Ok(()) };
        if other == id {
            return Err(format!("component `{id}` depends on itself"));
        }
        let component = self.components.get(other).ok_or_else(|| format!("there is no component `{other}`"))?;
        match component.resources().as_slice() {
            [] => Ok(()),
            resources => Err(format!(
                "component `{other}` cannot be used as a dependency of `{id}` because it specifies: {}",
                resources.join(", ")
            )),
        }
    }
}

/// Where `needle` stands first as a quoted string or key; the start of the file where it is not found.
fn find(text: &str, needle: &str) -> Option<Range<usize>> {
    let at = text.find(&format!("\"{needle}\"")).map(|at| at + 1).or_else(|| text.find(needle))?;
    Some(at..at + needle.len())
}

/// What is wrong and where, before the file's name is known.
#[derive(Debug)]
struct Refusal {
    span: Option<Range<usize>>,
    message: String,
}

impl Refusal {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into() }
    }

    /// The parser's own error; a key that Spin knows and the host does not is said to be that.
    fn from_toml(error: toml::de::Error) -> Self {
        let message = match error.message().split('`').collect::<Vec<_>>().as_slice() {
            ["unknown field ", key, ..] if SPINS_OWN_KEYS.contains(key) => not_yet(key),
            _ => error.message().to_owned(),
        };
        Self { span: error.span(), message }
    }

    fn at(self, path: &Path, text: &str) -> ManifestError {
        let before = text.get(..self.span.map_or(0, |span| span.start)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ManifestError::Refused {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: self.message,
        }
    }
}

/// Keys of Spin's manifest that the host does not run.
const SPINS_OWN_KEYS: &[&str] = &[
    "ai_models",
    "allowed_http_hosts",
    "components",
    "dependencies_inherit_configuration",
    "exclude_files",
    "executor",
    "files",
    "inherit_configuration",
    "mqtt",
    "profile",
    "redis",
    "sqlite_databases",
    "sqs",
    "static_response",
    "targets",
    "tool",
    "trigger",
];

fn not_yet(key: &str) -> String {
    format!("`{key}` is Spin's, but the local host does not support it yet")
}

impl From<(Range<usize>, TemplateError)> for Refusal {
    fn from((span, error): (Range<usize>, TemplateError)) -> Self {
        Self::new(span, error.to_string())
    }
}

#[cfg(test)]
mod tests;
