#![allow(clippy::unwrap_used)]

use wasmtime::{Instance, Module, Store};

use super::*;

/// The variables that set this up, in the order in which they are looked at, each with the value that it stands for.
fn described(set: &[(&str, &str)]) -> String {
    let find = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    format!("{:?}", pool(find).unwrap())
}

#[test]
fn every_variable_of_spins_changes_the_pool_and_the_first_its_shares() {
    let default = described(&[]);
    let names = [
        "SPIN_WASMTIME_INSTANCE_COUNT",
        "SPIN_WASMTIME_TOTAL_MEMORIES",
        "SPIN_WASMTIME_TOTAL_TABLES",
        "SPIN_WASMTIME_TOTAL_STACKS",
        "SPIN_WASMTIME_TOTAL_CORE_INSTANCES",
        "SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS",
        "SPIN_WASMTIME_INSTANCE_SIZE",
        "SPIN_WASMTIME_CORE_INSTANCE_SIZE",
        "SPIN_WASMTIME_CORE_INSTANCE_COUNT",
        "SPIN_WASMTIME_INSTANCE_TABLES",
        "SPIN_WASMTIME_INSTANCE_MEMORIES",
        "SPIN_WASMTIME_MAX_TABLES_PER_MODULE",
        "SPIN_WASMTIME_MAX_MEMORIES_PER_MODULE",
        "SPIN_WASMTIME_LINEAR_MEMORY_KEEP_RESIDENT",
        "SPIN_WASMTIME_TABLE_KEEP_RESIDENT",
    ];
    for name in names {
        assert_ne!(described(&[(name, "7")]), default, "{name}");
    }
    let shares = [
        ("SPIN_WASMTIME_INSTANCE_COUNT", "7"),
        ("SPIN_WASMTIME_TOTAL_MEMORIES", "7"),
        ("SPIN_WASMTIME_TOTAL_TABLES", "14"),
        ("SPIN_WASMTIME_TOTAL_STACKS", "7"),
        ("SPIN_WASMTIME_TOTAL_CORE_INSTANCES", "28"),
    ];
    assert_eq!(described(&[("SPIN_MAX_INSTANCE_COUNT", "7")]), described(&shares));
}

#[test]
fn without_variables_the_numbers_are_spins() {
    let numbers = [
        ("SPIN_MAX_INSTANCE_COUNT", "1000"),
        ("SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS", "100000"),
        ("SPIN_WASMTIME_INSTANCE_SIZE", "10485760"),
        ("SPIN_WASMTIME_CORE_INSTANCE_SIZE", "10485760"),
        ("SPIN_WASMTIME_CORE_INSTANCE_COUNT", "200"),
        ("SPIN_WASMTIME_INSTANCE_TABLES", "64"),
        ("SPIN_WASMTIME_INSTANCE_MEMORIES", "32"),
        ("SPIN_WASMTIME_MAX_TABLES_PER_MODULE", "2"),
        ("SPIN_WASMTIME_MAX_MEMORIES_PER_MODULE", "2"),
        ("SPIN_WASMTIME_LINEAR_MEMORY_KEEP_RESIDENT", "2097152"),
        ("SPIN_WASMTIME_TABLE_KEEP_RESIDENT", "524288"),
    ];
    assert_eq!(described(&[]), described(&numbers));
}

#[test]
fn a_value_that_is_no_number_is_refused_by_name() {
    let refused = engine(|name| (name == "SPIN_WASMTIME_TOTAL_TABLES").then(|| "many".to_owned()));
    assert_eq!(refused.err().unwrap(), "SPIN_WASMTIME_TOTAL_TABLES=many: not a number that fits");
    let refused = engine(|name| (name == "SPIN_WASMTIME_POOLING").then(|| "2".to_owned()));
    assert_eq!(refused.err().unwrap(), "SPIN_WASMTIME_POOLING=2: only 1 and 0 are supported");
}

#[test]
fn an_engine_is_interruptible() {
    let engine = engine(|_| None).unwrap();
    let endless = wat::parse_str("(module (func (export \"endless\") (loop br 0)))").unwrap();
    let module = Module::new(&engine, endless).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let endless = instance.get_typed_func::<(), ()>(&mut store, "endless").unwrap();
    engine.increment_epoch();
    assert!(endless.call(&mut store, ()).is_err());
}
