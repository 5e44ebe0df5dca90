//! `portreeve backends` against a scripted admin listener.

use std::net::TcpListener;

use crate::registration_cli::fixture::{Outcome, Program, Proxy, Said, Scratch};

/// A folder for state as a running proxy leaves it.
pub(crate) struct State {
    pub(crate) folder: Scratch,
    pub(crate) proxy: Proxy,
}

impl State {
    pub(crate) fn of(proxy: Proxy) -> Self {
        let folder = Scratch::new();
        let file = format!("{{\"address\":\"{}\",\"key\":\"the-key\"}}", proxy.address());
        folder.write("admin.json", &file);
        Self { folder, proxy }
    }

    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        let state = self.folder.path().to_str().unwrap();
        Program::run(words.iter().copied().chain(["--state", state]))
    }
}

const TWO: &str = "{\"backends\":[\
    {\"pool\":\"api\",\"id\":\"a1\",\"address\":\"10.0.0.7:8000\",\"policies\":[\"eu\",\"hipaa\"],\"weight\":10,\
     \"standing\":\"serving\",\"registered\":true,\"in_flight\":3,\"requests\":1200,\"since_unix_ms\":1769850300250,\
     \"expires_in_ms\":8001,\"token\":\"t1\",\"load\":0.25,\"failures\":2,\"in_flight_limit\":16,\"expected_latency_ms\":12.34,\
     \"ejected\":{\"by\":\"latency\",\"times\":1,\"trial_in_ms\":4001}},\
    {\"pool\":\"web\",\"id\":\"unix:/run/app.sock\",\"address\":\"unix:/run/app.sock\",\"policies\":[],\"weight\":1,\
     \"standing\":\"down\",\"registered\":false,\"in_flight\":0,\"requests\":0,\"reason\":\"connection refused\"}]}\n";

#[test]
fn backends_are_a_table_for_people() {
    let state = State::of(Proxy::saying(|_| Said(200, TWO.to_owned())));

    let outcome = state.run(&["backends"]);

    assert_eq!(
        outcome.stdout,
        "BACKEND                 ADDRESS             POLICIES   WEIGHT  STANDING          IN FLIGHT  LIMIT  LATENCY  REQUESTS  EXPIRES\n\
         api/a1                  10.0.0.7:8000       eu, hipaa      10  serving, ejected          3     16  12.3 ms      1200       9s\n\
         web/unix:/run/app.sock  unix:/run/app.sock  -               1  down                      0      -        -         0        -"
    );
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(state.proxy.asked()[0].target, "/v1/backends");
}

#[test]
fn json_is_what_the_proxy_said() {
    let state = State::of(Proxy::saying(|_| Said(200, TWO.to_owned())));
    let outcome = state.run(&["backends", "list", "--pool", "a b", "--json"]);
    assert_eq!(outcome.stdout, TWO.trim_end());
    assert_eq!(state.proxy.asked()[0].target, "/v1/backends?pool=a%20b");
}

#[test]
fn an_empty_list_says_what_to_do_next() {
    let state = State::of(Proxy::saying(|_| Said(200, "{\"backends\":[]}".to_owned())));
    let outcome = state.run(&["backends", "list", "--pool", "api"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    assert!(
        outcome.stderr.contains("no backends in the pool api yet"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("portreeve run --pool api"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn one_backend_is_shown_with_all_that_is_known() {
    let one = TWO
        .split_once('[')
        .unwrap()
        .1
        .split_once(",{\"pool\":\"web\"")
        .unwrap()
        .0
        .to_owned();
    let state = State::of(Proxy::saying(move |_| Said(200, one.clone())));

    let outcome = state.run(&["backends", "show", "api/a1"]);

    assert_eq!(
        outcome.stdout,
        "api/a1\n\
         standing   serving\n\
         ejected    once, by latency; one request may be its trial in 5s\n\
         address    10.0.0.7:8000\n\
         policies   eu, hipaa\n\
         weight     10\n\
         in flight  3 of at most 16\n\
         requests   1200, of which 2 failed\n\
         latency    12.3 ms\n\
         load       25 %\n\
         registered 2026-01-31T09:05:00.250Z\n\
         expires    in 9s, without a heartbeat\n\
         token      t1"
    );
}

#[test]
fn a_name_with_a_slash_goes_escaped() {
    let state = State::of(Proxy::saying(|_| Said(204, String::new())));
    let outcome = state.run(&["backends", "undrain", "web/unix:/run/app.sock"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "web/unix:/run/app.sock may get requests again");
    let asked = &state.proxy.asked()[0];
    assert_eq!(
        asked.target,
        "/v1/pools/web/backends/unix%3A%2Frun%2Fapp.sock/undrain"
    );
    assert_eq!(asked.authorization.as_deref(), Some("Bearer the-key"));
}

#[test]
fn a_drain_that_is_late_fails() {
    let state = State::of(Proxy::saying(|_| Said(200, "{\"in_flight\":2}".to_owned())));

    let waited = state.run(&["backends", "drain", "api/a1", "--wait", "1s"]);
    let not_waited = state.run(&["backends", "drain", "api/a1"]);

    assert_eq!(waited.code, Some(1));
    assert_eq!(
        waited.stdout,
        "api/a1 gets no new requests; 2 requests are still running"
    );
    assert_eq!(not_waited.code, Some(0));
    let bodies: Vec<_> = state.proxy.acts();
    assert_eq!(bodies.last().unwrap(), "POST {}");
    assert!(bodies[0].starts_with("POST {\"wait\":\""), "{bodies:?}");
}

#[test]
fn a_refusal_is_told_in_the_proxys_words() {
    let state = State::of(Proxy::saying(|_| {
        Said::no(409, "in_the_file", "a1 of pool api stands in the configuration")
    }));
    let outcome = state.run(&["backends", "remove", "api/a1"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        outcome.stderr,
        "portreeve: a1 of pool api stands in the configuration"
    );
}

#[test]
fn a_key_that_is_not_the_right_one_is_explained() {
    let state = State::of(Proxy::saying(|_| {
        Said::no(401, "admin_key_needed", "show the key.")
    }));
    let outcome = state.run(&["backends", "remove", "api/a1"]);
    assert!(outcome.stderr.contains("--state DIR"), "{}", outcome.stderr);

    let empty = Scratch::new();
    let address = state.proxy.address();
    let arguments = [
        "backends",
        "remove",
        "api/a1",
        "--admin",
        &address,
        "--state",
        empty.path().to_str().unwrap(),
    ];
    let outcome = Program::run(arguments);
    assert!(
        outcome.stderr.contains("No key was shown, because there is no"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("PORTREEVE_ADMIN_KEY"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_key_may_come_from_the_environment() {
    let proxy = Proxy::saying(|_| Said(204, String::new()));
    let empty = Scratch::new();
    let address = proxy.address();
    let arguments = [
        "backends",
        "remove",
        "api/a1",
        "--admin",
        &address,
        "--state",
        empty.path().to_str().unwrap(),
    ];
    let outcome = Program::start_with(arguments, |command| {
        command.env("PORTREEVE_ADMIN_KEY", "other");
    })
    .end();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(proxy.asked()[0].authorization.as_deref(), Some("Bearer other"));
}

#[test]
fn a_proxy_that_is_not_there_is_one_clear_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let folder = Scratch::new();
    folder.write(
        "admin.json",
        &format!("{{\"address\":\"{address}\",\"key\":\"k\"}}"),
    );
    let outcome = Program::run(["backends", "--state", folder.path().to_str().unwrap()]);
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    for part in [
        &*address,
        "connection refused",
        "admin.json",
        "--admin ADDR",
        "--state DIR",
    ] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
}

#[test]
fn another_program_at_that_address_is_quoted_harmlessly() {
    let state = State::of(Proxy::saying(|_| Said(404, "no \u{1b}[31msuch page".to_owned())));
    let outcome = state.run(&["backends"]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("status 404: no  [31msuch page"),
        "{:?}",
        outcome.stderr
    );

    let state = State::of(Proxy::saying(|_| Said(200, "hello".to_owned())));
    let outcome = state.run(&["backends"]);
    assert!(outcome.stderr.contains("cannot be read"), "{}", outcome.stderr);
}

#[test]
fn a_name_without_a_pool_is_code_2() {
    for wrong in ["a1", "/a1", "api/"] {
        let outcome = Program::run(["backends", "show", wrong]);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains("POOL/ID"), "{}", outcome.stderr);
    }
}
