//! Typed dependencies: the exports of one component become the imports of another when it is loaded, as Spin composes
//! them. A dependency inherits no configuration. Spin lets its calls fail at run time; here one that imports a store,
//! the network, variables or files is refused at load.

use std::path::{Path, PathBuf};

use wac_graph::types::{Package, SubtypeChecker, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::manifest::{Component, Dependency, DependencySource, Manifest};

/// What a dependency may import: what Rust's std brings, and clocks.
const ALLOWED_IMPORTS: &[&str] = &["wasi:cli/", "wasi:clocks/", "wasi:io/", "wasi:random/"];

/// Why a component is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The `.wasm` file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a component.
    #[error("`{name}` is not a WebAssembly component: {message}")]
    Malformed {
        /// The component or dependency.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// Declared, but for nothing.
    #[error("component `{component}` does not import its dependency `{import}`; it imports {}", .imports.join(", "))]
    NotImported {
        /// The component.
        component: String,
        /// The dependency's name.
        import: String,
        /// What it does import.
        imports: Vec<String>,
    },
    /// The other side of it.
    #[error("the dependency `{import}` of component `{component}` does not export `{export}`; it exports {}", .exports.join(", "))]
    NotExported {
        /// The component.
        component: String,
        /// The dependency's name.
        import: String,
        /// What is looked for.
        export: String,
        /// What it does export.
        exports: Vec<String>,
    },
    /// Same name, different types.
    #[error("the dependency `{import}` of component `{component}` does not fit the import: {message}")]
    Mismatch {
        /// The component.
        component: String,
        /// The dependency's name.
        import: String,
        /// Where they differ.
        message: String,
    },
    /// A dependency that wants more than it gets.
    #[error(
        "the dependency `{import}` of component `{component}` imports `{wanted}`, but a dependency inherits no configuration: \
         no stores, no network, no variables, no files"
    )]
    Configuration {
        /// The component.
        component: String,
        /// The dependency's name.
        import: String,
        /// What it imports.
        wanted: String,
    },
    /// Spin hides the environment from dependencies; composing alone would not.
    #[error(
        "component `{0}` has an `environment` and dependencies, which would see it: the local host does not support both"
    )]
    Environment(String),
    /// The composition failed as a whole.
    #[error("cannot compose component `{component}`: {message}")]
    Failed {
        /// The component.
        component: String,
        /// Why.
        message: String,
    },
}

/// The imports of a component, for tests that look at permissions.
///
/// # Errors
/// When `bytes` are no component.
pub fn imports_of(bytes: &[u8]) -> Result<Vec<String>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let world = package(&mut graph, "component", bytes.to_vec())?.ty();
    Ok(graph.types()[world].imports.keys().cloned().collect())
}

/// The component `id` with its dependencies built in.
pub(crate) fn compose(manifest: &Manifest, id: &str, component: &Component) -> Result<Vec<u8>, ComposeError> {
    let bytes = read(&component.source)?;
    if component.dependencies.is_empty() {
        return Ok(bytes);
    }
    if !component.environment.is_empty() {
        return Err(ComposeError::Environment(id.to_owned()));
    }
    let mut composer = Composer::new(id, bytes)?;
    for (import, dependency) in &component.dependencies {
        composer.satisfy(import, dependency, read(source(manifest, component, dependency))?)?;
    }
    composer.finish()
}

fn source<'a>(manifest: &'a Manifest, dependent: &'a Component, dependency: &'a Dependency) -> &'a Path {
    match &dependency.source {
        DependencySource::Path(path) => path,
        // The manifest's check made sure that it is there.
        DependencySource::Component(id) => manifest.components.get(id).map_or(&dependent.source, |found| &found.source),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ComposeError> {
    std::fs::read(path).map_err(|source| ComposeError::Read { path: path.to_owned(), source })
}

fn package(graph: &mut CompositionGraph, name: &str, bytes: Vec<u8>) -> Result<Package, ComposeError> {
    Package::from_bytes(name, None, bytes, graph.types_mut())
        .map_err(|error| ComposeError::Malformed { name: name.to_owned(), message: format!("{error:#}") })
}

struct Composer {
    graph: CompositionGraph,
    component: String,
    world: WorldId,
    instance: NodeId,
}

impl Composer {
    fn new(component: &str, bytes: Vec<u8>) -> Result<Self, ComposeError> {
        let mut graph = CompositionGraph::new();
        let package = package(&mut graph, component, bytes)?;
        let world = package.ty();
        let package = graph.register_package(package).map_err(|error| failed(component, &error))?;
        let instance = graph.instantiate(package);
        Ok(Self { graph, component: component.to_owned(), world, instance })
    }

    /// Builds one dependency in.
    fn satisfy(&mut self, import: &str, dependency: &Dependency, bytes: Vec<u8>) -> Result<(), ComposeError> {
        let component = self.component.clone();
        // Graph-wide unique, as each dependency is an instance of its own, as in Spin.
        let package = package(&mut self.graph, &format!("dependency:{import}"), bytes)?;
        let world = package.ty();
        self.check_configuration(import, world)?;
        let export = dependency.export.as_deref().unwrap_or(import);
        self.check_types(import, export, world)?;

        let package = self.graph.register_package(package).map_err(|error| failed(&component, &error))?;
        let instance = self.graph.instantiate(package);
        let export = self.graph.alias_instance_export(instance, export).map_err(|error| failed(&component, &error))?;
        let set = self.graph.set_instantiation_argument(self.instance, import, export);
        set.map_err(|error| failed(&component, &error))
    }

    fn check_configuration(&self, import: &str, world: WorldId) -> Result<(), ComposeError> {
        let mut imports = self.graph.types()[world].imports.keys();
        match imports.find(|wanted| !ALLOWED_IMPORTS.iter().any(|allowed| wanted.starts_with(allowed))) {
            None => Ok(()),
            Some(wanted) => Err(ComposeError::Configuration {
                component: self.component.clone(),
                import: import.to_owned(),
                wanted: wanted.clone(),
            }),
        }
    }

    fn check_types(&self, import: &str, export: &str, dependency: WorldId) -> Result<(), ComposeError> {
        let types = self.graph.types();
        let (component, import_name) = (self.component.clone(), import.to_owned());
        let Some(wanted) = types[self.world].imports.get(import) else {
            let imports = types[self.world].imports.keys().cloned().collect();
            return Err(ComposeError::NotImported { component, import: import_name, imports });
        };
        let Some(offered) = types[dependency].exports.get(export) else {
            let exports = types[dependency].exports.keys().cloned().collect();
            let export = export.to_owned();
            return Err(ComposeError::NotExported { component, import: import_name, export, exports });
        };
        let mut cache = Default::default();
        let fits = SubtypeChecker::new(&mut cache).is_subtype(*offered, types, *wanted, types);
        fits.map_err(|error| ComposeError::Mismatch { component, import: import_name, message: format!("{error:#}") })
    }

    /// Exports what the component exports, and writes the whole out.
    fn finish(mut self) -> Result<Vec<u8>, ComposeError> {
        let component = self.component;
        let exports: Vec<String> = self.graph.types()[self.world].exports.keys().cloned().collect();
        for name in exports {
            let export =
                self.graph.alias_instance_export(self.instance, &name).map_err(|error| failed(&component, &error))?;
            self.graph.export(export, name).map_err(|error| failed(&component, &error))?;
        }
        self.graph.encode(EncodeOptions::default()).map_err(|error| failed(&component, &error))
    }
}

fn failed(component: &str, error: &dyn std::error::Error) -> ComposeError {
    ComposeError::Failed { component: component.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests;
