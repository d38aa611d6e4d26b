#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn routes(routes: &[&str]) -> Result<Routes, RouteError> {
    let trigger = |route: &&str| HttpTrigger { route: (*route).to_owned(), component: (*route).to_owned() };
    Routes::new(&routes.iter().map(trigger).collect::<Vec<_>>())
}

#[test]
fn exact_beats_parameter_beats_wildcard_and_the_longest_wins() {
    let routes = routes(&["/...", "/a/...", "/a/:id", "/a/b", "/a/:id/...", "/a/b/..."]).unwrap();
    for (path, route) in [
        ("/", "/..."),
        ("/c/d", "/..."),
        ("/a", "/a/..."),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b"),
        ("/a/c", "/a/:id"),
        ("/a/b/c", "/a/b/..."),
        ("/a/c/d", "/a/:id/..."),
    ] {
        assert_eq!(routes.find(path).unwrap().component, route, "{path}");
    }
    assert!(super::Routes::new(&[]).unwrap().find("/").is_none());
}

#[test]
fn path_info_is_what_the_wildcard_took_with_its_slashes() {
    let routes = routes(&["/foo/..."]).unwrap();
    for (path, info) in [("/foo", ""), ("/foo/", "/"), ("/foo/bar", "/bar"), ("/foo/bar/", "/bar/")] {
        assert_eq!(routes.find(path).unwrap().path_info, info, "{path}");
    }
}

#[test]
fn routes_that_match_the_same_paths_are_refused() {
    for pair in [["/a", "/a"], ["/a", "/a/"], ["/a/:x", "/a/:y"], ["/:x/...", "/:y/..."]] {
        assert!(matches!(routes(&pair), Err(RouteError::Duplicate { .. })), "{pair:?}");
    }
}

#[test]
fn what_is_no_route_is_refused() {
    for route in ["a", "", "/a/.../b", "/a/*", "/.well-known/spin/mine"] {
        assert!(matches!(routes(&[route]), Err(RouteError::Malformed { .. })), "{route:?}");
    }
}
