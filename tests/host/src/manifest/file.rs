//! The shape of the file, and the step from it to [`Manifest`](super::Manifest).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{
    Build, Component, CronTrigger, Dependency, DependencyName, DependencySource, HttpTrigger, Manifest, Refusal,
    Variable, dependency::check_kebab, not_yet,
};
use crate::{
    outbound::AllowedHost,
    schedule::CronExpression,
    variables::{Template, check_declared_name},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    spin_manifest_version: Spanned<i64>,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, Spanned<FileVariable>>,
    trigger: Triggers,
    #[serde(default)]
    component: BTreeMap<Spanned<String>, FileComponent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileVariable {
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    required: bool,
    default: Option<String>,
    #[serde(default)]
    secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<FileHttpTrigger>,
    #[serde(default)]
    cron: Vec<FileCronTrigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileHttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    route: Spanned<Value>,
    component: Spanned<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCronTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    cron_expression: Spanned<String>,
    component: Spanned<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileComponent {
    source: Spanned<Value>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<Spanned<String>>,
    build: Option<FileBuild>,
    #[serde(default)]
    dependencies: BTreeMap<Spanned<String>, Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBuild {
    command: Spanned<Value>,
    workdir: Option<PathBuf>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

impl File {
    pub(super) fn check(self, folder: PathBuf) -> Result<Manifest, Refusal> {
        if *self.spin_manifest_version.get_ref() != 2 {
            return Err(Refusal::new(
                self.spin_manifest_version.span(),
                "only `spin_manifest_version = 2` is supported",
            ));
        }
        let variables = self.variables.into_iter().map(|(name, variable)| variable.into_inner().check(name));
        let components = self.component.into_iter().map(|(id, component)| {
            check_kebab(id.get_ref()).map_err(|message| Refusal::new(id.span(), format!("component id {message}")))?;
            Ok((id.into_inner(), component.check(&folder)?))
        });
        let (mut http, mut private) = (Vec::new(), Vec::new());
        for trigger in self.trigger.http {
            match trigger.check()? {
                Ok(routed) => http.push(routed),
                Err(component) => private.push(component),
            }
        }
        Ok(Manifest {
            name: self.application.name,
            version: self.application.version,
            variables: variables.collect::<Result<_, _>>()?,
            http,
            private,
            cron: self.trigger.cron.into_iter().map(FileCronTrigger::check).collect::<Result<_, _>>()?,
            components: components.collect::<Result<_, Refusal>>()?,
            folder,
        })
    }
}

impl FileVariable {
    fn check(self, name: Spanned<String>) -> Result<(String, Variable), Refusal> {
        let span = name.span();
        check_declared_name(name.get_ref()).map_err(|message| Refusal::new(span.clone(), message))?;
        let name = name.into_inner();
        match (self.required, self.default) {
            (true, Some(_)) => {
                Err(Refusal::new(span, format!("variable `{name}` is required and has a default: drop one")))
            }
            (false, None) => {
                Err(Refusal::new(span, format!("variable `{name}` needs `required = true` or a `default`")))
            }
            (_, default) => Ok((name, Variable { default, secret: self.secret })),
        }
    }
}

impl FileHttpTrigger {
    /// The trigger, or the component of a private route.
    fn check(self) -> Result<Result<HttpTrigger, String>, Refusal> {
        let span = self.route.span();
        let component = check_component(self.component)?;
        match self.route.into_inner() {
            Value::String(route) => Ok(Ok(HttpTrigger { route, component })),
            Value::Table(table) if table.len() == 1 && table.get("private") == Some(&Value::Boolean(true)) => {
                Ok(Err(component))
            }
            _ => Err(Refusal::new(span, "`route` must be a string or { private = true }")),
        }
    }
}

impl FileCronTrigger {
    fn check(self) -> Result<CronTrigger, Refusal> {
        let span = self.cron_expression.span();
        let expression = self.cron_expression.into_inner().parse::<CronExpression>();
        let expression = expression.map_err(|error| Refusal::new(span, error.to_string()))?;
        Ok(CronTrigger { expression, component: check_component(self.component)? })
    }
}

/// The component that a trigger names.
fn check_component(component: Spanned<Value>) -> Result<String, Refusal> {
    let span = component.span();
    match component.into_inner() {
        Value::String(component) => Ok(component),
        _ => Err(Refusal::new(span, "a component written into its trigger is not supported: give it a [component.ID]")),
    }
}

impl FileComponent {
    fn check(self, folder: &Path) -> Result<Component, Refusal> {
        let span = self.source.span();
        let Value::String(source) = self.source.into_inner() else {
            return Err(Refusal::new(span, "only a local file is supported as `source`"));
        };
        let variables = self.variables.into_iter().map(|(name, template)| {
            check_declared_name(name.get_ref()).map_err(|message| Refusal::new(name.span(), message))?;
            let span = template.span();
            Ok((name.into_inner(), Template::parse(template.get_ref()).map_err(|error| (span, error))?))
        });
        let hosts = self.allowed_outbound_hosts.into_iter().map(check_allowed_host);
        let dependencies = self.dependencies.into_iter().map(|(name, value)| check_dependency(name, value, folder));
        Ok(Component {
            source: folder.join(source),
            description: self.description,
            variables: variables.collect::<Result<_, Refusal>>()?,
            environment: self.environment,
            key_value_stores: self.key_value_stores,
            allowed_outbound_hosts: hosts.collect::<Result<_, _>>()?,
            build: self.build.map(|build| build.check(folder)).transpose()?,
            dependencies: dependencies.collect::<Result<_, _>>()?,
        })
    }
}

/// An entry with variables is checked again when they have values.
fn check_allowed_host(entry: Spanned<String>) -> Result<Template, Refusal> {
    let span = entry.span();
    let entry = Template::parse(entry.get_ref()).map_err(|error| (span.clone(), error))?;
    if entry.names().next().is_none() {
        let refuse = |reason| Refusal::new(span, format!("`{}` in `allowed_outbound_hosts`: {reason}", entry.as_str()));
        AllowedHost::parse(entry.as_str()).map_err(refuse)?;
    }
    Ok(entry)
}

impl FileBuild {
    fn check(self, folder: &Path) -> Result<Build, Refusal> {
        let span = self.command.span();
        let refuse = || Refusal::new(span.clone(), "`command` must be a string or a list of strings");
        let commands = match self.command.into_inner() {
            Value::String(command) => vec![command],
            Value::Array(commands) => {
                let text = |value: Value| value.as_str().map(str::to_owned).ok_or_else(refuse);
                commands.into_iter().map(text).collect::<Result<_, _>>()?
            }
            _ => return Err(refuse()),
        };
        Ok(Build { commands, folder: self.workdir.map_or_else(|| folder.to_owned(), |workdir| folder.join(workdir)) })
    }
}

fn check_dependency(
    name: Spanned<String>,
    value: Spanned<Value>,
    folder: &Path,
) -> Result<(DependencyName, Dependency), Refusal> {
    let refuse = |message: String| Err(Refusal::new(value.span(), message));
    let name: DependencyName = name.get_ref().parse().map_err(|message: String| Refusal::new(name.span(), message))?;
    let Value::Table(table) = value.get_ref() else {
        return refuse(
            "a dependency from a registry is not supported: use { component = \"…\" } or { path = \"…\" }".into(),
        );
    };
    let mut export = None;
    let mut sources = Vec::new();
    for (key, value) in table {
        match (key.as_str(), value.as_str()) {
            ("component", Some(id)) => sources.push(DependencySource::Component(id.to_owned())),
            ("path", Some(path)) => sources.push(DependencySource::Path(folder.join(path))),
            ("export", Some(name)) => export = Some(name.to_owned()),
            ("component" | "path" | "export", None) => return refuse(format!("`{key}` must be a string")),
            ("version" | "registry" | "package" | "url" | "digest" | "inherit_configuration", _) => {
                return refuse(not_yet(key));
            }
            _ => return refuse(format!("unknown key `{key}`")),
        }
    }
    if export.is_some() && matches!(name, DependencyName::Package { interface: None, .. }) {
        return refuse(format!("using an export to satisfy the package dependency `{name}` is not permitted"));
    }
    match (sources.pop(), sources.is_empty()) {
        (Some(source), true) => Ok((name, Dependency { source, export })),
        _ => refuse("a dependency needs `component` or `path`, and only one of them".into()),
    }
}
