//! One of several replicas on one Redis: serves the real `.wasm` in a process that a test freezes and kills at a store operation. Prints its
//! URL. The components are those that whoever starts it has built.
//!
//! Arguments: a folder of its own; the URL of the store; WeChat's API. Then it obeys lines, and answers each with one:
//!
//! | line | |
//! |---|---|
//! | `clock <seconds>` | the functions' clock shows so many seconds since 1970, and runs on |
//! | `kill <component> <n>` | SIGKILL before the component's n-th store operation from now on |
//! | `freeze <component> <n>` | SIGSTOP there |
//! | `freeze-at <component> <key>` | SIGSTOP before the component's next write of that key |
//! | `calm` | none of it |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use e2e::at;
use guanxi::time::Timestamp;
use guanxi_host::{
    Host, Options,
    store::{Operation, Verdict},
};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    env, fs,
    io::stdin,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, store, api] = &arguments[..] else { panic!("three arguments") };
    let options = options(folder.as_ref(), store).variable("wechat_api_url", api);
    e2e::run(async {
        let host = Host::start(options).await.unwrap();
        println!("{}", host.url());
        // Ends with whoever started it.
        let obey = move || {
            stdin().lines().map_while(Result::ok).for_each(|line| {
                obey(&host, &line);
                println!("done");
            });
        };
        tokio::task::spawn_blocking(obey).await.unwrap();
    });
}

/// In safe mode, with the components that are there.
fn options(folder: &Path, store: &str) -> Options {
    let config = folder.join("runtime-config.toml");
    fs::write(&config, format!("[key_value_store.default]\ntype = \"redis\"\nurl = \"{store}\"\n")).unwrap();
    Options { runtime_config: Some(config), ..e2e::built("safe") }
}

fn obey(host: &Host, line: &str) {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["clock", seconds] => host.clock().set(at(Timestamp(seconds.parse().unwrap()))),
        ["kill", component, number] => at_operation(host, component, number.parse().unwrap(), Signal::KILL),
        ["freeze", component, number] => at_operation(host, component, number.parse().unwrap(), Signal::STOP),
        ["freeze-at", component, key] => {
            let (component, key) = (component.to_owned(), key.to_owned());
            once(host, Signal::STOP, move |operation| {
                operation.component == component && operation.action.writes() && operation.key == key
            });
        }
        ["calm"] => host.store().unwatch(),
        _ => panic!("unknown: {line}"),
    }
}

fn at_operation(host: &Host, component: &str, number: u64, signal: Signal) {
    let (component, counted) = (component.to_owned(), AtomicU64::new(0));
    once(host, signal, move |operation| {
        operation.component == component && counted.fetch_add(1, Ordering::SeqCst) == number
    });
}

/// Sends this process the signal between a component's call and what the host does for it: when the component has looked at its lease for
/// the last time, and nothing has left for the store yet.
fn once(host: &Host, signal: Signal, is_it: impl Fn(&Operation) -> bool + Send + Sync + 'static) {
    let sent = AtomicU64::new(0);
    host.store().watch(move |operation| {
        if is_it(operation) && sent.fetch_add(1, Ordering::SeqCst) == 0 {
            kill_process(getpid(), signal).unwrap();
        }
        Verdict::Proceed
    });
}
