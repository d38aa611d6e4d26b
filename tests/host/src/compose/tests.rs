#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const GREETER: &str = "fixture:greet/greeter@0.1.0";

/// A component that imports what it is given under `import` and exports it again as `run`.
fn dependent(import: &str, function: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "{import}" (instance $i {function}))
            (alias export $i "greet" (func $greet))
            (export "run" (func $greet)))"#
    );
    wat::parse_str(text).unwrap()
}

/// A component that exports a function `greet: func() -> u32` in `export`, and imports `imports`.
fn dependency(export: &str, imports: &[&str]) -> Vec<u8> {
    let imports: String = imports.iter().map(|name| format!("(import \"{name}\" (instance))")).collect();
    let text = format!(
        r#"(component {imports}
            (core module $m (func (export "greet") (result i32) i32.const 7))
            (core instance $i (instantiate $m))
            (func $greet (result u32) (canon lift (core func $i "greet")))
            (instance $greeter (export "greet" (func $greet)))
            (export "{export}" (instance $greeter)))"#
    );
    wat::parse_str(text).unwrap()
}

fn composed(dependent: Vec<u8>, dependency: Vec<u8>, export: Option<&str>) -> Result<Vec<u8>, ComposeError> {
    let mut composer = Composer::new("app", dependent)?;
    let source = DependencySource::Component("greeter".into());
    composer.satisfy(GREETER, &Dependency { source, export: export.map(str::to_owned) }, dependency)?;
    composer.finish()
}

const FUNCTION: &str = r#"(export "greet" (func (result u32)))"#;

#[test]
fn a_dependency_disappears_into_its_dependent_with_the_imports_it_may_have() {
    let imports = ["wasi:cli/stdout@0.2.6", "wasi:random/insecure-seed@0.2.6"];
    let whole = composed(dependent(GREETER, FUNCTION), dependency(GREETER, &imports), None).unwrap();
    assert_eq!(imports_of(&whole).unwrap(), imports);
}

#[test]
fn a_dependency_inherits_no_configuration() {
    for wanted in [
        "spin:key-value/key-value@3.0.0",
        "spin:variables/variables@3.0.0",
        "wasi:keyvalue/store@0.2.0-draft2",
        "wasi:http/client@0.3.0",
        "wasi:sockets/tcp@0.2.6",
        "wasi:filesystem/types@0.2.6",
    ] {
        let error = composed(dependent(GREETER, FUNCTION), dependency(GREETER, &[wanted]), None).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(error.to_string().contains("inherits no configuration"), "{error}");
    }
}

#[test]
fn a_dependency_must_be_imported_exported_and_of_the_same_type() {
    let error = composed(dependent("a:b/c@0.1.0", FUNCTION), dependency(GREETER, &[]), None).unwrap_err();
    assert!(matches!(error, ComposeError::NotImported { .. }), "{error}");
    let error = composed(dependent(GREETER, FUNCTION), dependency("a:b/c@0.1.0", &[]), None).unwrap_err();
    assert!(matches!(error, ComposeError::NotExported { .. }), "{error}");
    let other = r#"(export "greet" (func (result string)))"#;
    let error = composed(dependent(GREETER, other), dependency(GREETER, &[]), None).unwrap_err();
    assert!(matches!(error, ComposeError::Mismatch { .. }), "{error}");
}

#[test]
fn an_export_of_another_name_can_be_chosen() {
    let other = dependency("a:b/c@0.1.0", &[]);
    assert!(composed(dependent(GREETER, FUNCTION), other, Some("a:b/c@0.1.0")).is_ok());
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    assert!(matches!(imports_of(&module), Err(ComposeError::Malformed { .. })));
}
