//! A document against Kubernetes' own types: read into its type and written again it must be the same, so that nothing in it is unknown,
//! misspelt, in the wrong place or of the wrong type.

use crate::{OVERLAYS, render::overlay, spinapp};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::CronJob,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Fails where a document is not what its type says.
pub(crate) fn check(document: &Value) -> Result<(), String> {
    match document["kind"].as_str().unwrap_or_default() {
        "ConfigMap" => round_trip::<ConfigMap>(document),
        "CronJob" => round_trip::<CronJob>(document),
        "Deployment" => round_trip::<Deployment>(document),
        "Ingress" => round_trip::<Ingress>(document),
        "Namespace" => round_trip::<Namespace>(document),
        "NetworkPolicy" => round_trip::<NetworkPolicy>(document),
        "PersistentVolumeClaim" => round_trip::<PersistentVolumeClaim>(document),
        "PodDisruptionBudget" => round_trip::<PodDisruptionBudget>(document),
        "Secret" => round_trip::<Secret>(document),
        "Service" => round_trip::<Service>(document),
        "SpinApp" => round_trip::<spinapp::SpinApp>(document),
        "StatefulSet" => round_trip::<StatefulSet>(document),
        kind => Err(format!("no type for {kind:?}")),
    }
}

/// Fails where a value is not wholly a `T`.
pub(crate) fn round_trip<T: Serialize + DeserializeOwned>(value: &Value) -> Result<(), String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    difference("", value, &written).map_or(Ok(()), Err)
}

/// The first place where `written` is not what was `read`.
fn difference(place: &str, read: &Value, written: &Value) -> Option<String> {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            let keys = read.keys().chain(written.keys());
            keys.filter_map(|key| {
                let at = |fields: &serde_json::Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
                difference(&format!("{place}/{key}"), &at(read), &at(written))
            })
            .next()
        }
        (Value::Array(read), Value::Array(written)) if read.len() == written.len() => (0..)
            .zip(read.iter().zip(written))
            .find_map(|(n, (read, written)): (usize, _)| difference(&format!("{place}/{n}"), read, written)),
        _ => (read != written).then(|| format!("{place}: {read} is read as {written}")),
    }
}

#[test]
fn every_document_is_what_kubernetes_types_say() {
    for name in OVERLAYS {
        let documents = overlay(name);
        assert!(documents.len() > 12, "{name}: {}", documents.len());
        for (document, value) in documents {
            check(&value).unwrap_or_else(|why| panic!("{name}: {document:?}: {why}"));
        }
    }
}

/// Where any name may stand: those of labels, of data, and of what a resource is.
fn is_free(place: &str) -> bool {
    let free = ["labels", "matchLabels", "selector", "data", "requests", "limits", "podLabels"];
    // A selector of labels, but not what a Deployment selects by.
    place.rsplit('/').next().is_some_and(|last| free.contains(&last))
}

/// Every object within, by its place.
fn objects(place: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(place.to_owned());
            fields
                .iter()
                .for_each(|(key, value)| objects(&format!("{place}/{}", key.replace('/', "~1")), value, found));
        }
        Value::Array(items) => {
            (0..).zip(items).for_each(|(n, value): (usize, _)| objects(&format!("{place}/{n}"), value, found));
        }
        _ => {}
    }
}

#[test]
fn a_field_that_kubernetes_does_not_know_is_found_wherever_it_stands() {
    let mut tried = 0;
    for (document, value) in overlay("production") {
        let mut places = Vec::new();
        objects("", &value, &mut places);
        for place in places.iter().filter(|place| !is_free(place)) {
            let mut changed = value.clone();
            changed.pointer_mut(place).unwrap()["replcas"] = json!(3);
            assert!(check(&changed).is_err(), "{document:?}: nobody sees {place}/replcas");
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_wrong_type_version_or_kind_is_found() {
    let deployment = &overlay("production")[&("Deployment".into(), "guanxi".into())];
    assert_eq!(check(deployment), Ok(()));
    for (place, wrong) in [
        ("/spec/replicas", json!("3")),
        ("/apiVersion", json!("apps/v1beta1")),
        ("/spec/template/spec/containers/0/env/0/value", json!(1)),
        ("/spec/template/spec/containers/0/readinessProbe/periodSeconds", json!("5s")),
        ("/spec/template/spec/containers", json!({})),
    ] {
        let mut changed = deployment.clone();
        *changed.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = wrong;
        assert!(check(&changed).is_err(), "{place}");
    }
}
