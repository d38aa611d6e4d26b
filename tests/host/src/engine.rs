//! The engine, set up as Spin sets up its own, with the same environment variables: figures taken here and limits met here
//! are Spin's.
//!
//! All components share one pool. A component instance takes a place of its own, and with each component that is composed
//! into it a memory: `SPIN_MAX_INSTANCE_COUNT` (default 1,000) says how many of both there are, the others one by one.
//! Where the pool is empty a request is answered with 500. `SPIN_WASMTIME_POOLING=0` does without it.

use std::str::FromStr;

use wasmtime::{Cache, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

const MB: usize = 1 << 20;

/// What an instance computes may take as long as it likes: no deadline is ever reached.
pub(crate) const NO_DEADLINE: u64 = u64::MAX / 2;

/// Makes an engine. `variable` gives the values of environment variables.
pub(crate) fn engine(variable: impl Fn(&str) -> Option<String>) -> Result<Engine, String> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    // Costs components some time whether or not there is a deadline.
    config.epoch_interruption(true);
    config.allocation_strategy(allocation(variable)?);
    // Compiled code is kept where the wasmtime command line keeps its own. Without a place for it, starts are slower.
    config.cache(Cache::from_file(None).ok());
    Engine::new(&config).map_err(|error| format!("{error:#}"))
}

fn allocation(variable: impl Fn(&str) -> Option<String>) -> Result<InstanceAllocationStrategy, String> {
    match variable("SPIN_WASMTIME_POOLING").as_deref() {
        None | Some("1") => Ok(InstanceAllocationStrategy::Pooling(pool(variable)?)),
        Some("0") => Ok(InstanceAllocationStrategy::OnDemand),
        Some(other) => Err(format!("SPIN_WASMTIME_POOLING={other}: only 1 and 0 are supported")),
    }
}

/// Spin's numbers (its crate `spin-core`).
fn pool(variable: impl Fn(&str) -> Option<String>) -> Result<PoolingAllocationConfig, String> {
    let instances: u32 = number(&variable, "SPIN_MAX_INSTANCE_COUNT", 1_000)?;
    let count = |name: &str, default: u32| number(&variable, name, default);
    let size = |name: &str, default: usize| number(&variable, name, default);
    let times = |factor: u32| instances.saturating_mul(factor);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(count("SPIN_WASMTIME_INSTANCE_COUNT", instances)?)
        .total_memories(count("SPIN_WASMTIME_TOTAL_MEMORIES", instances)?)
        .total_tables(count("SPIN_WASMTIME_TOTAL_TABLES", times(2))?)
        .total_stacks(count("SPIN_WASMTIME_TOTAL_STACKS", instances)?)
        .total_core_instances(count("SPIN_WASMTIME_TOTAL_CORE_INSTANCES", times(4))?)
        .table_elements(size("SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS", 100_000)?)
        .max_component_instance_size(size("SPIN_WASMTIME_INSTANCE_SIZE", 10 * MB)?)
        .max_core_instance_size(size("SPIN_WASMTIME_CORE_INSTANCE_SIZE", 10 * MB)?)
        .max_core_instances_per_component(count("SPIN_WASMTIME_CORE_INSTANCE_COUNT", 200)?)
        .max_tables_per_component(count("SPIN_WASMTIME_INSTANCE_TABLES", 64)?)
        .max_memories_per_component(count("SPIN_WASMTIME_INSTANCE_MEMORIES", 32)?)
        .max_tables_per_module(count("SPIN_WASMTIME_MAX_TABLES_PER_MODULE", 2)?)
        .max_memories_per_module(count("SPIN_WASMTIME_MAX_MEMORIES_PER_MODULE", 2)?)
        .max_memory_size(4096 * MB)
        // What stays of an instance's memory when it ends, to be zeroed again instead of mapped anew.
        .linear_memory_keep_resident(size("SPIN_WASMTIME_LINEAR_MEMORY_KEEP_RESIDENT", 2 * MB)?)
        .table_keep_resident(size("SPIN_WASMTIME_TABLE_KEEP_RESIDENT", MB / 2)?);
    Ok(pool)
}

fn number<T: FromStr>(variable: impl Fn(&str) -> Option<String>, name: &str, default: T) -> Result<T, String> {
    match variable(name) {
        Some(value) => value.parse().map_err(|_| format!("{name}={value}: not a number that fits")),
        None => Ok(default),
    }
}

#[cfg(test)]
mod tests;
