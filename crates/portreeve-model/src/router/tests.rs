use proptest::prelude::*;

use super::*;
use crate::plan::{HeaderPattern, PathPattern};
use crate::resolved::Resolved;
use crate::samples::{Request, plan, route_plan};
use crate::snapshot::Snapshot;

fn exact_host(host: &str) -> HostPattern {
    HostPattern::Exact(host.into())
}

fn suffix(host: &str) -> HostPattern {
    HostPattern::Suffix(host.into())
}

fn exact(path: &str) -> PathPattern {
    PathPattern::Exact(path.into())
}

fn prefix(path: &str) -> PathPattern {
    PathPattern::Prefix(path.into())
}

fn header(name: &str, value: Option<&str>) -> HeaderPattern {
    HeaderPattern {
        name: name.into(),
        value: value.map(str::to_owned),
    }
}

fn by_hosts(name: &str, hosts: &[HostPattern]) -> RoutePlan {
    RoutePlan {
        hosts: hosts.to_vec(),
        ..route_plan(name)
    }
}

fn by_paths(name: &str, paths: &[PathPattern]) -> RoutePlan {
    RoutePlan {
        paths: paths.to_vec(),
        ..route_plan(name)
    }
}

/// The names of the routes that these requests take.
fn taken<const N: usize>(routes: Vec<RoutePlan>, requests: [Request; N]) -> [String; N] {
    let snapshot = Snapshot::build(&plan(routes), &Resolved::new(), None, 1);
    requests.map(|request| taken_in(&snapshot, &request))
}

fn taken_in(snapshot: &Snapshot, request: &Request) -> String {
    match snapshot.listeners[0].route(request) {
        Routed::Found(route) => route.name.to_string(),
        Routed::NoPath => "404".into(),
        Routed::NoHost => "421".into(),
    }
}

#[test]
fn one_route_for_everything_takes_everything() {
    let requests = [
        Request::get("", "*"),
        Request::get("a.b:80", "/%2e%2e"),
        Request::default(),
    ];
    assert_eq!(taken(vec![route_plan("all")], requests), ["all", "all", "all"]);
}

#[test]
fn a_listener_without_routes_serves_no_host() {
    assert_eq!(taken(Vec::new(), [Request::get("a", "/")]), ["421"]);
}

#[test]
fn the_exact_host_goes_before_the_longest_suffix_before_any() {
    let routes = vec![
        route_plan("any"),
        by_hosts("short", &[suffix(".com")]),
        by_hosts("long", &[suffix(".example.com")]),
        by_hosts("exact", &[exact_host("shop.example.com")]),
    ];
    let requests = [
        "SHOP.example.com:81",
        "a.shop.example.com",
        "example.com",
        "com",
        "",
    ]
    .map(|host| Request::get(host, "/"));
    assert_eq!(taken(routes, requests), ["exact", "long", "short", "any", "any"]);
}

#[test]
fn the_case_of_a_host_in_the_plan_does_not_matter() {
    let routes = vec![by_hosts(
        "shop",
        &[exact_host("Shop.Example.com"), suffix(".Example.org")],
    )];
    let requests = ["shop.example.com", "a.example.org"].map(|host| Request::get(host, "/"));
    assert_eq!(taken(routes, requests), ["shop", "shop"]);
}

#[test]
fn a_suffix_needs_a_label_before_it() {
    let requests =
        ["example.com", ".example.com", "a.example.com", "aexample.com"].map(|host| Request::get(host, "/"));
    let routes = vec![by_hosts("sub", &[suffix(".example.com")])];
    assert_eq!(taken(routes, requests), ["421", "421", "sub", "421"]);
}

#[test]
fn the_exact_path_goes_before_the_longest_prefix_before_any() {
    let routes = vec![
        route_plan("any"),
        by_paths("short", &[prefix("/api/")]),
        by_paths("long", &[prefix("/api/v1/")]),
        by_paths("exact", &[exact("/api/v1/users")]),
    ];
    let requests =
        ["/api/v1/users", "/api/v1/users/", "/api/v2", "/api", "*"].map(|path| Request::get("", path));
    assert_eq!(taken(routes, requests), ["exact", "long", "short", "any", "any"]);
}

#[test]
fn paths_are_compared_in_their_normal_form() {
    let routes = vec![
        by_paths("admin", &[prefix("/%61dmin/")]),
        by_paths("rest", &[prefix("/")]),
    ];
    let requests = [
        "/admin/x",
        "//admin/x",
        "/a/../admin/x",
        "/%61dmin/x",
        "/admin%2Fx",
    ]
    .map(|path| Request::get("", path));
    assert_eq!(
        taken(routes, requests),
        ["admin", "admin", "admin", "admin", "rest"]
    );
}

#[test]
fn less_specific_hosts_are_asked_when_the_best_has_no_such_path() {
    let mut shop = by_hosts("shop", &[exact_host("shop.example.com")]);
    shop.paths = vec![prefix("/api/")];
    let mut family = by_hosts("family", &[suffix(".example.com")]);
    family.paths = vec![exact("/")];
    let requests = ["/api/1", "/", "/other"].map(|path| Request::get("shop.example.com", path));
    assert_eq!(
        taken(vec![shop.clone(), family.clone()], requests.clone()),
        ["shop", "family", "404"]
    );
    assert_eq!(
        taken(vec![shop, family, route_plan("any")], requests),
        ["shop", "family", "any"]
    );
}

#[test]
fn an_unknown_host_is_told_from_an_unknown_path() {
    let mut shop = by_hosts("shop", &[exact_host("shop.example.com")]);
    shop.methods = vec!["POST".into()];
    let requests = ["shop.example.com", "other.example.com"].map(|host| Request::get(host, "/"));
    assert_eq!(taken(vec![shop], requests), ["404", "421"]);
    assert_eq!(
        taken(
            vec![by_paths("path", &[exact("/a")])],
            [Request::get("anything", "/b")]
        ),
        ["404"]
    );
}

#[test]
fn more_fields_go_before_a_method_before_the_order_of_the_plan() {
    let mut two = route_plan("two");
    two.headers = vec![header("a", None), header("b", None)];
    let mut one = RoutePlan {
        headers: vec![header("a", None)],
        ..route_plan("one")
    };
    let mut method = route_plan("method");
    method.methods = vec!["GET".into(), "HEAD".into()];
    let routes = vec![
        route_plan("first"),
        route_plan("second"),
        method,
        one.clone(),
        two,
    ];
    let plain = Request::get("", "/");
    let requests = [
        plain.clone().with("a", "1").with("b", "2"),
        plain.clone().with("a", "1"),
        plain.clone(),
        Request {
            method: "get".into(),
            ..plain.clone()
        },
    ];
    assert_eq!(taken(routes.clone(), requests), ["two", "one", "method", "first"]);
    one.methods = vec!["GET".into()];
    one.name = "one with method".into();
    assert_eq!(
        taken([routes, vec![one]].concat(), [plain.with("a", "1")]),
        ["one with method"]
    );
}

#[test]
fn a_header_must_be_there_and_one_line_must_have_the_value() {
    let mut beta = route_plan("beta");
    beta.headers = vec![header("x-beta", Some("yes"))];
    let plain = Request::get("", "/");
    let requests = [
        plain.clone().with("x-beta", "yes"),
        plain.clone().with("x-beta", "no").with("x-beta", "yes"),
        plain.clone().with("x-beta", "Yes"),
        plain,
    ];
    assert_eq!(
        taken(vec![beta, route_plan("rest")], requests),
        ["beta", "beta", "rest", "rest"]
    );
}

#[test]
fn a_route_with_several_hosts_and_paths_takes_each_of_them() {
    let mut route = by_hosts("r", &[exact_host("a"), suffix(".b")]);
    route.paths = vec![exact("/x"), prefix("/y/")];
    let requests = [
        ("a", "/x"),
        ("a", "/y/1"),
        ("c.b", "/x"),
        ("c.b", "/y/"),
        ("a", "/y"),
    ]
    .map(|(host, path)| Request::get(host, path));
    assert_eq!(taken(vec![route], requests), ["r", "r", "r", "r", "404"]);
}

#[test]
fn a_route_serves_only_the_listeners_it_names() {
    let mut elsewhere = route_plan("elsewhere");
    elsewhere.listeners = vec!["admin".into()];
    let mut here = route_plan("here");
    here.listeners = vec!["admin".into(), "web".into()];
    assert_eq!(taken(vec![elsewhere, here], [Request::get("", "/")]), ["here"]);
}

/// What a route asks, judged one by one, without tables.
fn fits(route: &RoutePlan, request: &Request) -> Option<impl Ord + use<>> {
    let host = best(&route.hosts, |pattern| match pattern {
        HostPattern::Exact(name) => (*name == request.host).then_some(usize::MAX),
        HostPattern::Suffix(name) => {
            let is_longer = request.host.len() > name.len();
            (is_longer && request.host.ends_with(name.as_str())).then_some(name.len())
        }
    })?;
    let path = best(&route.paths, |pattern| match pattern {
        PathPattern::Exact(path) => (*path == request.path).then_some(usize::MAX),
        PathPattern::Prefix(path) => request.path.starts_with(path.as_str()).then_some(path.len()),
    })?;
    let is_method = route.methods.is_empty() || route.methods.contains(&request.method);
    let has = |wanted: &HeaderPattern| request.any_field(&wanted.name, &mut |_| true);
    let is_fitting = is_method && route.headers.iter().all(has);
    is_fitting.then_some((host, path, route.headers.len(), !route.methods.is_empty()))
}

/// `Some(0)`: there is no pattern, so any will do. `None`: none fits.
fn best<P>(patterns: &[P], rank: impl Fn(&P) -> Option<usize>) -> Option<usize> {
    if patterns.is_empty() {
        Some(0)
    } else {
        patterns.iter().filter_map(rank).max()
    }
}

fn hosts() -> impl Strategy<Value = HostPattern> {
    let patterns = [
        exact_host("a.b.c"),
        exact_host("b.c"),
        suffix(".c"),
        suffix(".b.c"),
    ];
    prop::sample::select(patterns.to_vec())
}

fn paths() -> impl Strategy<Value = PathPattern> {
    let patterns = [
        exact("/"),
        exact("/x/y"),
        exact("/x/"),
        prefix("/"),
        prefix("/x/"),
        prefix("/x/y"),
    ];
    prop::sample::select(patterns.to_vec())
}

prop_compose! {
    fn routes()(
        hosts in prop::collection::vec(hosts(), 0..3),
        paths in prop::collection::vec(paths(), 0..3),
        methods in prop::collection::vec(prop::sample::select(vec!["GET".to_owned(), "PUT".to_owned()]), 0..2),
        headers in prop::collection::vec(prop::sample::select(vec![header("h", None), header("i", None)]), 0..2),
    ) -> RoutePlan {
        RoutePlan { hosts, paths, methods, headers, ..route_plan("") }
    }
}

prop_compose! {
    fn requests()(
        host in prop::sample::select(vec!["a.b.c", "b.c", "c", "x.a.b.c", "other"]),
        path in prop::sample::select(vec!["/", "/x", "/x/", "/x/y", "/x/yz", "/z"]),
        method in prop::sample::select(vec!["GET", "PUT", "POST"]),
        fields in prop::sample::subsequence(vec!["h", "i"], 0..=2),
    ) -> Request {
        let plain = Request { method: method.into(), ..Request::get(host, path) };
        fields.into_iter().fold(plain, |request, name| request.with(name, "1"))
    }
}

proptest! {
    #[test]
    fn the_tables_find_what_asking_every_route_finds(
        mut routes in prop::collection::vec(routes(), 0..8), request in requests(),
    ) {
        for (place, route) in routes.iter_mut().enumerate() {
            route.name = place.to_string().into();
        }
        let fitting = routes.iter().rev().filter_map(|route| Some((fits(route, &request)?, route)));
        let wanted = fitting.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, route)| &route.name);
        let serves_host = routes.iter().any(|route| {
            let any_path = RoutePlan { hosts: route.hosts.clone(), ..route_plan("") };
            fits(&any_path, &request).is_some()
        });
        let otherwise = if serves_host { "404" } else { "421" };
        let snapshot = Snapshot::build(&plan(routes.clone()), &Resolved::new(), None, 1);
        prop_assert_eq!(taken_in(&snapshot, &request), wanted.map_or(otherwise, |name| name));
    }
}
