//! `--runtime-config-file`, as far as a local run needs it: where the store and the state are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use crate::store::{Location, RedisUrl};

/// Spin's name for the file of its embedded store.
const DATABASE: &str = "sqlite_key_value.db";

/// Why the runtime configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file says something that is not run.
    #[error("{path}: {message}", path = path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        message: String,
    },
}

/// `--state-dir`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StateDir {
    /// `.spin` beside the manifest.
    #[default]
    Default,
    /// `--state-dir ""`: the store is in memory, and there are no log files.
    None,
    /// Here.
    Path(PathBuf),
}

impl StateDir {
    /// What the text of the flag, or of `state_dir` in the file, means.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if text.is_empty() { Self::None } else { Self::Path(PathBuf::from(text)) }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    state_dir: Option<String>,
    #[serde(default)]
    key_value_store: BTreeMap<String, Spanned<KeyValueStore>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyValueStore {
    r#type: String,
    path: Option<PathBuf>,
    url: Option<String>,
}

impl KeyValueStore {
    /// Where it is; a relative path starts at `folder`, or the reason why it is not run.
    fn location(&self, folder: &Path) -> Result<Location, String> {
        match (self.r#type.as_str(), &self.path, &self.url) {
            ("spin", Some(path), None) => Ok(Location::File(folder.join(path))),
            ("spin", None, None) => Err("`path` is missing".to_owned()),
            ("redis", None, Some(url)) => match url.parse::<RedisUrl>() {
                Ok(url) => Ok(Location::Redis(url)),
                Err(error) => Err(format!("`url`: {error}")),
            },
            ("redis", None, None) => Err("`url` is missing".to_owned()),
            ("spin", _, _) => Err("`url` is of the type `redis`".to_owned()),
            ("redis", _, _) => Err("`path` is of the type `spin`".to_owned()),
            (other, _, _) => Err(format!("type `{other}` is not supported, only `spin` and `redis`")),
        }
    }
}

/// Where everything that outlives a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) store: Location,
    pub(crate) logs: Option<PathBuf>,
}

impl Places {
    /// From the manifest's folder, the flags and the file; a flag beats the file.
    pub(crate) fn new(folder: &Path, flag: &StateDir, config: Option<&Path>) -> Result<Self, RuntimeConfigError> {
        let (file, configured) = config.map(read).transpose()?.unwrap_or_default();
        let state_dir = match (flag, file.state_dir) {
            (StateDir::Default, Some(text)) => StateDir::from_text(&text),
            (flag, _) => flag.clone(),
        };
        let state = match state_dir {
            StateDir::Default => Some(folder.join(".spin")),
            StateDir::None => None,
            StateDir::Path(path) => Some(path),
        };
        let usual = || state.as_ref().map_or(Location::Memory, |state| Location::File(state.join(DATABASE)));
        Ok(Self { store: configured.unwrap_or_else(usual), logs: state.map(|state| state.join("logs")) })
    }
}

/// The file, and the store that it names. A relative path in the file starts at the file, as in Spin.
fn read(path: &Path) -> Result<(File, Option<Location>), RuntimeConfigError> {
    let failed = |source| RuntimeConfigError::Read { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let refused = |message: String| RuntimeConfigError::Refused { path: path.to_owned(), message };
    let file: File = toml::from_str(&text).map_err(|error| refused(error.to_string().trim_end().to_owned()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut location = None;
    for (label, store) in &file.key_value_store {
        let line = text.get(..store.span().start).unwrap_or_default().matches('\n').count() + 1;
        let refused = |message| refused(format!("line {line}: key_value_store.{label}: {message}"));
        if label != "default" {
            return Err(refused("only the label `default` is supported".to_owned()));
        }
        location = Some(store.get_ref().location(folder).map_err(refused)?);
    }
    Ok((file, location))
}

#[cfg(test)]
mod tests;
