//! Documents as Kubernetes' types, and what several tests ask of them.

use crate::render::Documents;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::CronJob,
    core::v1::PodTemplateSpec,
};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// All of one kind, by name.
pub(crate) fn all<T: DeserializeOwned>(documents: &Documents, kind: &str) -> BTreeMap<String, T> {
    let typed = |value: &serde_json::Value| serde_json::from_value(value.clone()).unwrap();
    let of_kind = documents.iter().filter(|((of, _), _)| of == kind);
    of_kind.map(|((_, name), value)| (name.clone(), typed(value))).collect()
}

/// The only one of that kind and name.
pub(crate) fn one<T: DeserializeOwned>(documents: &Documents, kind: &str, name: &str) -> T {
    all(documents, kind).remove(name).unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// What every pod is made from, by the kind and name of what makes it.
pub(crate) fn pods(documents: &Documents) -> BTreeMap<String, PodTemplateSpec> {
    let deployments = all::<Deployment>(documents, "Deployment").into_iter();
    let sets = all::<StatefulSet>(documents, "StatefulSet").into_iter();
    let jobs = all::<CronJob>(documents, "CronJob").into_iter();
    let deployments = deployments.map(|(name, it)| (format!("Deployment {name}"), it.spec.unwrap().template));
    let sets = sets.map(|(name, it)| (format!("StatefulSet {name}"), it.spec.unwrap().template));
    let jobs = jobs.map(|(name, it)| (format!("CronJob {name}"), it.spec.unwrap().job_template.spec.unwrap().template));
    deployments.chain(sets).chain(jobs).collect()
}
