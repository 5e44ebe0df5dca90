use std::time::Duration;

use portreeve_model::plan::{Check, HttpCheck, ProbePlan};

use super::{fault_at, pool, pool_file, told};

fn probe(value: &str) -> ProbePlan {
    pool(&format!("probe = {value}")).probe.expect("a probe")
}

#[track_caller]
fn refused(value: &str) -> String {
    let file = pool_file(&format!("probe = {value}"));
    fault_at(&file, "probe").to_string()
}

fn http(target: &str) -> HttpCheck {
    HttpCheck {
        target: target.to_owned(),
        ..HttpCheck::default()
    }
}

#[test]
fn a_word_is_a_probe_with_all_by_default() {
    assert_eq!(probe("\"connect\""), ProbePlan::new(Check::Connect));
    assert_eq!(probe("\"packet\""), ProbePlan::new(Check::Packet));
    assert_eq!(
        probe("\"/healthz\""),
        ProbePlan::new(Check::Http(http("/healthz")))
    );
    assert_eq!(probe("{ grpc = true }"), probe("\"grpc\""));
    assert_eq!(probe("{ connect = true }"), probe("\"connect\""));
    assert_eq!(pool("probe = \"off\"").probe, None);
    assert_eq!(pool("").probe, None);
}

#[test]
fn an_http_probe_says_what_is_sent_and_what_passes() {
    let plan = probe(
        "{ path = \"/up?x=1\", method = \"HEAD\", host = \"a.b:80\", header = { X-A = \"1\", B = \"\" }, \
         status = [\"2xx\", 401, \"300-303\"], every = \"5s\", every_unhealthy = \"500ms\", timeout = \"2s\", rise = 2, fall = 5 }",
    );
    let check = HttpCheck {
        method: "HEAD".to_owned(),
        host: Some("a.b:80".to_owned()),
        headers: vec![
            ("X-A".to_owned(), "1".to_owned()),
            ("B".to_owned(), String::new()),
        ],
        statuses: vec![(200, 299), (401, 401), (300, 303)],
        ..http("/up?x=1")
    };
    let expected = ProbePlan {
        check: Check::Http(check),
        every: Duration::from_secs(5),
        every_unhealthy: Duration::from_millis(500),
        timeout: Duration::from_secs(2),
        rise: 2,
        fall: 5,
    };
    assert_eq!(plan, expected);
}

#[test]
fn what_lies_within_every_follows_it() {
    let plan = probe("{ path = \"/\", every = \"300ms\" }");
    let short = Duration::from_millis(300);
    assert_eq!((plan.every_unhealthy, plan.timeout), (short, short));
    let plan = probe("{ path = \"/\", every = \"1m\" }");
    let second = Duration::from_secs(1);
    assert_eq!((plan.every_unhealthy, plan.timeout), (second, second));
}

#[test]
fn a_command_keeps_its_arguments_and_its_own_braces() {
    let command = |value: &str| match probe(&format!("{{ exec = {value} }}")).check {
        Check::Exec { command } => command,
        other => panic!("{other:?}"),
    };
    assert_eq!(command("\"./check\""), ["./check"]);
    assert_eq!(
        command("[\"sh\", \"-c\", \"nc {host} {port} | awk '{print $1}' # ${pid}\"]"),
        ["sh", "-c", "nc {host} {port} | awk '{print $1}' # ${pid}"]
    );
    let grpc = Check::Grpc {
        service: "shop.Cart".to_owned(),
    };
    assert_eq!(probe("{ grpc = \"shop.Cart\" }").check, grpc);
}

#[test]
fn a_backend_on_a_unix_socket_may_be_asked_in_http() {
    crate::sound("[pool.api]\nbackends = \"unix:/run/app.sock\"\nprobe = \"/healthz\"\n");
}

#[test]
fn an_unknown_way_to_probe_is_told() {
    assert!(
        refused("\"tcp\"").ends_with("(here it is called \"connect\")"),
        "{}",
        refused("\"tcp\"")
    );
    assert!(refused("\"http\"").ends_with("(write the path, such as \"/healthz\")"));
    assert!(refused("\"none\"").ends_with("(for no probe write \"off\")"));
    assert!(refused("\"healthz\"").contains("allowed a path such as \"/healthz\", \"connect\""));
    assert!(refused("true").contains("found true; allowed a path"));
}

#[test]
fn a_table_has_one_kind_of_probe() {
    assert_eq!(
        refused("{ every = \"1s\" }"),
        "pool.api.probe: found nothing; allowed one of path, grpc, exec, connect or packet"
    );
    assert_eq!(
        refused("{ path = \"/\", connect = true }"),
        "pool.api.probe.connect: found a second kind of probe beside path; allowed one of path, grpc, exec, connect \
         or packet (a pool has one probe)"
    );
    assert_eq!(
        refused("{ connect = true, status = 200 }"),
        "pool.api.probe.status: found a key of HTTP probes beside connect; allowed such a key beside path only"
    );
    assert!(refused("{ connect = false }").contains("connect: found false; allowed true, or no such key"));
}

#[test]
fn a_probe_that_never_passes_or_never_fails_is_told() {
    for (keys, words) in [
        ("fall = 0", "fall: found 0; allowed a whole number from 1 to 10"),
        ("rise = 0", "rise: found 0; allowed a whole number from 1 to 10"),
        ("rise = 11", "rise: found 11; allowed a whole number from 1 to 10"),
        ("every = \"50ms\"", "allowed a duration from \"100ms\" to \"1h\""),
        (
            "timeout = \"3s\"",
            "timeout: found \"3s\"; allowed at most every, which is \"2s\"",
        ),
        (
            "every = \"1s\", every_unhealthy = \"2s\"",
            "every_unhealthy: found \"2s\"; allowed at most every, which is \"1s\"",
        ),
        (
            "status = 101",
            "a status such as 503, \"500-504\" or \"5xx\", from 200 to 599",
        ),
        (
            "status = \"404-400\"",
            "status: found \"404-400\"; allowed a status",
        ),
        ("status = []", "status: found an empty list; allowed at least one"),
        ("status = [200, 200]", "status[1]: found 200; allowed each once"),
        ("method = \"get\"", "(methods are compared exactly: \"GET\")"),
        ("method = \"CONNECT\"", "(a tunnel is no probe)"),
        (
            "method = \"HEAD\", body_contains = \"ok\"",
            "body_contains: found a text; allowed no such key with method = \"HEAD\"",
        ),
        ("body_contains = \"\"", "allowed a text of 1 to 1024 bytes"),
        (
            "host = \"http://a\"",
            "allowed a host such as \"shop.example.com\", perhaps with a port",
        ),
        ("host = \"a:0\"", "allowed a host such as"),
        ("header = { Host = \"a\" }", "(for Host write host = \"...\")"),
        (
            "header = { Content-Length = \"1\" }",
            "allowed a header that says nothing of host, connection or body",
        ),
        (
            "header = { a = \"1\", A = \"2\" }",
            "each header once; case does not count",
        ),
        ("pth = \"/\"", "found an unknown key; allowed path, method"),
    ] {
        let told = refused(&format!("{{ path = \"/\", {keys} }}"));
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn a_path_that_cannot_be_sent_is_told() {
    for path in ["/a b", "/a#b", "/ä", &format!("/{}", "x".repeat(2_048))] {
        let told = refused(&format!("\"{path}\""));
        assert!(
            told.contains("allowed a path such as \"/healthz\", perhaps with a query ("),
            "{told}"
        );
    }
    assert!(refused("{ path = \"healthz\" }").ends_with("(it begins with a slash)"));
}

#[test]
fn a_command_that_cannot_be_started_is_told() {
    for (exec, words) in [
        ("[]", "exec: found an empty list; allowed at least one"),
        ("\"\"", "allowed a program, or a list of it and its arguments"),
        ("\"./check {host}\"", "(perhaps [\"./check\", \"{host}\"])"),
        (
            "[\"./check\", \"{hots}\"]",
            "exec[1]: found \"{hots}\"; allowed {host}, {port}, {address} or {id} for the backend's (perhaps {host})",
        ),
        ("[\"./check\", 5]", "exec[1]: found 5; allowed a text"),
        ("[\"a\\u0000\"]", "allowed a text without NUL"),
    ] {
        let told = refused(&format!("{{ exec = {exec} }}"));
        assert!(told.contains(words), "{told}");
    }
    let long = format!("{{ exec = [{}\"x\"] }}", "\"x\", ".repeat(64));
    assert!(refused(&long).contains("found 65 elements; allowed at most 64"));
}

#[test]
fn servers_of_packets_are_not_asked_in_http() {
    let file = |lines: &str| {
        format!(
            "[listener.main]\nbind = \":1\"\npackets = \"servers\"\n[pool.servers]\nbackends = \"s:1\"\n{lines}\n"
        )
    };
    let told = told(&file("probe = \"/up\"\nhedge = true\nsticky = true"));
    assert_eq!(
        told,
        [
            "6: pool.servers.probe: found a probe in HTTP; allowed no such thing in a pool for packets (listener.main.packets)",
            "7: pool.servers.hedge: found a wish for second attempts; allowed no such thing in a pool for packets \
             (listener.main.packets)",
            "8: pool.servers.sticky: found a cookie; allowed no such thing in a pool for packets (listener.main.packets)",
        ]
    );
    crate::sound(&file("probe = \"packet\""));
    crate::sound(&file("probe = \"connect\""));
}
