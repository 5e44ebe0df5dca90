use std::net::IpAddr;

use super::*;
use crate::plan::BalancePlan;
use crate::samples::{pool_of, pool_plan};

/// A request as bytes.
#[derive(Debug, Clone, Default)]
struct Asked {
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fields: Vec<(&'static str, Vec<u8>)>,
}

impl Asked {
    fn host(host: impl AsRef<[u8]>) -> Self {
        Self {
            host: host.as_ref().to_vec(),
            ..Self::default()
        }
    }

    fn path(path: impl AsRef<[u8]>) -> Self {
        Self {
            path: path.as_ref().to_vec(),
            ..Self::default()
        }
    }

    fn query(query: impl AsRef<[u8]>) -> Self {
        Self {
            query: query.as_ref().to_vec(),
            ..Self::default()
        }
    }

    fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push((name, value.as_ref().to_vec()));
        self
    }

    fn header(value: impl AsRef<[u8]>) -> Self {
        Self::default().with("policy", value)
    }

    fn cookie(line: impl AsRef<[u8]>) -> Self {
        Self::default().with("cookie", line)
    }
}

impl RequestView for Asked {
    fn method(&self) -> &[u8] {
        b"GET"
    }

    fn host(&self) -> &[u8] {
        &self.host
    }

    fn path(&self) -> &[u8] {
        &self.path
    }

    fn query(&self) -> &[u8] {
        &self.query
    }

    fn any_field(&self, lower_name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mut lines = self.fields.iter().filter(|(name, _)| *name == lower_name);
        lines.any(|(_, value)| test(value))
    }

    fn client(&self) -> Option<IpAddr> {
        None
    }
}

fn policies(names: &[&str]) -> Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
}

fn from(from: PolicySource) -> DemandPlan {
    DemandPlan {
        from,
        accepts: Policies::none(),
        otherwise: Policies::none(),
        is_optional: false,
    }
}

fn header() -> DemandPlan {
    from(PolicySource::Header("policy".into()))
}

fn fixed(names: &[&str]) -> DemandPlan {
    from(PolicySource::Fixed(policies(names)))
}

fn cookie() -> DemandPlan {
    from(PolicySource::Cookie("policy".into()))
}

fn query() -> DemandPlan {
    from(PolicySource::Query("policy".into()))
}

/// One backend for each of these policies, and one that upholds nothing.
fn known_pool() -> Arc<Pool> {
    let names = [
        "eu", "us", "hipaa", "a b", "ü", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9",
    ];
    let mut plan = pool_plan("pool", BalancePlan::RoundRobin, &[1; 15]);
    for (target, name) in plan.targets.iter_mut().zip(names) {
        target.policies = policies(&[name]);
    }
    pool_of(&plan)
}

/// What is demanded, as text, or why it is refused.
fn demanded_of(demands: &[DemandPlan], asked: &Asked) -> Result<String, Cause> {
    let pool = known_pool();
    let demanded = demanded(demands, &pool, asked);
    demanded
        .map(|group| group.policies().to_string())
        .map_err(|unmet| unmet.cause)
}

#[track_caller]
fn assert_demands(demand: &DemandPlan, asked: &Asked, expected: &str) {
    assert_eq!(
        demanded_of(std::slice::from_ref(demand), asked),
        Ok(expected.to_owned()),
        "{asked:?}"
    );
}

#[track_caller]
fn assert_refused(demand: &DemandPlan, asked: &Asked, expected: Cause) {
    assert_eq!(
        demanded_of(std::slice::from_ref(demand), asked),
        Err(expected),
        "{asked:?}"
    );
}

#[test]
fn a_route_without_demands_lets_everybody_serve() {
    assert_eq!(demanded_of(&[], &Asked::header("eu")), Ok(String::new()));
}

#[test]
fn fixed_policies_are_demanded_whatever_the_request_says() {
    assert_demands(&fixed(&["eu"]), &Asked::header("us"), "eu");
    assert_demands(&fixed(&["eu", "hipaa"]), &Asked::default(), "eu, hipaa");
}

#[test]
fn all_lines_of_a_header_and_all_their_parts_are_demanded_together() {
    assert_demands(&header(), &Asked::header("eu"), "eu");
    assert_demands(&header(), &Asked::header("eu, us ,hipaa"), "eu, hipaa, us");
    assert_demands(&header(), &Asked::header("eu").with("policy", "us"), "eu, us");
    assert_demands(&header(), &Asked::header("").with("policy", "us"), "us");
    assert_demands(&header(), &Asked::header("\teu\t,, "), "eu");
    assert_demands(&header(), &Asked::header("ü"), "ü");
}

#[test]
fn a_header_is_not_percent_decoded() {
    assert_refused(&header(), &Asked::header("%65u"), Cause::UnknownPolicy);
}

#[test]
fn a_policy_that_is_demanded_twice_counts_once() {
    assert_demands(&header(), &Asked::header("eu,eu").with("policy", "eu"), "eu");
    let twice = [fixed(&["eu"]), header()];
    assert_eq!(demanded_of(&twice, &Asked::header("eu")), Ok("eu".into()));
}

#[test]
fn what_several_places_demand_is_demanded_together() {
    let both = [fixed(&["hipaa"]), header(), cookie()];
    let asked = Asked::header("eu").with("cookie", "policy=us");
    assert_eq!(demanded_of(&both, &asked), Ok("eu, hipaa, us".into()));
    assert_eq!(
        demanded_of(&both, &Asked::header("eu")),
        Err(Cause::PolicyMissing),
        "each place has to name one"
    );
}

#[test]
fn every_cookie_of_the_name_counts_in_every_line() {
    assert_demands(&cookie(), &Asked::cookie("a=1; policy=eu; b=2"), "eu");
    assert_demands(&cookie(), &Asked::cookie("policy=eu; policy=us"), "eu, us");
    let lines = Asked::cookie("policy=eu").with("cookie", "policy=us");
    assert_demands(&cookie(), &lines, "eu, us");
    assert_demands(&cookie(), &Asked::cookie("policy=a%20b%2C%65u"), "a b, eu");
    for other in ["Policy=eu", "xpolicy=eu", "policy", "policyeu", "a=policy=eu", ""] {
        assert_refused(&cookie(), &Asked::cookie(other), Cause::PolicyMissing);
    }
    assert_refused(&cookie(), &Asked::cookie("policy=\"eu\""), Cause::UnknownPolicy);
}

#[test]
fn every_field_of_the_query_counts_escapes_and_all() {
    assert_demands(&query(), &Asked::query("a=1&policy=eu&b"), "eu");
    assert_demands(&query(), &Asked::query("policy=eu&policy=us"), "eu, us");
    assert_demands(&query(), &Asked::query("p%6Flicy=%65%75%2cus"), "eu, us");
    assert_demands(&query(), &Asked::query("policy=%C3%BC"), "ü");
    for other in [
        "Policy=eu",
        "policy",
        "",
        "&&",
        "a=policy=eu",
        "policy=",
        "policy=,%20,",
    ] {
        assert_refused(&query(), &Asked::query(other), Cause::PolicyMissing);
    }
    for unknown in [
        "policy=%2565u",
        "policy=eu%00",
        "policy=eu%",
        "policy=eu+us",
        "policy=eu;us",
    ] {
        assert_refused(&query(), &Asked::query(unknown), Cause::UnknownPolicy);
    }
}

#[test]
fn one_unknown_among_known_ones_is_enough_to_refuse() {
    assert_refused(
        &query(),
        &Asked::query("policy=eu&policy=mars"),
        Cause::UnknownPolicy,
    );
    assert_refused(&header(), &Asked::header("mars, eu"), Cause::UnknownPolicy);
    let lines = Asked::header("eu").with("policy", "mars").with("policy", "us");
    assert_refused(&header(), &lines, Cause::UnknownPolicy);
}

#[test]
fn labels_of_the_host_count_from_the_left_and_in_lower_case() {
    let label = |nth| from(PolicySource::HostLabel(nth));
    assert_demands(&label(1), &Asked::host("EU.example.com:8080"), "eu");
    assert_demands(&label(2), &Asked::host("shop.us.example."), "us");
    assert_demands(&label(1), &Asked::host("eu"), "eu");
    assert_refused(&label(2), &Asked::host("eu"), Cause::PolicyMissing);
    assert_refused(&label(1), &Asked::host(""), Cause::PolicyMissing);
    assert_refused(&label(1), &Asked::host(".eu"), Cause::PolicyMissing);
    assert_refused(&label(1), &Asked::host("[::1]:80"), Cause::UnknownPolicy);
    let too_long = format!("eu.{}", "a".repeat(300));
    assert_refused(&label(1), &Asked::host(too_long), Cause::PolicyMissing);
}

#[test]
fn segments_of_the_path_count_as_the_router_sees_it() {
    let segment = |nth| from(PolicySource::PathSegment(nth));
    let first = segment(1);
    for path in [
        "/us",
        "/us/",
        "/eu/../us/",
        "/./us/x",
        "//us//",
        "/%75s",
        "/eu/%2e%2e/us/",
        "/../us",
    ] {
        assert_demands(&first, &Asked::path(path), "us");
    }
    assert_demands(&segment(2), &Asked::path("/eu/us"), "us");
    assert_demands(&segment(2), &Asked::path("/v1/eu%2Cus/x"), "eu, us");
    assert_demands(&first, &Asked::path("/a%20b/"), "a b");
    for nothing in ["/", "", "/..", "/us/.."] {
        assert_refused(&first, &Asked::path(nothing), Cause::PolicyMissing);
    }
    for unknown in ["/%2575s", "/eu%2F..%2Fus", "/eu;us", "/EU", "/eu%2e", "/eu\\us"] {
        assert_refused(&first, &Asked::path(unknown), Cause::UnknownPolicy);
    }
    assert_refused(&segment(3), &Asked::path("/eu/us"), Cause::PolicyMissing);
}

#[test]
fn only_what_is_accepted_may_be_asked_for() {
    let some = DemandPlan {
        accepts: policies(&["eu", "us"]),
        ..header()
    };
    assert_demands(&some, &Asked::header("us,eu"), "eu, us");
    assert_refused(&some, &Asked::header("hipaa"), Cause::PolicyNotAccepted);
    assert_refused(&some, &Asked::header("eu,hipaa"), Cause::PolicyNotAccepted);
    assert_refused(&some, &Asked::header("mars"), Cause::PolicyNotAccepted);
    assert_refused(&some, &Asked::default(), Cause::PolicyMissing);
}

#[test]
fn what_is_accepted_but_upheld_by_nobody_is_unknown_to_the_pool() {
    let mars = DemandPlan {
        accepts: policies(&["mars"]),
        ..header()
    };
    assert_refused(&mars, &Asked::header("mars"), Cause::UnknownPolicy);
}

#[test]
fn the_default_stands_in_only_where_nothing_is_named() {
    let eu = DemandPlan {
        otherwise: policies(&["eu", "hipaa"]),
        ..header()
    };
    assert_demands(&eu, &Asked::default(), "eu, hipaa");
    assert_demands(&eu, &Asked::header(" , "), "eu, hipaa");
    assert_demands(&eu, &Asked::header("us"), "us");
    assert_refused(&eu, &Asked::header("mars"), Cause::UnknownPolicy);
    let unknown = DemandPlan {
        otherwise: policies(&["mars"]),
        is_optional: true,
        ..header()
    };
    assert_refused(&unknown, &Asked::default(), Cause::UnknownPolicy);
}

#[test]
fn what_is_optional_may_be_left_out_but_counts_if_it_is_there() {
    let optional = DemandPlan {
        is_optional: true,
        ..header()
    };
    assert_demands(&optional, &Asked::default(), "");
    assert_demands(&optional, &Asked::header(""), "");
    assert_demands(&optional, &Asked::header("eu"), "eu");
    assert_refused(&optional, &Asked::header("mars"), Cause::UnknownPolicy);
    let with_fixed = [optional, fixed(&["us"])];
    assert_eq!(demanded_of(&with_fixed, &Asked::default()), Ok("us".into()));
}

#[test]
fn eight_policies_can_be_demanded_at_once_and_not_nine() {
    assert_demands(
        &header(),
        &Asked::header("p1,p2,p3,p4,p5,p6,p7,p8,p8,p1"),
        "p1, p2, p3, p4, p5, p6, p7, p8",
    );
    assert_refused(
        &header(),
        &Asked::header("p1,p2,p3,p4,p5,p6,p7,p8,p9"),
        Cause::PolicyNotAccepted,
    );
    let over_two = [fixed(&["p1", "p2", "p3", "p4", "p5"]), header()];
    let more = Asked::header("p6,p7,p8,p9");
    assert_eq!(demanded_of(&over_two, &more), Err(Cause::PolicyNotAccepted));
}

#[test]
fn bytes_that_are_no_text_are_an_unknown_policy_and_never_none() {
    assert_refused(&header(), &Asked::header(b"\xff\xfe"), Cause::UnknownPolicy);
    assert_refused(&header(), &Asked::header(b"eu,\x80"), Cause::UnknownPolicy);
    assert_refused(&query(), &Asked::query("policy=%ff"), Cause::UnknownPolicy);
    assert_refused(&cookie(), &Asked::cookie("policy=%C3"), Cause::UnknownPolicy);
    let first = from(PolicySource::PathSegment(1));
    assert_refused(&first, &Asked::path("/%FF"), Cause::UnknownPolicy);
    let optional = DemandPlan {
        is_optional: true,
        otherwise: policies(&["eu"]),
        ..header()
    };
    assert_refused(&optional, &Asked::header(b"\xc3"), Cause::UnknownPolicy);
}

#[test]
fn names_are_compared_byte_by_byte() {
    for other in ["EU", "Eu", "eu\0", "eu\u{a0}", "e u", "u\u{308}"] {
        assert_refused(&header(), &Asked::header(other), Cause::UnknownPolicy);
    }
}

#[test]
fn a_refusal_shows_what_was_asked_for_without_what_could_do_harm() {
    let pool = known_pool();
    let long = format!("<script>\x1b[31m\"&\\{}", "x".repeat(500));
    let unmet = demanded(&[header()], &pool, &Asked::header(long)).unwrap_err();
    assert!(unmet.detail.len() < 200, "{}", unmet.detail);
    let harmful = |letter: char| letter.is_control() || matches!(letter, '<' | '>' | '"' | '&' | '\\');
    assert!(!unmet.detail.contains(harmful), "{}", unmet.detail);
    assert!(unmet.detail.contains("script"));
}

#[test]
fn a_missing_policy_is_answered_with_where_it_should_have_been() {
    let pool = known_pool();
    for (demand, place) in [
        (header(), "header field policy"),
        (cookie(), "cookie policy"),
        (query(), "query field policy"),
        (from(PolicySource::HostLabel(2)), "label 2 of its host"),
        (from(PolicySource::PathSegment(3)), "segment 3 of its path"),
    ] {
        let unmet = demanded(&[demand], &pool, &Asked::default()).unwrap_err();
        assert_eq!(unmet.cause, Cause::PolicyMissing);
        assert!(unmet.detail.contains(place), "{}", unmet.detail);
    }
}

#[test]
fn only_backends_that_uphold_all_of_it_are_candidates() {
    let mut plan = pool_plan("pool", BalancePlan::RoundRobin, &[1; 4]);
    let upheld = [&["eu"][..], &["eu", "hipaa"], &["hipaa"], &[]];
    for (target, names) in plan.targets.iter_mut().zip(upheld) {
        target.policies = policies(names);
    }
    let pool = pool_of(&plan);
    let count = |asked: &str| {
        let optional = DemandPlan {
            is_optional: true,
            ..header()
        };
        demanded(&[optional], &pool, &Asked::header(asked))
            .unwrap()
            .candidates()
    };
    assert_eq!(
        [count("eu"), count("hipaa"), count("eu,hipaa"), count("")],
        [2, 2, 1, 4]
    );
}
