//! What `kubectl kustomize` makes of an overlay: as much of it as the overlays use, so that no test needs a tool. Whatever else a
//! kustomization says is an error; a test compares with the tool where it is installed.

use crate::{OVERLAYS, at};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Documents by kind and name.
pub(crate) type Documents = BTreeMap<(String, String), Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    namespace: Option<String>,
    resources: Vec<String>,
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    replicas: Vec<Replicas>,
    #[serde(default)]
    patches: Vec<Patch>,
    #[serde(default)]
    config_map_generator: Vec<Generator>,
    #[serde(default)]
    secret_generator: Vec<Generator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Image {
    name: String,
    new_name: String,
    new_tag: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replicas {
    name: String,
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    target: Target,
    patch: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generator {
    name: String,
    #[serde(default)]
    envs: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
}

/// Of YAML that is one document.
pub(crate) fn yaml<T: DeserializeOwned>(text: &str) -> T {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A copy of the folder, in which the example's secrets stand where the real ones do.
pub(crate) fn with_example_secrets() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&at("functions/kubernetes"), copy.path());
    for overlay in OVERLAYS {
        let overlay = copy.path().join("overlays").join(overlay);
        copy_folder(&overlay.join("example"), &overlay.join("secrets"));
    }
    copy
}

/// Without what is nobody's but the operator's.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true if entry.file_name() == "secrets" => {}
            true => copy_folder(&entry.path(), &target),
            false => _ = fs::copy(entry.path(), target).unwrap(),
        }
    }
}

/// An overlay with the example's secrets.
pub(crate) fn overlay(name: &str) -> Documents {
    let folder = with_example_secrets();
    render(&folder.path().join("overlays").join(name))
}

fn render(folder: &Path) -> Documents {
    let text = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    let kustomization: Kustomization = yaml(&text);
    assert_eq!(
        (kustomization.api_version.as_str(), kustomization.kind.as_str()),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization")
    );
    let mut documents = Documents::new();
    for resource in &kustomization.resources {
        let path = folder.join(resource);
        let found = if path.is_dir() { render(&path) } else { file(&path) };
        found.into_values().for_each(|document| add(&mut documents, document));
    }
    for generator in &kustomization.config_map_generator {
        let data = data(folder, generator, |value| value);
        add(
            &mut documents,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator.name}, "data": data}),
        );
    }
    for generator in &kustomization.secret_generator {
        let data = data(folder, generator, |value| BASE64_STANDARD.encode(value));
        add(
            &mut documents,
            json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": generator.name}, "data": data}),
        );
    }
    kustomization.patches.iter().for_each(|patch| apply(&mut documents, patch));
    kustomization.replicas.iter().for_each(|replicas| scale(&mut documents, replicas));
    for document in documents.values_mut() {
        kustomization.images.iter().for_each(|image| rename(document, image));
        if let Some(namespace) = &kustomization.namespace
            && document["kind"] != "Namespace"
        {
            document["metadata"]["namespace"] = namespace.as_str().into();
        }
    }
    documents
}

/// The documents of a file.
fn file(path: &Path) -> Documents {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut documents = Documents::new();
    let found: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    found.into_iter().for_each(|document| add(&mut documents, document));
    documents
}

fn add(documents: &mut Documents, document: Value) {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("kind or name of {document}")).to_owned();
    let name = (text(&document["kind"]), text(&document["metadata"]["name"]));
    let twice = documents.insert(name.clone(), document);
    assert!(twice.is_none(), "{name:?} is there twice");
}

fn data(folder: &Path, generator: &Generator, value: impl Fn(String) -> String) -> Value {
    let mut data = Map::new();
    for path in &generator.envs {
        for (key, text) in settings(&fs::read_to_string(folder.join(path)).unwrap()) {
            data.insert(key, value(text).into());
        }
    }
    for path in &generator.files {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        data.insert(name.into(), value(fs::read_to_string(folder.join(path)).unwrap()).into());
    }
    Value::Object(data)
}

/// Lines of `name=value`.
pub(crate) fn settings(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('=').unwrap()).map(|(key, value)| (key.into(), value.into())).collect()
}

fn apply(documents: &mut Documents, Patch { target, patch }: &Patch) {
    let name = (target.kind.clone(), target.name.clone());
    let document = documents.get_mut(&name).unwrap_or_else(|| panic!("there is no {name:?} to be patched"));
    let patch: json_patch::Patch = serde_json::from_value(yaml(patch)).unwrap();
    json_patch::patch(document, &patch).unwrap_or_else(|error| panic!("{name:?}: {error}"));
}

fn scale(documents: &mut Documents, Replicas { name, count }: &Replicas) {
    let scaled =
        documents.iter_mut().filter(|((kind, of), _)| ["Deployment", "StatefulSet"].contains(&&**kind) && of == name);
    assert_eq!(scaled.map(|(_, document)| document["spec"]["replicas"] = (*count).into()).count(), 1, "{name}");
}

/// Wherever containers are.
fn rename(value: &mut Value, image: &Image) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, image)),
        Value::Object(fields) => {
            if let Some(Value::String(named)) = fields.get_mut("image")
                && named.split_once(':').is_some_and(|(name, _)| name == image.name)
            {
                *named = format!("{}:{}", image.new_name, image.new_tag);
            }
            fields.values_mut().for_each(|value| rename(value, image));
        }
        _ => {}
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "who reads the run learns what was left out")]
fn kubectl_where_it_is_installed_renders_the_same() {
    let kubectl = Command::new("kubectl").args(["version", "--client"]).stdout(Stdio::null()).status();
    if !kubectl.is_ok_and(|status| status.success()) {
        println!("kubectl is not here: not compared");
        return;
    }
    let folder = with_example_secrets();
    for name in OVERLAYS {
        let overlay = folder.path().join("overlays").join(name);
        let output = Command::new("kubectl").arg("kustomize").arg(&overlay).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let ours = render(&overlay);
        let mut text = String::from_utf8(output.stdout).unwrap();
        // It names what it generates by a hash of the contents, wherever it is named.
        let generated = ours.keys().filter(|(kind, _)| ["ConfigMap", "Secret"].contains(&&**kind));
        for name in generated.map(|(_, name)| name).collect::<BTreeSet<_>>() {
            text = without_hashes(&text, name).unwrap_or_else(|| panic!("kubectl does not name {name}"));
        }
        let theirs: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        assert_eq!(theirs.len(), ours.len());
        for mut document in theirs {
            // It breaks the lines of what is in base64.
            if document["kind"] == "Secret" {
                let data = document["data"].as_object_mut().unwrap();
                data.values_mut().for_each(|value| *value = value.as_str().unwrap().replace('\n', "").into());
            }
            let name =
                (document["kind"].as_str().unwrap().into(), document["metadata"]["name"].as_str().unwrap().into());
            assert_eq!(Some(&document), ours.get(&name), "{name:?}");
        }
    }
}

/// `name: guanxi-7k2mf5t9b6` becomes `name: guanxi`, at the ends of lines; none where there is nothing of the kind.
fn without_hashes(text: &str, name: &str) -> Option<String> {
    let mut found = false;
    let lines = text.lines().map(|line| {
        let begins = line.rfind(name).filter(|at| line[..*at].ends_with(": "));
        let hash = begins.and_then(|at| line[at + name.len()..].strip_prefix('-'));
        match hash.filter(|hash| hash.len() == 10 && hash.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            Some(hash) => {
                found = true;
                &line[..line.len() - hash.len() - 1]
            }
            None => line,
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    found.then_some(text)
}
