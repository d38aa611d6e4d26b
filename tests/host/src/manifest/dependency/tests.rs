#![allow(clippy::unwrap_used)]

use super::*;

fn name(text: &str) -> DependencyName {
    text.parse().unwrap()
}

#[test]
fn a_name_is_for_the_imports_that_it_is_for_in_spin() {
    for (own, imports) in [
        ("foo:bar/baz@0.1.0", &["foo:bar/baz@0.1.0"][..]),
        ("foo:bar/baz", &["foo:bar/baz@0.1.0", "foo:bar/baz"]),
        ("foo:bar", &["foo:bar/baz@0.1.0", "foo:bar/baz"]),
        ("foo:bar@0.1.0", &["foo:bar/baz@0.1.0"]),
        ("foo-bar", &["foo-bar"]),
    ] {
        for import in imports {
            assert_eq!(name(own).matches(import), Ok(true), "{own} {import}");
        }
    }
    for (own, imports) in [
        ("foo:bar/baz@0.1.0", &["foo:bar/baz", "foo:bar/baz@0.1.1"][..]),
        ("foo:bar/baz", &["foo:bar/bub", "foo:bar/bub@0.1.0", "foo:bar/baz-bub", "foo-bar"]),
        ("foo:bar", &["foo:bub/bib", "foo-bar"]),
        ("foo:bar@0.1.0", &["foo:bar/baz"]),
        ("foo-bar", &["foo", "foo:bar/foo-bar"]),
    ] {
        for import in imports {
            assert_eq!(name(own).matches(import), Ok(false), "{own} {import}");
        }
    }
    for import in ["foo:bar", "foo:bar/baz@one", "Foo_bar"] {
        assert!(name("foo:bar").matches(import).is_err(), "{import}");
    }
}

#[test]
fn two_names_of_one_package_differ_in_interface_or_incompatible_version() {
    for (one, other, disjoint) in [
        ("a:b/c", "a:b/d", true),
        ("a:b/c@0.1.0", "a:b/d@0.1.0", true),
        ("a:b/c@0.1.0", "a:b/c@0.2.0", true),
        ("a:b/c@0.0.1", "a:b/c@0.0.2", true),
        ("a:b/c@1.0.0", "a:b/c@2.0.0", true),
        ("a:b/c@1.0.0-x", "a:b/c@1.0.0-y", true),
        ("a:b/c", "x:b/c", true),
        ("a-b", "c-d", true),
        ("a:b/c@0.1.0", "a:b/c@0.1.1", false),
        ("a:b/c@1.2.0", "a:b/c@1.9.9", false),
        ("a:b/c@1.0.0+x", "a:b/c@1.0.0+y", false),
        ("a:b", "a:b/c", false),
        ("a:b@0.1.0", "a:b/c", false),
        ("a:b/c", "a:b/c@0.1.0", false),
    ] {
        assert_eq!(name(one).is_disjoint_from(&name(other)), disjoint, "{one} {other}");
        assert_eq!(name(other).is_disjoint_from(&name(one)), disjoint, "{other} {one}");
    }
}

#[test]
fn a_name_is_written_as_it_was_read_and_registered_without_its_end() {
    for (text, registered) in [
        ("foo:bar/baz@0.1.0", "foo:bar"),
        ("foo:bar/baz", "foo:bar"),
        ("foo:bar@0.1.0", "foo:bar"),
        ("foo:bar", "foo:bar"),
        ("foo-bar", "foo-bar"),
    ] {
        assert_eq!((name(text).to_string().as_str(), name(text).registered_as()), (text, registered));
    }
}

#[test]
fn what_is_no_name_is_refused() {
    for text in ["", "a/b", "a:b:c", ":b", "a:", "a:b/", "a:b/c/d", "a:b/c@", "a:b/c@1", "a_b", "A:b", "a:b@x", "a-"] {
        assert!(text.parse::<DependencyName>().is_err(), "{text:?}");
    }
}
