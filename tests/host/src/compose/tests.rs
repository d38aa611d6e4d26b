#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const FUNCTION: &str = r#"(export "greet" (func (result u32)))"#;

/// A component that imports `function` from each of `imports`, and exports the first of them again as `run`.
fn dependent(imports: &[&str], function: &str) -> Vec<u8> {
    let others: String =
        imports.iter().skip(1).map(|name| format!("(import \"{name}\" (instance {function}))")).collect();
    let text = format!(
        r#"(component
            (import "{import}" (instance $i {function}))
            {others}
            (alias export $i "greet" (func $greet))
            (export "run" (func $greet)))"#,
        import = imports[0]
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

/// The component `app` with these dependencies, by name, in Spin's order.
fn composed(dependent: Vec<u8>, dependencies: &[(&str, Option<&str>, Vec<u8>)]) -> Result<Vec<u8>, DependencyProblem> {
    let names: BTreeMap<DependencyName, _> =
        dependencies.iter().map(|(name, export, bytes)| (name.parse().unwrap(), (*export, bytes.clone()))).collect();
    let declared = names.iter().map(|(name, (export, bytes))| Declared { name, export: *export, bytes: bytes.clone() });
    compose_bytes("app", dependent, declared.collect())
}

/// Why they are not composed.
fn refusal(dependent: Vec<u8>, dependencies: &[(&str, Option<&str>, Vec<u8>)]) -> String {
    composed(dependent, dependencies).unwrap_err().to_string()
}

const GREETER: &str = "fixture:greet/greeter@0.1.0";
const WAVER: &str = "fixture:wave/waver@0.1.0";

#[test]
fn a_dependency_disappears_into_its_dependent_with_the_imports_it_may_have() {
    let imports = ["wasi:cli/stdout@0.2.6", "wasi:random/insecure-seed@0.2.6"];
    let whole = composed(dependent(&[GREETER], FUNCTION), &[(GREETER, None, dependency(GREETER, &imports))]).unwrap();
    assert_eq!(imports_of(&whole).unwrap(), imports);
}

#[test]
fn two_dependencies_of_one_package_are_refused_with_spins_reason() {
    let two = |package: &str| [format!("{package}/one@0.1.0"), format!("{package}/two@0.1.0")];
    let [one, two] = two("fixture:greet");
    let both = [(one.as_str(), None, dependency(&one, &[])), (two.as_str(), None, dependency(&two, &[]))];
    let refusal = refusal(dependent(&[&one, &two], FUNCTION), &both);
    assert_eq!(refusal, "package `fixture:greet` has already been registered in the graph");
    let whole =
        ComposeError::Dependencies { component: "app".into(), problem: Box::new(DependencyProblem::Graph(refusal)) };
    let expected = "failed to resolve dependencies for component \"app\": package `fixture:greet` has already been \
                    registered in the graph";
    assert_eq!(whole.to_string(), expected);
    // Another version is no other package.
    let (one, two) = ("fixture:greet/one@0.1.0", "fixture:greet/one@0.2.0");
    let both = [(one, None, dependency(one, &[])), (two, None, dependency(two, &[]))];
    let refused = composed(dependent(&[one, two], FUNCTION), &both);
    assert!(matches!(refused, Err(DependencyProblem::Graph(_))), "{refused:?}");
}

#[test]
fn a_plain_name_is_not_the_components_own_id() {
    let instance = |name: &str| [(name.to_owned(), None::<&str>, dependency("greeter", &[]))];
    for (name, taken) in [("greeter", true), ("app", false)] {
        let [(import, _, bytes)] = instance(name);
        let result = composed(dependent(&[&import], FUNCTION), &[(&import, Some("greeter"), bytes)]);
        assert_eq!(result.is_ok(), taken, "{name}: {result:?}");
    }
}

#[test]
fn dependencies_of_different_packages_are_composed() {
    let both = [(GREETER, None, dependency(GREETER, &[])), (WAVER, None, dependency(WAVER, &[]))];
    let whole = composed(dependent(&[GREETER, WAVER], FUNCTION), &both).unwrap();
    assert_eq!(imports_of(&whole).unwrap(), [""; 0]);
}

#[test]
fn a_name_without_interface_or_version_is_for_all_that_have_any() {
    for name in ["fixture:greet", "fixture:greet@0.1.0", "fixture:greet/greeter"] {
        let whole = composed(dependent(&[GREETER], FUNCTION), &[(name, None, dependency(GREETER, &[]))]).unwrap();
        assert_eq!(imports_of(&whole).unwrap(), [""; 0], "{name}");
    }
    // Two imports of the package, of which the dependency has one.
    let other = "fixture:greet/other@0.1.0";
    let refused = refusal(dependent(&[GREETER, other], FUNCTION), &[("fixture:greet", None, dependency(GREETER, &[]))]);
    let expected = "dependency 'fixture:greet' doesn't export 'fixture:greet/other@0.1.0' to satisfy import \
                    'fixture:greet/other@0.1.0'";
    assert!(refused.starts_with(expected), "{refused}");
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
        let refused = refusal(dependent(&[GREETER], FUNCTION), &[(GREETER, None, dependency(GREETER, &[wanted]))]);
        assert!(refused.contains(wanted) && refused.contains("inherits no configuration"), "{refused}");
    }
}

#[test]
fn a_dependency_must_be_imported_exported_and_of_the_same_type() {
    let refused = composed(dependent(&["a:b/c@0.1.0"], FUNCTION), &[(GREETER, None, dependency(GREETER, &[]))]);
    let refused = refused.unwrap_err();
    assert!(matches!(refused, DependencyProblem::Unmatched { .. }), "{refused}");
    assert!(refused.to_string().starts_with("dependency 'fixture:greet/greeter@0.1.0' doesn't match any imports"));
    let refused = composed(dependent(&[GREETER], FUNCTION), &[(GREETER, None, dependency("a:b/c@0.1.0", &[]))]);
    assert!(matches!(refused, Err(DependencyProblem::MissingExport { .. })), "{refused:?}");
    let other = r#"(export "greet" (func (result string)))"#;
    let refused = composed(dependent(&[GREETER], other), &[(GREETER, None, dependency(GREETER, &[]))]);
    assert!(matches!(refused, Err(DependencyProblem::Mismatch { .. })), "{refused:?}");
}

#[test]
fn what_is_imported_is_looked_at_before_what_is_registered_and_both_before_what_is_exported() {
    // The second fits no import, the third has the package of the first, and the first does not export what it should.
    let one = ("fixture:greet/one@0.1.0", None, dependency("fixture:greet/none@0.1.0", &[]));
    let two = ("fixture:greet/two@0.1.0", None, dependency("fixture:greet/two@0.1.0", &[]));
    let unmatched = ("fixture:bow/bower@0.1.0", None, dependency("fixture:bow/bower@0.1.0", &[]));
    let app = || dependent(&[one.0, two.0], FUNCTION);
    assert!(refusal(app(), &[one.clone(), two.clone(), unmatched]).contains("doesn't match any imports"));
    assert!(refusal(app(), &[one.clone(), two]).contains("already been registered"));
    assert!(refusal(app(), &[one]).contains("doesn't export"));
}

#[test]
fn an_export_of_another_name_can_be_chosen() {
    let other = dependency("a:b/c@0.1.0", &[]);
    assert!(composed(dependent(&[GREETER], FUNCTION), &[(GREETER, Some("a:b/c@0.1.0"), other)]).is_ok());
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str("(module)").unwrap();
    assert!(matches!(imports_of(&module), Err(ComposeError::Malformed(_))));
    let refused = composed(dependent(&[GREETER], FUNCTION), &[(GREETER, None, module.clone())]);
    assert!(matches!(refused, Err(DependencyProblem::Malformed { .. })), "{refused:?}");
    let refused = composed(module, &[(GREETER, None, dependency(GREETER, &[]))]);
    assert!(matches!(refused, Err(DependencyProblem::Malformed { .. })), "{refused:?}");
}
