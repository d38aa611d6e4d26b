//! One schedule: `functions/clock/spin.toml` is the table. Every job has one trigger there and one CronJob, at the same second of the same
//! minutes.

use crate::{OVERLAYS, application::manifest, kinds::all, read, render::overlay};
use k8s_openapi::api::batch::v1::CronJob;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Routes below `/jobs/` that only tell.
const TELLING: [&str; 1] = ["status"];

#[derive(Deserialize)]
struct Clock {
    trigger: Triggers,
    component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
struct Triggers {
    cron: Vec<Cron>,
}

#[derive(Deserialize)]
struct Cron {
    component: String,
    cron_expression: String,
}

#[derive(Deserialize)]
struct Component {
    variables: BTreeMap<String, String>,
}

/// When a job is called: at which second, and the five fields from the minute on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct When {
    second: u32,
    minutes: String,
}

/// Each job once, by the clock.
fn clock() -> BTreeMap<String, When> {
    let clock: Clock = toml::from_str(&read("functions/clock/spin.toml")).unwrap();
    let mut jobs = BTreeMap::new();
    for Cron { component, cron_expression } in &clock.trigger.cron {
        let (second, minutes) = cron_expression.split_once(' ').unwrap();
        // That the rest is one, the clock's own tests say.
        assert_eq!(minutes.split(' ').count(), 5, "{cron_expression}");
        let when = When { second: second.parse().unwrap(), minutes: minutes.into() };
        let job = clock.component[component].variables["job"].clone();
        assert!(jobs.insert(job, when).is_none(), "{component} calls what another calls");
    }
    assert_eq!(jobs.len(), clock.component.len(), "a component without a trigger");
    jobs
}

#[test]
fn every_job_has_one_trigger() {
    let routes = manifest().trigger.http;
    let jobs = routes.iter().filter_map(|trigger| trigger.route.strip_prefix("/jobs/"));
    let jobs: BTreeSet<_> = jobs.filter(|job| !TELLING.contains(job)).map(String::from).collect();
    assert!(jobs.len() > 1, "{jobs:?}");
    assert_eq!(clock().into_keys().collect::<BTreeSet<_>>(), jobs);
}

#[test]
fn every_job_has_one_cron_job_at_the_clocks_times() {
    for name in OVERLAYS {
        let mut cron_jobs = BTreeMap::new();
        for (cron_job, CronJob { spec, .. }) in all::<CronJob>(&overlay(name), "CronJob") {
            let spec = spec.unwrap();
            let pod = spec.job_template.spec.unwrap().template.spec.unwrap();
            let env = pod.containers[0].env.clone().unwrap();
            let value =
                |wanted: &str| env.iter().find(|variable| variable.name == wanted).unwrap().value.clone().unwrap();
            assert_eq!(cron_job, format!("guanxi-{}", value("JOB")), "{name}");
            assert_eq!(spec.time_zone.as_deref(), Some("Etc/UTC"), "{name}: {cron_job}");
            assert_eq!(spec.concurrency_policy.as_deref(), Some("Forbid"), "{name}: {cron_job}");
            let when = When { second: value("SECOND").parse().unwrap(), minutes: spec.schedule };
            cron_jobs.insert(value("JOB"), when);
        }
        assert_eq!(cron_jobs, clock(), "{name}");
    }
}

/// But for their names, which job, and its second.
#[test]
fn cron_jobs_are_alike() {
    let own = ["JOB", "SECOND"];
    let mut seen = Vec::new();
    for (name, mut cron_job) in all::<CronJob>(&overlay("production"), "CronJob") {
        cron_job.metadata.name = None;
        let spec = cron_job.spec.as_mut().unwrap();
        let pod = spec.job_template.spec.as_mut().unwrap().template.spec.as_mut().unwrap();
        let env = pod.containers[0].env.as_mut().unwrap();
        let before = env.len();
        env.retain(|variable| !own.contains(&variable.name.as_str()));
        assert_eq!(before - env.len(), own.len(), "{name}");
        seen.push(cron_job);
    }
    assert!(seen.len() > 1 && seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

/// Longer than a run may take, so that who waits for the answer gets it; and the pod is ended by then.
#[test]
fn a_cron_job_waits_for_as_long_as_a_run_may_take() {
    let limit = guanxi::store::lease::LIMIT.as_secs();
    for (cron_job, CronJob { spec, .. }) in all::<CronJob>(&overlay("production"), "CronJob") {
        let job = spec.unwrap().job_template.spec.unwrap();
        let pod = job.template.spec.unwrap();
        let script = pod.containers[0].args.as_ref().unwrap().concat();
        let second = pod.containers[0].env.iter().flatten().find(|variable| variable.name == "SECOND").unwrap();
        let second: u64 = second.value.as_ref().unwrap().parse().unwrap();
        let (_, waits) = script.split_once("--max-time ").unwrap();
        let waits: u64 = waits.split_whitespace().next().unwrap().parse().unwrap();
        assert!(waits > limit, "{cron_job}: {waits}");
        assert!(job.active_deadline_seconds.unwrap() as u64 > second + waits, "{cron_job}");
        assert_eq!(job.backoff_limit, Some(0), "{cron_job}");
        assert_eq!(pod.restart_policy.as_deref(), Some("Never"), "{cron_job}");
    }
}
