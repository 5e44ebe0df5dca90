use std::net::SocketAddr;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::cli::fixture::{Connection, Program};

#[test]
fn six_clients_are_served_by_the_servers_of_their_policy_in_turn() {
    let mut demo = Program::start(["demo"]);

    let servers: Vec<_> = ["101", "102", "201", "202"]
        .iter()
        .map(|id| demo.printed(&format!("server {id}")))
        .collect();
    let clients: Vec<_> = (1..=6)
        .map(|client| demo.printed(&format!("  client {client} ")))
        .collect();

    assert!(
        servers.iter().all(|line| line.ends_with("answers")),
        "{servers:?}"
    );
    let by = ["101", "201", "102", "202", "101", "201"];
    for (line, by) in clients.iter().zip(by) {
        assert!(
            line.contains(&format!("served by {by}   SHA-1 right")),
            "{clients:#?}"
        );
    }
    let turns = "101 102 101 102 101 102   6 of 6 SHA-1 right";
    assert_eq!(demo.printed("policy 111").trim(), format!("policy 111   {turns}"));
    assert!(demo.printed("policy 222").contains("201 202 201 202 201 202"));
    assert!(demo.printed("policy 333").contains("refused, unknown_policy: "));
    end(demo);
}

#[test]
fn requests_meet_the_apps_of_their_policy_and_else_nobody() {
    let mut demo = Program::start(["demo"]);

    demo.printed("Requests name a policy");
    let answers: Vec<_> = ["eu", "eu", "eu", "us", "mars"]
        .iter()
        .map(|policy| demo.printed(&format!("  {policy:<4} ")))
        .collect();

    for (line, name) in answers.iter().zip(["one", "two", "one", "three"]) {
        assert!(line.contains("200 OK"), "{answers:#?}");
        assert!(line.ends_with(&format!("Hello from app {name}.")), "{answers:#?}");
    }
    let refused = answers.last().unwrap();
    assert!(refused.contains("503 Service Unavailable"), "{refused}");
    assert!(refused.contains("unknown_policy: "), "{refused}");
    end(demo);
}

#[test]
fn it_serves_until_ctrl_c_and_leaves_nothing_behind() {
    let mut demo = Program::start(["demo"]);

    let proxy = address(&demo.printed("proxy"));
    let curl = demo.printed("curl http://");
    let state = state(&demo.printed("--state "));
    demo.printed("Ctrl-C ends the demo.");

    assert!(curl.contains(&proxy.to_string()), "{curl}");
    assert!(
        Connection::to(proxy)
            .get("/anything")
            .starts_with("Hello from app ")
    );
    assert!(state.join("registry.redb").exists());

    demo.signal(Signal::INT);
    let outcome = demo.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    assert!(!state.exists());
}

#[test]
fn ctrl_c_in_the_middle_of_it_is_no_failure() {
    for line in ["proxy", "server 102", "client 1", "app one"] {
        let mut demo = Program::start(["demo"]);
        demo.printed(line);
        demo.signal(Signal::INT);
        let outcome = demo.end();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn two_demos_run_side_by_side() {
    let (mut first, mut second) = (Program::start(["demo"]), Program::start(["demo"]));

    first.printed("Ctrl-C ends the demo.");
    second.printed("Ctrl-C ends the demo.");

    end(first);
    end(second);
}

#[test]
fn a_token_of_the_environment_is_for_other_proxies() {
    let mut demo = Program::start_with(["demo"], |command| {
        command.env("PORTREEVE_TOKEN", "ptv_unknown_here");
    });

    demo.printed("Ctrl-C ends the demo.");
    end(demo);
}

/// Killed, it would leave its folder behind.
fn end(demo: Program) {
    demo.signal(Signal::INT);
    assert_eq!(demo.end().code, Some(0));
}

fn address(line: &str) -> SocketAddr {
    let address = line.split("http://").nth(1).unwrap();
    address.trim_end_matches('/').parse().unwrap()
}

fn state(line: &str) -> PathBuf {
    line.split("--state ").nth(1).unwrap().trim().into()
}
