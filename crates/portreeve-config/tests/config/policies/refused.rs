//! What is refused of policies, packets, registration and the ledger, and in which words.

use crate::{fault, faults, sound};

const MAIN: &str = "[listener.main]\nbind = \":1\"\n";
const OPEN: &str = "[listener.main]\nbind = \":1\"\nregistration = true\n";
const POOL: &str = "[pool.api]\nbackends = \"a:1\"\n";

/// The one fault of this line under a section of a file that is sound without it, on the line where it stands.
fn told(section: &str, line: &str) -> String {
    let source = match section {
        "pool.api" => format!("{OPEN}{POOL}policies = \"eu\"\n{line}\n"),
        "pool.joined" => format!("{OPEN}[pool.joined]\n{line}\n"),
        "route.shop" => {
            format!("{OPEN}{POOL}register = true\n[route.shop]\npool = \"api\"\n{line}\n")
        }
        "listener.main" => format!("{OPEN}{line}\n{POOL}[pool.servers]\n[route.a]\npool = \"api\"\n"),
        _ => format!("{OPEN}{POOL}[{section}]\n{line}\n"),
    };
    let fault = fault(&source);
    let at = 1 + source.lines().position(|one| one == line).expect("the line");
    assert_eq!(fault.line, at, "{fault}");
    fault.to_string()
}

fn each_is_told(section: &str, cases: &[(&str, &str)]) {
    for (line, words) in cases {
        let told = told(section, line);
        assert!(told.contains(words), "{line}: {told}");
    }
}

#[test]
fn a_name_that_names_no_policy_is_told() {
    each_is_told(
        "route.shop",
        &[
            ("policy = \"\"", "allowed a policy such as \"eu\": 1 to 64 bytes"),
            ("policy = \" eu\"", "allowed a policy such as \"eu\""),
            (
                "policy = \"eu,hipaa\"",
                "(several are a list: [\"eu\", \"hipaa\"])",
            ),
            ("policy = 5", "found 5; allowed a policy such as \"eu\", a table"),
            ("policy = [\"eu\", 5]", "policy[1]: found 5"),
            ("policy = []", "found an empty list"),
            (
                "policy = [\"eu\", \"eu\"]",
                "policy[1]: found \"eu\"; allowed each once",
            ),
        ],
    );
    let told = fault(&format!("{POOL}[policy.\"a,b\"]\n"));
    assert!(
        told.to_string()
            .contains("found the name \"a,b\"; allowed a policy"),
        "{told}"
    );
}

#[test]
fn a_demand_that_says_not_where_or_twice_is_told() {
    each_is_told(
        "route.shop",
        &[
            (
                "policy = {}",
                "found nothing; allowed one of header, cookie, query, host_label, path_segment or certificate",
            ),
            (
                "policy = { header = \"X\", cookie = \"c\" }",
                "policy.cookie: found a second source beside header",
            ),
            ("policy = { header = \"a b\" }", "allowed a header's name"),
            ("policy = { cookie = \"a;b\" }", "allowed a cookie's name"),
            ("policy = { query = \"\" }", "allowed the name of a query field"),
            (
                "policy = { host_label = 0 }",
                "allowed a whole number from 1 to 127",
            ),
            (
                "policy = { path_segment = 256 }",
                "allowed a whole number from 1 to 255",
            ),
            ("policy = { haeder = \"X\", query = \"p\" }", "(perhaps header)"),
            (
                "policy = [{ query = \"p\" }, { query = \"p\" }]",
                "policy[1]: found a table; allowed each source once",
            ),
        ],
    );
}

#[test]
fn a_default_that_is_not_accepted_or_not_needed_is_told() {
    each_is_told(
        "route.shop",
        &[
            (
                "policy = { query = \"p\", accept = [\"eu\", \"us\"], default = \"cn\" }",
                "policy.default: found cn; allowed policies that accept lists: eu, us",
            ),
            (
                "policy = { query = \"p\", default = \"eu\", optional = true }",
                "policy.optional: found true; allowed false, or no such key",
            ),
            (
                "policy = { query = \"p\", accept = [] }",
                "accept: found an empty list",
            ),
            (
                "policy = { query = \"p\", optional = \"yes\" }",
                "allowed true or false",
            ),
        ],
    );
}

#[test]
fn more_policies_than_a_request_may_demand_are_told() {
    let names = |from: usize| {
        let names: Vec<String> = (from..from + 5).map(|nth| format!("\"p{nth}\"")).collect();
        names.join(", ")
    };
    let line = format!(
        "policy = [{}, {{ query = \"p\", default = [{}] }}]",
        names(0),
        names(5)
    );
    assert!(told("route.shop", &line).contains("found 10 policies; allowed at most 8 at once"));
}

#[test]
fn more_policies_than_a_backend_may_uphold_are_told() {
    let names: Vec<String> = (0..64).map(|nth| format!("\"p{nth}\"")).collect();
    let source = |policies: &str| {
        format!(
            "[pool.api]\npolicies = [{policies}]\nbackends = [\"a:1\", {{ address = \"b:1\", policies = \"q\" }}]\n"
        )
    };
    let told = fault(&source(&names.join(", ")));
    assert_eq!(
        told.to_string(),
        "pool.api.backends[1]: found 65 policies; allowed at most 64, those of the whole pool included"
    );
    sound(&source(&names[1..].join(", ")));
}

#[test]
fn a_policy_that_nobody_can_uphold_is_told() {
    let source = |pool: &str| {
        format!("{MAIN}[route.shop]\npool = \"api\"\npolicy = [\"eu\", \"hipaa\"]\n[pool.api]\n{pool}\n")
    };
    let none = fault(&source("backends = \"a:1\""));
    assert_eq!((none.line, none.key.as_str()), (5, "route.shop.policy"));
    assert_eq!(none.found, "eu, hipaa");
    assert_eq!(none.allowed, "what a backend of pool api upholds, all of it");
    assert!(
        none.hint
            .unwrap()
            .starts_with("its backends uphold none; backends may register once")
    );
    let apart =
        "backends = [{ address = \"a:1\", policies = \"eu\" }, { address = \"b:1\", policies = \"hipaa\" }]";
    assert!(
        fault(&source(apart))
            .hint
            .unwrap()
            .starts_with("one of them upholds")
    );
    sound(&source(
        "policies = \"eu\"\nbackends = [\"b:1\", { address = \"a:1\", policies = \"hipaa\" }]",
    ));
    fault(&source("backends = \"a:1\"\nregister = true")); // no listener takes registrations
    sound(&source("backends = \"a:1\"\nregister = true").replace(MAIN, OPEN));
}

#[test]
fn a_backend_that_cannot_be_read_is_told_alone() {
    let source = "[route.shop]\npool = \"api\"\npolicy = \"eu\"\n[pool.api]\nbackends = [\"a:1\", \"b\"]\n";
    assert_eq!(fault(source).key, "pool.api.backends[1]");
}

#[test]
fn a_pool_that_nobody_can_join_is_told() {
    let told = fault("[route.a]\npool = \"api\"\n[pool.api]\nregister = false\n");
    assert_eq!(told.found, "no backends");
    let hint = "backends may register once the pool says register = true and a listener registration = true";
    assert_eq!(told.hint.as_deref(), Some(hint));
    let told = fault("[listener.main]\nbind = \":1\"\npackets = \"servers\"\n[pool.servers]\n");
    assert_eq!(
        told.allowed,
        "at least one, since packets of listener main lead here"
    );
    sound(&format!("{OPEN}[route.a]\npool = \"api\"\n[pool.api]\n"));
}

#[test]
fn a_pool_for_two_protocols_is_told() {
    let told = fault(&format!(
        "{MAIN}packets = {{ pool = \"api\" }}\n{POOL}[route.a]\npool = \"api\"\n"
    ));
    assert_eq!((told.line, told.key.as_str()), (3, "listener.main.packets"));
    assert_eq!(
        (told.found.as_str(), told.allowed.as_str()),
        (
            "packets for \"api\"",
            "a pool of its own, since route.a sends HTTP there"
        )
    );
}

#[test]
fn packets_that_cannot_be_served_are_told() {
    each_is_told(
        "listener.main",
        &[
            (
                "packets = \"servres\"",
                "found \"servres\"; allowed \"api\" or \"servers\" (perhaps \"servers\")",
            ),
            (
                "packets = {}",
                "packets.pool: found nothing; allowed \"api\" or \"servers\"",
            ),
            (
                "packets = { pool = \"servers\", payload_bytes_max = \"8KiB\", packet_bytes_max = \"4KiB\" }",
                "payload_bytes_max: found \"8KiB\"; allowed at most packet_bytes_max, which is \"4KiB\"",
            ),
            (
                "packets = { pool = \"servers\", idle_timeout = 10 }",
                "(the unit is missing: perhaps \"10s\")",
            ),
        ],
    );
}

#[test]
fn a_registration_that_cannot_count_is_told() {
    each_is_told(
        "pool.joined",
        &[
            (
                "register = 5",
                "found 5; allowed true, false, or a table such as { ttl = \"10s\" }",
            ),
            (
                "register = { ttl = \"2h\" }",
                "register.ttl: found \"2h\"; allowed at most ttl_max, which is \"1h\"",
            ),
            (
                "register = { ttl = \"1ms\" }",
                "allowed a duration from \"100ms\" to \"7d\"",
            ),
            ("register = { tll = \"1s\" }", "(perhaps ttl)"),
            (
                "policies = \"eu\"",
                "found eu; allowed no such key in a pool without backends (whoever registers",
            ),
        ],
    );
}

#[test]
fn who_may_register_is_checked() {
    each_is_told(
        "registration",
        &[
            ("networks = []", "found an empty list"),
            ("networks = \"10.0.0.1:80\"", "(without brackets and port)"),
            ("insecure = \"yes\"", "allowed true or false"),
            (
                "registrations_max = 0",
                "allowed a whole number from 1 to 1,000,000",
            ),
            (
                "per_source_max = 30000",
                "found 30000; allowed at most registrations_max, which is 20,000",
            ),
            ("per_token_max = 30000", "allowed at most registrations_max"),
            ("tokens = 5", "found an unknown key"),
        ],
    );
}

#[test]
fn a_ledger_that_cannot_be_kept_is_told() {
    each_is_told(
        "ledger",
        &[
            ("file = \"\"", "allowed a path"),
            (
                "rotate_bytes = 1",
                "allowed a size such as \"32KiB\", from \"64KiB\" to \"1TiB\"",
            ),
        ],
    );
    each_is_told(
        "route.shop",
        &[("ledger = \"requried\"", "(perhaps \"required\")")],
    );
    each_is_told(
        "policy.eu",
        &[("ledger = true", "allowed \"off\", \"on\" or \"required\"")],
    );
}

#[test]
fn faults_of_all_these_come_at_once() {
    let source = "[listener.a]\nbind = \":1\"\npackets = \"nobody\"\n[route.b]\npool = \"api\"\npolicy = 1\nledger = 1\n\
                  [policy.eu]\nledger = 1\n[pool.api]\nbackends = \"a:1\"\npolicies = 1\nregister = 1\n\
                  [registration]\nnetworks = 1\n[ledger]\nrotate_bytes = 1\n";
    let lines: Vec<usize> = faults(source).iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [3, 6, 7, 9, 12, 13, 15, 17]);
}
