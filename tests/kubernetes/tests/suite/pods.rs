//! What every pod may do, and how long it gets to end.

use crate::{
    OVERLAYS,
    kinds::{one, pods},
    render::{Documents, overlay},
};
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Container, PodSpec, SecurityContext},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

#[test]
fn no_pod_is_root_writes_to_its_image_or_knows_the_cluster() {
    for name in OVERLAYS {
        for (pod, template) in pods(&overlay(name)) {
            let spec = template.spec.unwrap();
            restricted(&pod, &spec);
            assert!(spec.init_containers.is_none(), "{pod}");
            spec.containers.iter().for_each(|container| confined(&pod, container));
        }
    }
}

fn restricted(pod: &str, spec: &PodSpec) {
    let context = spec.security_context.as_ref().unwrap();
    assert_eq!(context.run_as_non_root, Some(true), "{pod}");
    assert!(context.run_as_user.is_some_and(|user| user > 0), "{pod}");
    assert!(context.run_as_group.is_some_and(|group| group > 0), "{pod}");
    assert_eq!(context.seccomp_profile.as_ref().unwrap().type_, "RuntimeDefault", "{pod}");
    assert_eq!(spec.automount_service_account_token, Some(false), "{pod}");
    assert_eq!(spec.enable_service_links, Some(false), "{pod}");
    assert!(spec.host_network.is_none() && spec.host_pid.is_none() && spec.host_ipc.is_none(), "{pod}");
    let volumes = spec.volumes.iter().flatten();
    volumes.for_each(|volume| assert!(volume.host_path.is_none(), "{pod}: {}", volume.name));
}

fn confined(pod: &str, container: &Container) {
    let SecurityContext { allow_privilege_escalation, capabilities, privileged, read_only_root_filesystem, .. } =
        container.security_context.clone().unwrap();
    assert_eq!(allow_privilege_escalation, Some(false), "{pod}");
    assert_eq!(read_only_root_filesystem, Some(true), "{pod}");
    assert_eq!(privileged, None, "{pod}");
    let capabilities = capabilities.unwrap();
    assert_eq!((capabilities.drop, capabilities.add), (Some(vec!["ALL".into()]), None), "{pod}");
    let resources = container.resources.clone().unwrap();
    assert!(resources.requests.unwrap().len() == 2 && resources.limits.unwrap().contains_key("memory"), "{pod}");
    let image = container.image.as_deref().unwrap();
    let (_, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{pod}: {image} without a version"));
    assert!(tag.starts_with(|first: char| first.is_ascii_digit()) && tag.contains('.'), "{pod}: {image}");
}

fn deployment(documents: &Documents) -> Deployment {
    one(documents, "Deployment", "guanxi")
}

/// Spin ends at once on SIGTERM, and whoever is killed in a run leaves it to be followed up three minutes later.
#[test]
fn a_pod_that_goes_has_the_time_that_a_run_of_a_job_takes() {
    let limit = guanxi::store::lease::LIMIT.as_secs() as i64;
    for name in OVERLAYS {
        let pod = deployment(&overlay(name)).spec.unwrap().template.spec.unwrap();
        let stop = pod.containers[0].lifecycle.clone().unwrap().pre_stop.unwrap().sleep.unwrap().seconds;
        assert!(stop > limit && pod.termination_grace_period_seconds.unwrap() > stop, "{name}: {stop}");
    }
}

#[test]
fn one_node_has_one_process_on_its_file_and_production_three_replicas_apart() {
    let documents = overlay("one-node");
    let spec = deployment(&documents).spec.unwrap();
    assert_eq!((spec.replicas, spec.strategy.unwrap().type_.as_deref()), (Some(1), Some("Recreate")));

    let documents = overlay("production");
    let spec = deployment(&documents).spec.unwrap();
    assert_eq!(spec.replicas, Some(3));
    let rolling = spec.strategy.unwrap().rolling_update.unwrap();
    assert_eq!(rolling.max_unavailable, Some(IntOrString::Int(0)));
    let spread = spec.template.spec.unwrap().topology_spread_constraints.unwrap();
    let keys: Vec<_> = spread.iter().map(|constraint| constraint.topology_key.as_str()).collect();
    assert_eq!(keys, ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]);
    let budget: PodDisruptionBudget = one(&documents, "PodDisruptionBudget", "guanxi");
    assert_eq!(budget.spec.unwrap().max_unavailable, Some(IntOrString::Int(1)));
}

/// Everything is denied but what a policy names; the only way out of the cluster is HTTPS, from the functions, to public addresses.
#[test]
fn only_the_functions_reach_the_internet_and_that_by_https() {
    for name in OVERLAYS {
        let policies = crate::kinds::all::<NetworkPolicy>(&overlay(name), "NetworkPolicy");
        let denied = policies["guanxi-default-deny"].spec.clone().unwrap();
        assert_eq!(denied.policy_types, Some(vec!["Ingress".into(), "Egress".into()]), "{name}");
        assert_eq!(denied.pod_selector, Some(Default::default()), "{name}: not for every pod");
        assert!(denied.ingress.is_none() && denied.egress.is_none(), "{name}");
        let mut ways_out = 0;
        for (policy, spec) in policies.into_iter().map(|(policy, it)| (policy, it.spec.unwrap())) {
            for rule in spec.egress.unwrap_or_default() {
                let to = rule.to.unwrap_or_else(|| panic!("{name}: {policy} lets out to anybody"));
                assert!(
                    !to.is_empty() && rule.ports.as_ref().is_some_and(|ports| !ports.is_empty()),
                    "{name}: {policy}"
                );
                for block in to.into_iter().filter_map(|peer| peer.ip_block) {
                    ways_out += 1;
                    assert_eq!(policy, "guanxi-functions", "{name}");
                    let ports: Vec<_> = rule.ports.iter().flatten().map(|port| port.port.clone()).collect();
                    assert_eq!(ports, [Some(IntOrString::Int(443))], "{name}");
                    let private = if block.cidr.contains('.') {
                        ["10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16"]
                    } else {
                        ["fc00::/7", "fe80::/10", "::/127"]
                    };
                    let except = block.except.unwrap();
                    assert!(private.iter().all(|range| except.iter().any(|one| one == range)), "{name}: {except:?}");
                }
            }
            for rule in spec.ingress.unwrap_or_default() {
                assert!(rule.from.is_some_and(|from| !from.is_empty()) && rule.ports.is_some(), "{name}: {policy}");
            }
        }
        assert_eq!(ways_out, 2, "{name}");
    }
}
