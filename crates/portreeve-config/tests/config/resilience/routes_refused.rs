use super::{fault_at, route_file, told};
use crate::{fault, sound};

/// The one fault of a route with these lines, the last of which holds it.
#[track_caller]
fn refused(lines: &str) -> String {
    let last = lines.lines().last().expect("a line");
    fault_at(&route_file(lines), last).to_string()
}

#[track_caller]
fn each_refused(cases: &[(&str, &str)]) {
    for (lines, words) in cases {
        let told = refused(lines);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn all_that_is_wrong_with_a_route_is_told_at_once() {
    let file = route_file(
        "timeout = 5\ndeadline_header = \"Host\"\nrate = { requests = 0 }\npriority = 8\nsplit = { api = \"5%\", canray = \"5%\" }\n\
         split_by = \"user\"\nmirror = \"api\"",
    );
    let lines: Vec<usize> = crate::faults(&file).iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [7, 8, 9, 10, 11, 11, 12, 13], "{:#?}", told(&file));
}

#[test]
fn a_rate_that_lets_nothing_through_is_told() {
    each_refused(&[
        (
            "rate = { requests = 0 }",
            "requests: found 0; allowed a whole number from 1 to 1,000,000",
        ),
        (
            "rate = { requests = 1, burst = 0 }",
            "burst: found 0; allowed a whole number from 1 to 1,000,000",
        ),
        (
            "rate = { requests = 1, every = \"0s\" }",
            "every: found \"0s\"; allowed a duration from \"1ms\" to \"1h\"",
        ),
        (
            "rate = { every = \"1s\" }",
            "requests: found nothing; allowed a whole number",
        ),
        (
            "rate = { requests = 1, per = \"ip\" }",
            "allowed \"route\", \"client\" or \"header:NAME\" (perhaps \"client\")",
        ),
        (
            "rate = { requests = 1, per = \"header:\" }",
            "allowed \"route\", \"client\" or \"header:NAME\"",
        ),
        (
            "rate = \"100/s\"",
            "found \"100/s\"; allowed a table such as { requests = 100, every = \"1s\", per = \"client\" }",
        ),
        ("rate = []", "found an empty list; allowed at least one"),
    ]);
    let nine: Vec<String> = (0..9)
        .map(|nth| format!("{{ requests = 1, per = \"header:h{nth}\" }}"))
        .collect();
    let told = refused(&format!("rate = [{}]", nine.join(", ")));
    assert!(told.contains("found 9 rates; allowed at most 8"), "{told}");
}

#[test]
fn a_rate_that_another_makes_useless_is_told() {
    each_refused(&[
        (
            "rate = [{ requests = 10 }, { requests = 20 }]",
            "rate[1]: found a second rate for the same; allowed rates of which each is the stricter one for some while \
             (route.shop.rate[0] lets through less at any time, so this one never counts)",
        ),
        (
            "rate = [{ requests = 20 }, { requests = 10 }]",
            "(this one lets through less at any time, so route.shop.rate[0] never counts)",
        ),
        (
            "rate = [{ requests = 10, per = \"client\" }, { requests = 10, per = \"client\" }]",
            "rate[1]: found a second rate for the same",
        ),
    ]);
    sound(&route_file(
        "rate = [{ requests = 10 }, { requests = 100, every = \"1m\" }]",
    ));
    sound(&route_file(
        "rate = [{ requests = 10 }, { requests = 10, per = \"client\" }]",
    ));
}

#[test]
fn a_header_that_makes_a_message_is_no_deadline() {
    each_refused(&[
        (
            "deadline_header = \"Transfer-Encoding\"",
            "allowed a header that says nothing of host, connection or body",
        ),
        ("deadline_header = \"\"", "allowed a header's name"),
        (
            "timeout = \"0s\"",
            "allowed a duration from \"1ms\" to \"7d\", or \"off\" (for no bound write \"off\")",
        ),
    ]);
}

#[test]
fn a_height_beyond_seven_is_told() {
    each_refused(&[
        (
            "priority = 8",
            "found 8; allowed a whole number from 0 (first) to 7, or \"header:NAME\"",
        ),
        ("priority = -1", "found -1; allowed a whole number"),
        ("priority = \"high\"", "found \"high\"; allowed a whole number"),
        ("priority = \"header:a b\"", "allowed a whole number from 0"),
    ]);
}

#[test]
fn a_split_that_cannot_be_is_told() {
    each_refused(&[
        (
            "split = { api = \"5%\" }",
            "split.api: found the route's own pool; allowed other pools",
        ),
        (
            "split = { canray = \"5%\" }",
            "split.canray: found the name \"canray\"; allowed \"api\" or \"canary\" (perhaps \"canary\")",
        ),
        (
            "split = { canary = \"0%\" }",
            "found \"0%\"; allowed a share such as \"5%\", from \"0.1%\" to \"100%\"",
        ),
        ("split = { canary = \"101%\" }", "found \"101%\"; allowed a share"),
        ("split = { canary = 5 }", "(perhaps \"5%\")"),
        (
            "split = {}",
            "found a table; allowed a table of pools and their shares such as { canary = \"5%\" }",
        ),
        ("split = \"canary\"", "found \"canary\"; allowed a table of pools"),
        (
            "split_by = \"path\"",
            "split_by: found a key to split by; allowed such a key beside split only",
        ),
    ]);
    let file = format!(
        "[pool.next]\nbackends = \"n:1\"\n{}",
        route_file("split = { canary = \"60%\", next = \"40.1%\" }")
    );
    assert_eq!(
        fault(&file).to_string(),
        "route.shop.split: found 100.1% in all; allowed at most 100% in all"
    );
    sound(&file.replace("40.1%", "40%"));
}

#[test]
fn a_mirror_that_cannot_be_is_told() {
    each_refused(&[
        (
            "mirror = \"api\"",
            "found \"api\"; allowed another pool than those that the route leads to",
        ),
        (
            "mirror = { pool = \"api\", share = \"1%\" }",
            "allowed another pool than those",
        ),
        (
            "split = { canary = \"5%\" }\nmirror = \"canary\"",
            "found \"canary\"; allowed another pool",
        ),
        ("mirror = \"nobody\"", "(there is no [pool.nobody])"),
        (
            "mirror = { share = \"1%\" }",
            "mirror.pool: found nothing; allowed \"api\" or \"canary\"",
        ),
        (
            "mirror = { pool = \"canary\", share = \"0%\" }",
            "share: found \"0%\"; allowed a share",
        ),
    ]);
}

/// A pool beside `api` to which a route leads in this way.
fn beside(pool: &str, line: &str) -> String {
    format!(
        "[pool.api]\nbackends = \"a:1\"\npolicies = \"eu\"\n[pool.other]\n{pool}\n[route.shop]\npool = \"api\"\npolicy = \"eu\"\n{line}\n"
    )
}

#[test]
fn a_pool_that_gets_a_share_can_answer() {
    for (line, way) in [
        (
            "split = { other = \"5%\" }",
            "since route shop sends a share here",
        ),
        ("mirror = \"other\"", "since route shop mirrors here"),
    ] {
        let told = fault_at(&beside("backends = []", line), "backends = []").to_string();
        assert!(told.contains(way), "{told}");
        let told = fault_at(&beside("backends = \"o:1\"", line), "policy").to_string();
        assert!(
            told.contains("found eu; allowed what a backend of pool other upholds"),
            "{told}"
        );
        sound(&beside("backends = \"o:1\"\npolicies = \"eu\"", line));
    }
}

#[test]
fn a_pool_for_packets_gets_no_share_of_http() {
    for line in ["split = { other = \"5%\" }", "mirror = \"other\""] {
        let file = format!(
            "[listener.main]\nbind = \":1\"\npackets = \"other\"\n{}",
            beside("backends = \"o:1\"\npolicies = \"eu\"", line)
        );
        let told = fault_at(&file, "packets").to_string();
        assert!(
            told.contains("allowed a pool of its own, since route.shop sends HTTP there"),
            "{told}"
        );
    }
}

/// A route with a line to a pool with one.
fn both(pool: &str, route: &str) -> String {
    format!("[pool.api]\nbackends = \"a:1\"\n{pool}\n[route.shop]\npool = \"api\"\n{route}\n")
}

#[test]
fn a_deadline_before_the_hedge_is_told() {
    for (hedge, delay) in [
        ("{ after = \"50ms\" }", "50ms"),
        ("{ after_min = \"20ms\" }", "20ms"),
        ("true", "10ms"),
    ] {
        let file = both(&format!("hedge = {hedge}"), &format!("timeout = \"{delay}\""));
        let told = fault_at(&file, "timeout").to_string();
        let words = format!("found \"{delay}\"; allowed more than \"{delay}\", after which pool api hedges");
        assert!(told.contains(&words), "{told}");
    }
    sound(&both("hedge = { after = \"50ms\" }", "timeout = \"51ms\""));
}

#[test]
fn a_priority_where_nobody_waits_is_told() {
    for pool in ["in_flight = \"unlimited\"", "hold = { requests_max = 0 }"] {
        let told = fault_at(&both(pool, "priority = 1"), "priority").to_string();
        assert!(
            told.contains(
                "found who goes first; allowed no such key: pool api holds no requests, so nobody waits"
            ),
            "{told}"
        );
    }
    sound(&both(
        "in_flight = \"unlimited\"\nfail_mode = \"hold\"",
        "priority = 1",
    ));
    sound(&both("", "priority = 1"));
    sound(&both("in_flight = \"unlimited\"", "priority = 3"));
}
