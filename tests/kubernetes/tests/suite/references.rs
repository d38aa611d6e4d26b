//! What one document names of another is there.

use crate::{
    OVERLAYS,
    kinds::{all, one, pods},
    render::{Documents, overlay},
};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{PodTemplateSpec, Service},
        networking::v1::{Ingress, NetworkPolicy},
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// The keys of a ConfigMap or Secret; none where there is no such document.
fn keys(documents: &Documents, kind: &str, name: &str) -> Option<BTreeSet<String>> {
    let document = documents.get(&(kind.to_owned(), name.to_owned()))?;
    Some(document["data"].as_object()?.keys().cloned().collect())
}

fn labels(pod: &PodTemplateSpec) -> Labels {
    pod.metadata.clone().unwrap().labels.unwrap()
}

fn selects(selector: &Labels, labels: &Labels) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[test]
fn what_a_pod_takes_from_configuration_is_there() {
    for name in OVERLAYS {
        let documents = overlay(name);
        let (mut used, mut checked) = (BTreeSet::new(), 0);
        let mut has = |pod: &str, kind: &str, of: &str, key: Option<(&str, bool)>| {
            let keys = keys(&documents, kind, of).unwrap_or_else(|| panic!("{name}: {pod}: there is no {kind} {of}"));
            let missing = key.is_some_and(|(key, optional)| !optional && !keys.contains(key));
            assert!(!missing, "{name}: {pod}: {kind} {of} has no {key:?}");
            used.insert((kind.to_owned(), of.to_owned()));
            checked += 1;
        };
        for (pod, template) in pods(&documents) {
            let spec = template.spec.unwrap();
            for source in
                spec.containers.iter().flat_map(|it| it.env.iter().flatten()).filter_map(|it| it.value_from.as_ref())
            {
                if let Some(key) = &source.secret_key_ref {
                    has(&pod, "Secret", &key.name, Some((&key.key, key.optional.unwrap_or_default())));
                }
                if let Some(key) = &source.config_map_key_ref {
                    has(&pod, "ConfigMap", &key.name, Some((&key.key, key.optional.unwrap_or_default())));
                }
            }
            for volume in spec.volumes.iter().flatten() {
                if let Some(secret) = &volume.secret {
                    has(&pod, "Secret", secret.secret_name.as_ref().unwrap(), None);
                }
                if let Some(map) = &volume.config_map {
                    has(&pod, "ConfigMap", &map.name, None);
                }
                if let Some(claim) = &volume.persistent_volume_claim {
                    assert!(
                        documents.contains_key(&("PersistentVolumeClaim".into(), claim.claim_name.clone())),
                        "{name}: {pod}"
                    );
                }
            }
        }
        let there = documents.keys().filter(|(kind, _)| ["ConfigMap", "Secret"].contains(&&**kind)).cloned();
        assert_eq!(used, there.collect(), "{name}: what is there and what is used");
        assert!(checked > 10, "{name}: {checked}");
    }
}

#[test]
fn a_volume_that_is_mounted_is_there_and_none_is_for_nothing() {
    for name in OVERLAYS {
        for (pod, template) in pods(&overlay(name)) {
            let spec = template.spec.unwrap();
            let mut volumes: BTreeSet<_> = spec.volumes.into_iter().flatten().map(|volume| volume.name).collect();
            if pod.starts_with("StatefulSet") {
                volumes.insert("data".into());
            }
            let mounts = spec.containers.iter().flat_map(|container| container.volume_mounts.iter().flatten());
            assert_eq!(mounts.map(|mount| mount.name.clone()).collect::<BTreeSet<_>>(), volumes, "{name}: {pod}");
        }
    }
}

#[test]
fn selectors_find_the_pods_that_they_are_for() {
    for name in OVERLAYS {
        let documents = overlay(name);
        let pods = pods(&documents);
        let found = |selector: &LabelSelector| {
            let wanted = selector.match_labels.clone().unwrap_or_default();
            assert!(!wanted.is_empty(), "{name}: {selector:?}");
            pods.iter()
                .filter(|(_, pod)| selects(&wanted, &labels(pod)))
                .map(|(pod, _)| pod.as_str())
                .collect::<Vec<_>>()
        };
        for (own, deployment) in all::<Deployment>(&documents, "Deployment") {
            assert_eq!(found(&deployment.spec.unwrap().selector), [format!("Deployment {own}")], "{name}");
        }
        for (own, set) in all::<StatefulSet>(&documents, "StatefulSet") {
            let spec = set.spec.unwrap();
            assert_eq!(found(&spec.selector), [format!("StatefulSet {own}")], "{name}");
            one::<Service>(&documents, "Service", spec.service_name.as_deref().unwrap());
        }
        for budget in all::<PodDisruptionBudget>(&documents, "PodDisruptionBudget").into_values() {
            assert_eq!(found(&budget.spec.unwrap().selector.unwrap()), ["Deployment guanxi"], "{name}");
        }
        for (policy, spec) in all::<NetworkPolicy>(&documents, "NetworkPolicy") {
            let spec = spec.spec.unwrap();
            let peers = spec.ingress.into_iter().flatten().flat_map(|rule| rule.from.unwrap_or_default());
            let peers = peers.chain(spec.egress.into_iter().flatten().flat_map(|rule| rule.to.unwrap_or_default()));
            for own in peers.filter(|peer| peer.namespace_selector.is_none()).filter_map(|peer| peer.pod_selector) {
                assert!(!found(&own).is_empty(), "{name}: {policy}: {own:?}");
            }
        }
    }
}

#[test]
fn services_and_policies_name_ports_that_their_pods_have() {
    for name in OVERLAYS {
        let documents = overlay(name);
        let pods = pods(&documents);
        let services = all::<Service>(&documents, "Service");
        for (service, spec) in &services {
            let spec = spec.spec.as_ref().unwrap();
            let pod = pods.values().find(|pod| selects(spec.selector.as_ref().unwrap(), &labels(pod))).unwrap();
            let ports = pod.spec.as_ref().unwrap().containers[0].ports.clone().unwrap();
            for port in spec.ports.as_ref().unwrap() {
                let Some(IntOrString::String(target)) = &port.target_port else { panic!("{name}: {service}") };
                assert!(ports.iter().any(|port| port.name.as_ref() == Some(target)), "{name}: {service}: {target}");
            }
        }
        let ingress: Ingress = one(&documents, "Ingress", "guanxi");
        for path in &ingress.spec.unwrap().rules.unwrap()[0].http.as_ref().unwrap().paths {
            let backend = path.backend.service.as_ref().unwrap();
            let port = backend.port.as_ref().unwrap().name.as_ref().unwrap();
            let ports = services[&backend.name].spec.as_ref().unwrap().ports.as_ref().unwrap();
            assert!(ports.iter().any(|one| one.name.as_ref() == Some(port)), "{name}: {path:?}");
        }
    }
}
