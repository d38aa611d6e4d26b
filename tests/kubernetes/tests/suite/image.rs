//! The image: it has what `spin.toml` names, where it names it, and the pod starts it from there.

use crate::{application::manifest, kinds::one, read, render::overlay};
use k8s_openapi::api::apps::v1::Deployment;
use std::collections::BTreeSet;

const DOCKERFILE: &str = "functions/kubernetes/Dockerfile";

/// The words of the instructions, without comments and continued lines.
fn instructions() -> Vec<Vec<String>> {
    let text = read(DOCKERFILE);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let joined = lines.replace("\\\n", " ");
    joined
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split_whitespace().map(String::from).collect())
        .collect()
}

#[test]
fn the_image_builds_and_has_every_component_and_no_other() {
    let sources: BTreeSet<String> = manifest().component.into_values().map(|component| component.source).collect();
    let instructions = instructions();
    let of = |instruction: &str, second: &str| {
        let found: Vec<_> =
            instructions.iter().filter(|words| words[0] == instruction && words[1].starts_with(second)).collect();
        assert_eq!(found.len(), 1, "{instruction} {second}");
        found[0].clone()
    };
    let copied = of("COPY", "--from=components");
    let (folder, files) = (copied.last().unwrap(), &copied[2..copied.len() - 1]);
    let copied: BTreeSet<String> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix("/guanxi/target/wasm32-wasip2/release/").unwrap_or_else(|| panic!("{file}"));
            format!("{folder}{name}")
        })
        .collect();
    assert_eq!(copied, sources);
    let build = of("RUN", "cargo");
    let built = build
        .windows(2)
        .filter(|pair| pair[0] == "-p")
        .map(|pair| pair[1].split('@').next().unwrap().replace('-', "_"));
    let wanted = sources.iter().map(|source| source.rsplit('/').next().unwrap().trim_end_matches(".wasm").to_owned());
    assert_eq!(built.collect::<BTreeSet<_>>(), wanted.collect());
    assert!(build.contains(&"--locked".to_owned()) && build.contains(&"wasm32-wasip2".to_owned()), "{build:?}");
}

#[test]
fn the_image_runs_as_the_pod_does() {
    let instructions = instructions();
    let word = |name: &str| instructions.iter().rfind(|words| words[0] == name).unwrap()[1].clone();
    let pod = one::<Deployment>(&overlay("production"), "Deployment", "guanxi").spec.unwrap().template.spec.unwrap();
    let context = pod.security_context.unwrap();
    assert_eq!(word("USER"), format!("{}:{}", context.run_as_user.unwrap(), context.run_as_group.unwrap()));
    let args = pod.containers[0].args.clone().unwrap();
    assert!(args.contains(&format!("--from={}/spin.toml", word("WORKDIR"))), "{args:?}");
    let port = pod.containers[0].ports.as_ref().unwrap()[0].container_port;
    assert!(args.contains(&format!("--listen=0.0.0.0:{port}")), "{args:?}");
}

#[test]
fn no_base_image_is_without_a_version() {
    for words in instructions().iter().filter(|words| words[0] == "ARG") {
        let (_, image) = words[1].split_once('=').unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap();
        assert!(tag.bytes().any(|byte| byte.is_ascii_digit()), "{image}");
    }
}
