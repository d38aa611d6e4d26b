//! Typed dependencies: the exports of one component become the imports of another when it is loaded. Composed as Spin
//! composes them: by the same crate, with the same names in the graph, the same checks in the same order, in Spin's words.
//!
//! The names decide: a component is registered under its id, a dependency under its name's WIT package without interface
//! and version, or under its whole name where that is a plain one. So two dependencies from one package are refused.
//!
//! Stricter than Spin: a dependency inherits no configuration, which in Spin makes its calls fail at run time; here one
//! that imports a store, the network, variables or files is refused at load. A core module is not made a component.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use wac_graph::{
    CompositionGraph, EncodeOptions, NodeId,
    types::{ItemKind, Package, SubtypeChecker, WorldId},
};

use crate::manifest::{Component, Dependency, DependencyName, DependencySource, Manifest};

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
    #[error("not a WebAssembly component: {0}")]
    Malformed(String),
    /// Spin hides the environment from dependencies; composing alone would not.
    #[error(
        "component `{0}` has an `environment` and dependencies, which would see it: the local host does not support both"
    )]
    Environment(String),
    /// Its dependencies do not fit it, or each other.
    #[error("failed to resolve dependencies for component \"{component}\": {problem}")]
    Dependencies {
        /// The component.
        component: String,
        /// Which.
        problem: Box<DependencyProblem>,
    },
}

/// What is wrong with the dependencies of a component.
#[derive(Debug, thiserror::Error)]
pub enum DependencyProblem {
    /// Not a component.
    #[error("`{name}` is not a WebAssembly component: {message}")]
    Malformed {
        /// The component's id, or the name that a dependency is registered under.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// Declared, but for nothing.
    #[error("dependency '{name}' doesn't match any imports of the component, which are {}", .imports.join(", "))]
    Unmatched {
        /// The dependency.
        name: String,
        /// What the component does import.
        imports: Vec<String>,
    },
    /// The other side of it.
    #[error("dependency '{name}' doesn't export '{export}' to satisfy import '{import}'; it exports {}", .exports.join(", "))]
    MissingExport {
        /// The dependency.
        name: String,
        /// What is looked for.
        export: String,
        /// What it is for.
        import: String,
        /// What it does export.
        exports: Vec<String>,
    },
    /// Same name, different types.
    #[error("dependency '{name}' exports '{export}' which is not compatible with import '{import}': {message}")]
    Mismatch {
        /// The dependency.
        name: String,
        /// What is taken.
        export: String,
        /// What it is for.
        import: String,
        /// Where they differ.
        message: String,
    },
    /// A dependency that wants more than it gets.
    #[error(
        "dependency '{name}' imports `{wanted}`, but a dependency inherits no configuration: no stores, no network, no \
         variables, no files"
    )]
    Configuration {
        /// The dependency.
        name: String,
        /// What it imports.
        wanted: String,
    },
    /// Said by the graph: two dependencies of one package, for instance.
    #[error("{0}")]
    Graph(String),
}

/// The imports of a component, for tests that look at permissions.
///
/// # Errors
/// When `bytes` are no component.
pub fn imports_of(bytes: &[u8]) -> Result<Vec<String>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes("component", None, bytes, graph.types_mut());
    let world = package.map_err(|error| ComposeError::Malformed(format!("{error:#}")))?.ty();
    Ok(graph.types()[world].imports.keys().cloned().collect())
}

/// The component `id` of `manifest` with its dependencies built in.
///
/// # Errors
/// When a file is not there, or Spin would not compose them or not with the same outcome.
pub fn compose(manifest: &Manifest, id: &str, component: &Component) -> Result<Vec<u8>, ComposeError> {
    let bytes = read(&component.source)?;
    if component.dependencies.is_empty() {
        return Ok(bytes);
    }
    if !component.environment.is_empty() {
        return Err(ComposeError::Environment(id.to_owned()));
    }
    let declared = component.dependencies.iter().map(|(name, dependency)| {
        let bytes = read(source(manifest, component, dependency))?;
        Ok(Declared { name, export: dependency.export.as_deref(), bytes })
    });
    compose_bytes(id, bytes, declared.collect::<Result<_, _>>()?)
        .map_err(|problem| ComposeError::Dependencies { component: id.to_owned(), problem: Box::new(problem) })
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

/// A dependency as the manifest has it, read.
struct Declared<'a> {
    name: &'a DependencyName,
    export: Option<&'a str>,
    bytes: Vec<u8>,
}

fn compose_bytes(id: &str, bytes: Vec<u8>, dependencies: Vec<Declared<'_>>) -> Result<Vec<u8>, DependencyProblem> {
    let mut composer = Composer::new(id, bytes)?;
    for declared in dependencies {
        composer.add(declared)?;
    }
    composer.finish()
}

/// A component in the graph.
#[derive(Clone, Copy)]
struct Node {
    world: WorldId,
    instance: NodeId,
}

/// Puts a component into the graph, under a name that nothing else in it may have.
fn register(graph: &mut CompositionGraph, name: &str, bytes: Vec<u8>) -> Result<Node, DependencyProblem> {
    let package = Package::from_bytes(name, None, bytes, graph.types_mut())
        .map_err(|error| DependencyProblem::Malformed { name: name.to_owned(), message: format!("{error:#}") })?;
    let world = package.ty();
    let instance = graph.register_package(package).map_err(graph_problem)?;
    Ok(Node { world, instance: graph.instantiate(instance) })
}

/// A dependency in the graph, for one import.
struct Satisfying<'a> {
    name: &'a DependencyName,
    export: Option<&'a str>,
    node: Node,
}

struct Composer<'a> {
    graph: CompositionGraph,
    root: Node,
    /// By import. Two dependencies for one import would have the same package, and the graph refuses the second.
    satisfied: BTreeMap<String, Satisfying<'a>>,
}

impl<'a> Composer<'a> {
    fn new(id: &str, bytes: Vec<u8>) -> Result<Self, DependencyProblem> {
        let mut graph = CompositionGraph::new();
        let root = register(&mut graph, id, bytes)?;
        Ok(Self { graph, root, satisfied: BTreeMap::new() })
    }

    fn add(&mut self, declared: Declared<'a>) -> Result<(), DependencyProblem> {
        let Declared { name, export, bytes } = declared;
        let matched = self.matched(name)?;
        let node = register(&mut self.graph, name.registered_as(), bytes)?;
        self.check_configuration(name, node.world)?;
        self.satisfied.extend(matched.into_iter().map(|import| (import, Satisfying { name, export, node })));
        Ok(())
    }

    /// The imports of the component that a dependency is for.
    fn matched(&self, name: &DependencyName) -> Result<Vec<String>, DependencyProblem> {
        let imports = self.graph.types()[self.root.world].imports.keys();
        let mut matched = Vec::new();
        for import in imports.clone() {
            if name.matches(import).map_err(DependencyProblem::Graph)? {
                matched.push(import.clone());
            }
        }
        if matched.is_empty() {
            return Err(DependencyProblem::Unmatched { name: name.to_string(), imports: imports.cloned().collect() });
        }
        Ok(matched)
    }

    fn check_configuration(&self, name: &DependencyName, world: WorldId) -> Result<(), DependencyProblem> {
        let mut imports = self.graph.types()[world].imports.keys();
        match imports.find(|wanted| !ALLOWED_IMPORTS.iter().any(|allowed| wanted.starts_with(allowed))) {
            None => Ok(()),
            Some(wanted) => Err(DependencyProblem::Configuration { name: name.to_string(), wanted: wanted.clone() }),
        }
    }

    /// Gives every import what satisfies it, exports what the component exports, and writes the whole out.
    fn finish(mut self) -> Result<Vec<u8>, DependencyProblem> {
        for (import, satisfying) in std::mem::take(&mut self.satisfied) {
            let argument = self.argument(&import, &satisfying)?;
            self.graph.set_instantiation_argument(self.root.instance, &import, argument).map_err(graph_problem)?;
        }
        let exports: Vec<String> = self.graph.types()[self.root.world].exports.keys().cloned().collect();
        for name in exports {
            let export = self.graph.alias_instance_export(self.root.instance, &name).map_err(graph_problem)?;
            self.graph.export(export, name).map_err(graph_problem)?;
        }
        self.graph.encode(EncodeOptions::default()).map_err(graph_problem)
    }

    /// The export of a dependency that an import gets.
    fn argument(&mut self, import: &str, satisfying: &Satisfying<'_>) -> Result<NodeId, DependencyProblem> {
        let Satisfying { name, export, node } = satisfying;
        let export = export.unwrap_or(import);
        let (name, import_name, export_name) = (name.to_string(), import.to_owned(), export.to_owned());
        let types = self.graph.types();
        let Some(offered) = types[node.world].exports.get(export) else {
            let exports = types[node.world].exports.keys().cloned().collect();
            return Err(DependencyProblem::MissingExport { name, export: export_name, import: import_name, exports });
        };
        self.check_types(import, *offered).map_err(|message| DependencyProblem::Mismatch {
            name,
            export: export_name,
            import: import_name,
            message,
        })?;
        self.graph.alias_instance_export(node.instance, export).map_err(graph_problem)
    }

    fn check_types(&self, import: &str, offered: ItemKind) -> Result<(), String> {
        let types = self.graph.types();
        // It was matched among them.
        let Some(wanted) = types[self.root.world].imports.get(import) else { return Ok(()) };
        let mut cache = Default::default();
        let fits = SubtypeChecker::new(&mut cache).is_subtype(offered, types, *wanted, types);
        fits.map_err(|error| format!("{error:#}"))
    }
}

fn graph_problem(error: impl std::error::Error) -> DependencyProblem {
    DependencyProblem::Graph(error.to_string())
}

#[cfg(test)]
mod tests;
