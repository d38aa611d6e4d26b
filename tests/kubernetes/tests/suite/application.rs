//! `spin.toml` beside the manifests: its variables, and its routes.

use crate::{
    OVERLAYS,
    kinds::one,
    read,
    render::{overlay, settings, yaml},
    spinapp::SpinApp,
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{EnvVarSource, Probe},
    networking::v1::Ingress,
};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// What Spin reads a variable from.
const PREFIX: &str = "SPIN_VARIABLE_";
/// A variable that nobody sets in real life.
const FOR_TESTS: &str = "lookup_stand_in";
/// Where the store's state is told; no other probe may ask for it.
const HEALTH: &str = "/healthz";
/// What Spin answers by itself.
const SPIN_HEALTH: &str = "/.well-known/spin/health";
/// Routes, besides the jobs', that are for the cluster alone.
const INTERNAL: [&str; 2] = [HEALTH, "/metrics"];

/// As much of `spin.toml` as is compared.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) trigger: Triggers,
    pub(crate) component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
pub(crate) struct Variable {
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) secret: bool,
}

#[derive(Deserialize)]
pub(crate) struct Triggers {
    /// Those that are private are for the application's own components, and left out.
    #[serde(deserialize_with = "public")]
    pub(crate) http: Vec<Route>,
}

pub(crate) struct Route {
    pub(crate) route: String,
}

fn public<'de, D: Deserializer<'de>>(triggers: D) -> Result<Vec<Route>, D::Error> {
    let all = Vec::<toml::Table>::deserialize(triggers)?;
    let route = |trigger: &toml::Table| trigger["route"].as_str().map(|route| Route { route: route.to_owned() });
    Ok(all.iter().filter_map(route).collect())
}

#[derive(Deserialize)]
pub(crate) struct Component {
    pub(crate) source: String,
}

pub(crate) fn manifest() -> Manifest {
    toml::from_str(&read("spin.toml")).unwrap()
}

/// A reference to a key: kind, name, key, and whether it may be absent.
type From = (&'static str, String, String, bool);

fn from(source: &EnvVarSource) -> From {
    match (&source.secret_key_ref, &source.config_map_key_ref, &source.field_ref, &source.resource_field_ref) {
        (Some(key), None, None, None) => {
            ("Secret", key.name.clone(), key.key.clone(), key.optional.unwrap_or_default())
        }
        (None, Some(key), None, None) => {
            ("ConfigMap", key.name.clone(), key.key.clone(), key.optional.unwrap_or_default())
        }
        _ => panic!("{source:?}"),
    }
}

/// Where each variable must come from.
fn expected() -> BTreeMap<String, From> {
    let variables = manifest().variables.into_iter().filter(|(name, _)| name != FOR_TESTS);
    variables
        .map(|(name, Variable { required, secret })| {
            let kind = if secret { "Secret" } else { "ConfigMap" };
            (name.clone(), (kind, "guanxi".to_owned(), name, !required))
        })
        .collect()
}

fn deployment(name: &str) -> Deployment {
    one(&overlay(name), "Deployment", "guanxi")
}

#[test]
fn a_pod_has_every_variable_of_the_application_once_and_no_other() {
    for name in OVERLAYS {
        let pod = deployment(name).spec.unwrap().template.spec.unwrap();
        let env = pod.containers[0].env.clone().unwrap();
        let names: BTreeSet<_> = env.iter().map(|variable| &variable.name).collect();
        assert_eq!(names.len(), env.len(), "{name}: one is there twice");
        let variables = env.iter().filter_map(|variable| {
            let variable_name = variable.name.strip_prefix(PREFIX)?.to_lowercase();
            Some((variable_name, from(variable.value_from.as_ref().unwrap())))
        });
        assert_eq!(variables.collect::<BTreeMap<_, _>>(), expected(), "{name}");
    }
}

#[test]
fn a_spin_app_has_every_variable_of_the_application_once_and_no_other() {
    let app: SpinApp = yaml(&read("functions/kubernetes/spinapp.yaml"));
    let variables = app.spec.variables.into_iter();
    let variables: Vec<_> = variables.map(|variable| (variable.name, from(&variable.value_from))).collect();
    assert_eq!(variables.len(), expected().len());
    assert_eq!(variables.into_iter().collect::<BTreeMap<_, _>>(), expected());
}

#[test]
fn the_examples_settings_and_secrets_are_the_applications_variables() {
    let variables = manifest().variables;
    let names = |wanted: fn(&Variable) -> bool| -> BTreeSet<String> {
        variables.iter().filter(|(_, variable)| wanted(variable)).map(|(name, _)| name.clone()).collect()
    };
    for name in OVERLAYS {
        let file = |path: &str| read(&format!("functions/kubernetes/overlays/{name}/{path}"));
        let secrets: BTreeSet<_> = settings(&file("example/secrets.env")).into_keys().collect();
        assert_eq!(secrets, names(|variable| variable.secret), "{name}");
        let plain: BTreeSet<_> = settings(&file("settings.env")).into_keys().collect();
        assert!(plain.is_subset(&names(|variable| !variable.secret)), "{name}: {plain:?}");
        assert!(plain.is_superset(&names(|variable| !variable.secret && variable.required)), "{name}: {plain:?}");
    }
}

/// What of a route is the world's: its path and how it matches; none where it is for the cluster alone.
fn outside(route: &str) -> Option<(String, &'static str)> {
    if route.starts_with("/jobs/") || INTERNAL.contains(&route) {
        return None;
    }
    let literal = route.split_once("/:").map(|(literal, _)| literal).or_else(|| route.strip_suffix("/..."));
    Some(literal.map_or((route.to_owned(), "Exact"), |literal| (literal.to_owned(), "Prefix")))
}

#[test]
fn the_world_reaches_every_route_but_the_jobs_and_the_operators() {
    let mut routes: BTreeSet<_> =
        manifest().trigger.http.iter().filter_map(|trigger| outside(&trigger.route)).collect();
    // Its own prefix matches it, too.
    let prefixes: Vec<String> =
        routes.iter().filter(|(_, how)| *how == "Prefix").map(|(path, _)| path.clone()).collect();
    prefixes.into_iter().for_each(|path| _ = routes.remove(&(path, "Exact")));
    assert!(routes.contains(&("/wechat".into(), "Exact")) && routes.len() > 5, "{routes:?}");
    for name in OVERLAYS {
        let ingress: Ingress = one(&overlay(name), "Ingress", "guanxi");
        let spec = ingress.spec.unwrap();
        let [rule] = &spec.rules.unwrap()[..] else { panic!("one rule") };
        let paths = &rule.http.as_ref().unwrap().paths;
        let shown: BTreeSet<_> =
            paths.iter().map(|path| (path.path.clone().unwrap(), path.path_type.as_str())).collect();
        assert_eq!(shown.len(), paths.len(), "{name}: a path is there twice");
        assert_eq!(shown, routes, "{name}");
        let [tls] = &spec.tls.unwrap()[..] else { panic!("one certificate") };
        assert_eq!(tls.hosts.as_deref(), Some(&[rule.host.clone().unwrap()][..]), "{name}");
    }
}

fn path(probe: Option<&Probe>) -> &str {
    probe.unwrap().http_get.as_ref().unwrap().path.as_deref().unwrap()
}

#[test]
fn only_readiness_asks_for_the_store() {
    let is_routed = |wanted: &str| manifest().trigger.http.iter().any(|trigger| trigger.route == wanted);
    assert!(is_routed(HEALTH) && !is_routed(SPIN_HEALTH), "Spin's own would hide the latter");
    for name in OVERLAYS {
        let pod = deployment(name).spec.unwrap().template.spec.unwrap();
        let spin = &pod.containers[0];
        assert_eq!(path(spin.startup_probe.as_ref()), SPIN_HEALTH, "{name}");
        assert_eq!(path(spin.liveness_probe.as_ref()), SPIN_HEALTH, "{name}");
        assert_eq!(path(spin.readiness_probe.as_ref()), HEALTH, "{name}");
        // What the functions bridge by trying again is no reason to leave the Service.
        let readiness = spin.readiness_probe.as_ref().unwrap();
        let bridged = guanxi::store::BUDGET.as_secs() as i32;
        assert!(readiness.period_seconds.unwrap() * readiness.failure_threshold.unwrap() > 2 * bridged, "{name}");
    }
    let app: SpinApp = yaml(&read("functions/kubernetes/spinapp.yaml"));
    assert_eq!(app.spec.checks.liveness.http_get.path, SPIN_HEALTH);
    assert_eq!(app.spec.checks.readiness.http_get.path, HEALTH);
}
