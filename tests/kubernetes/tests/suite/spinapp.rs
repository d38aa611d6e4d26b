//! SpinKube's `SpinApp`, as `core.spinkube.dev/v1alpha1` has it: what of it is used.

use crate::{read, render::yaml, strict::check};
use k8s_openapi::{api::core::v1::EnvVarSource, apimachinery::pkg::api::resource::Quantity};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SpinApp {
    api_version: ApiVersion,
    kind: Kind,
    metadata: Metadata,
    pub(crate) spec: Spec,
}

#[derive(Serialize, Deserialize)]
enum ApiVersion {
    #[serde(rename = "core.spinkube.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    SpinApp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
    labels: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Spec {
    executor: String,
    image: String,
    replicas: u32,
    pod_labels: BTreeMap<String, String>,
    runtime_config: RuntimeConfig,
    pub(crate) checks: Checks,
    resources: Resources,
    pub(crate) variables: Vec<Variable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RuntimeConfig {
    load_from_secret: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checks {
    pub(crate) liveness: Check,
    pub(crate) readiness: Check,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Check {
    pub(crate) http_get: HttpGet,
    period_seconds: u32,
    timeout_seconds: u32,
    failure_threshold: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpGet {
    pub(crate) path: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    requests: BTreeMap<String, Quantity>,
    limits: BTreeMap<String, Quantity>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value_from: EnvVarSource,
}

#[test]
fn the_spin_app_is_what_its_type_says() {
    let app: Value = yaml(&read("functions/kubernetes/spinapp.yaml"));
    assert_eq!(check(&app), Ok(()));
    for place in ["", "/spec", "/spec/checks", "/spec/checks/liveness", "/spec/variables/0", "/spec/runtimeConfig"] {
        let mut changed = app.clone();
        changed.pointer_mut(place).unwrap()["replcas"] = json!(3);
        assert!(check(&changed).is_err(), "{place}");
    }
}
