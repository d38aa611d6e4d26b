//! What an instance keeps between its requests, and who may ask it for what.

use guanxi_spin::{
    Stopwatch,
    reports::{Reports, brand_of},
    shell::{Refused, instance, required},
};
use std::{cell::OnceCell, rc::Rc};

/// The playbook that was compiled into this component.
const BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/playbook.bin"));

thread_local! {
    static INSTANCE: OnceCell<Rc<Reports>> = const { OnceCell::new() };
}

/// Who may do what.
pub(crate) struct Tokens {
    pub(crate) job: String,
    pub(crate) console: String,
}

impl Tokens {
    pub(crate) async fn read() -> Result<Self, Refused> {
        Ok(Self { job: required("job_token").await?, console: required("console_token").await? })
    }
}

/// The reports of this instance, opened at its first request.
pub(crate) async fn reports(watch: &Stopwatch) -> Result<Rc<Reports>, Refused> {
    let load = |published: Option<&[u8]>| brand_of(published.unwrap_or(BUILT_IN));
    instance(&INSTANCE, async || Reports::open(load, watch).await).await
}
