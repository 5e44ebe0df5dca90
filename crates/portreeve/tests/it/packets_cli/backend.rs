use rustix::process::Signal;
use serde_json::{Value, json};

use crate::packets_cli::fixture::{Closed, Connection, Program, Proxy, command, run};

const REGISTERED: &str = r#"{"type": 1, "status": "registered", "id": 100, "privPolyId": 111}"#;
const DIGEST: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

/// A running backend with the id 100, and where it listens.
struct Backend {
    program: Program,
    address: String,
}

impl Backend {
    /// For the policy 111.
    fn start(proxy: &str, more: &[&str]) -> Self {
        Self::for_policies("111", proxy, more)
    }

    fn for_policies(policies: &str, proxy: &str, more: &[&str]) -> Self {
        let mut arguments = vec!["backend", "--id", "100", "--policy", policies];
        arguments.extend(["--listen", "0", "--proxy", proxy]);
        arguments.extend(more);
        Self::of(Program::start(arguments))
    }

    fn of(mut program: Program) -> Self {
        let line = program.told("listening on ");
        let address = line.split("listening on ").nth(1).unwrap().to_owned();
        Self { program, address }
    }

    /// One that is registered and needs its proxy no more.
    fn registered() -> Self {
        let proxy = Proxy::listening();
        let backend = Self::start(&proxy.address(), &["--ttl", "off"]);
        proxy.answer(REGISTERED);
        backend
    }

    fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    fn connect(&self) -> Connection {
        Connection::to(&self.address)
    }
}

fn request(payload: &str) -> String {
    format!(r#"{{"type": 0, "srcid": 5, "privPoliId": 111, "payload": "{payload}"}}"#)
}

#[test]
fn it_registers_where_it_listens() {
    let proxy = Proxy::listening();
    let mut backend = Backend::start(&proxy.address(), &[]);
    let setup = proxy.answer(REGISTERED);
    let expected =
        json!({"type": 1, "id": 100, "privPolyId": 111, "listenport": backend.port(), "ttl_ms": 10_000});
    assert_eq!(setup, expected);
    let told = backend.program.told("registered");
    assert_eq!(
        told,
        format!("portreeve: registered 100 for 111 with {}", proxy.address())
    );
}

#[test]
fn it_listens_before_it_registers() {
    let proxy = Proxy::listening();
    let _backend = Backend::start(&proxy.address(), &[]);
    let mut connection = proxy.accept();
    let port = connection.packet()["listenport"].as_u64().unwrap();
    let answer = Connection::to(&format!("127.0.0.1:{port}")).ask(&request("abc"));
    assert_eq!(answer["payload"], DIGEST);
    connection.send(REGISTERED.as_bytes());
}

#[test]
fn it_acknowledges_in_the_spelling_that_it_was_asked() {
    let backend = Backend::registered();
    let answer = backend.connect().ask(&request("abc"));
    assert_eq!(
        answer,
        json!({"type": 2, "srcid": 100, "destid": 5, "payloadsize": 40, "payload": DIGEST})
    );
    let answer = backend
        .connect()
        .ask(r#"{"type": "0", "srcid": "c", "privPolyId": "111", "payload": "abc"}"#);
    assert_eq!(
        answer,
        json!({"type": "2", "srcid": "100", "destid": "c", "payloadsize": 40, "payload": DIGEST})
    );
}

#[test]
fn it_answers_each_packet_of_a_connection_in_turn() {
    let backend = Backend::registered();
    let mut connection = backend.connect();
    connection.send(format!("{}{}\n", request("abc"), request("")).as_bytes());
    assert_eq!(connection.packet()["payload"], DIGEST);
    assert_eq!(
        connection.packet()["payload"],
        "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    );
    connection.send_in_pieces(request("abc").as_bytes());
    assert_eq!(connection.packet()["payload"], DIGEST);
    connection.half_close();
    connection.await_close();
}

#[test]
fn it_serves_many_at_once() {
    let backend = Backend::registered();
    let mut connections: Vec<Connection> = (0..200).map(|_| backend.connect()).collect();
    let whole = request("abc");
    let (first, rest) = whole.split_at(20);
    for connection in &mut connections {
        connection.send(first.as_bytes());
    }
    for connection in connections.iter_mut().rev() {
        assert_eq!(connection.ask(rest)["payload"], DIGEST);
    }
}

#[test]
fn a_probe_that_connects_and_leaves_harms_nothing() {
    let backend = Backend::registered();
    drop(backend.connect());
    let mut probe = backend.connect();
    probe.half_close();
    probe.await_close();
    assert_eq!(backend.connect().ask(&request("abc"))["payload"], DIGEST);
}

#[test]
fn a_bad_packet_is_answered_and_the_connection_goes_on() {
    let backend = Backend::registered();
    let mut connection = backend.connect();
    for (packet, code) in [
        ("[]", "bad_packet"),
        (r#"{"type": -2}"#, "bad_packet"),
        (
            r#"{"type": 1, "id": 1, "privPolyId": 111, "listenport": 5}"#,
            "bad_packet",
        ),
        (&request(&"x".repeat(1025)), "payload_too_large"),
        (&request("abc").replace("111", "222"), "unknown_policy"),
    ] {
        assert_eq!(connection.ask(packet)["error"], code, "{packet}");
    }
    assert_eq!(connection.ask(&request("abc"))["payload"], DIGEST);
}

#[test]
fn what_is_no_json_is_answered_and_ends_only_its_connection() {
    let backend = Backend::registered();
    let mut other = backend.connect();
    let mut connection = backend.connect();
    let answer = connection.ask("\u{feff}{}");
    assert_eq!(
        (&answer["type"], &answer["error"]),
        (&json!(-1), &json!("not_json"))
    );
    connection.await_close();
    assert_eq!(other.ask(&request("abc"))["payload"], DIGEST);
}

#[test]
fn it_registers_for_each_policy_and_serves_no_other() {
    let proxy = Proxy::listening();
    let backend = Backend::for_policies("111,PP_1", &proxy.address(), &[]);
    let policies = [(); 2].map(|()| proxy.answer(REGISTERED)["privPolyId"].clone());
    assert_eq!(policies, [json!(111), json!("PP_1")]);
    let ask = |policy: &str| backend.connect().ask(&request("abc").replace("111", policy));
    assert_eq!(ask("\"PP_1\"")["payload"], DIGEST);
    assert_eq!(ask("112")["error"], "unknown_policy");
}

#[test]
fn it_renews_while_its_registration_lasts() {
    let proxy = Proxy::listening();
    let _backend = Backend::start(&proxy.address(), &["--ttl", "1s"]);
    let setups: Vec<Value> = (0..4).map(|_| proxy.answer(REGISTERED)).collect();
    assert_eq!(setups[0]["ttl_ms"], 1000);
    assert!(setups.iter().all(|setup| *setup == setups[0]), "{setups:?}");
}

#[test]
fn a_proxy_that_is_not_there_is_told_and_tried_again() {
    let closed = Closed::new();
    let mut backend = Backend::start(&closed.address(), &[]);
    let told = backend.program.told("cannot register");
    assert!(
        told.contains("refused") && told.ends_with("; trying again"),
        "{told}"
    );
    closed.listen().answer(REGISTERED);
    backend.program.told("registered 100 for 111");
}

#[test]
fn a_refusal_is_told_once_with_its_reason_and_tried_again() {
    let proxy = Proxy::listening();
    let mut backend = Backend::start(&proxy.address(), &[]);
    for _ in 0..4 {
        proxy.answer(r#"{"type": -1, "error": "registration_refused", "detail": "the token is unknown"}"#);
    }
    proxy.answer(REGISTERED);
    backend.program.told("registered 100 for 111");
    backend.program.signal(Signal::TERM);
    let told = backend.program.end().stderr;
    let refusal = "it refuses: registration_refused: the token is unknown; trying again";
    assert_eq!(told.matches(refusal).count(), 1, "{told}");
}

#[test]
fn a_policy_that_is_refused_does_not_keep_the_others_out() {
    let proxy = Proxy::listening();
    let _backend = Backend::for_policies("111,222", &proxy.address(), &[]);
    for _ in 0..2 {
        assert_eq!(
            proxy.answer(r#"{"type": -1, "error": "registration_refused"}"#)["privPolyId"],
            111
        );
        assert_eq!(proxy.answer(REGISTERED)["privPolyId"], 222);
    }
}

#[test]
fn a_proxy_that_closes_without_an_answer_has_taken_it() {
    let proxy = Proxy::listening();
    let mut backend = Backend::start(&proxy.address(), &[]);
    proxy.accept().raw();
    backend.program.told("registered 100 for 111");
}

#[test]
fn an_answer_that_is_none_to_a_registration_is_told() {
    let proxy = Proxy::listening();
    let mut backend = Backend::start(&proxy.address(), &[]);
    proxy.answer("HTTP/1.1 400 Bad Request\r\n\r\n");
    backend
        .program
        .told("its answer is none to a registration: not_json");
}

#[test]
fn token_and_host_are_in_the_setup_only() {
    let proxy = Proxy::listening();
    let more = ["--host", "10.0.0.7", "--token", "s3cret", "--ttl", "off"];
    let mut backend = Backend::start(&proxy.address(), &more);
    let setup = proxy.answer(REGISTERED);
    assert_eq!(
        (&setup["host"], &setup["token"]),
        (&json!("10.0.0.7"), &json!("s3cret"))
    );
    assert_eq!(setup.get("ttl_ms"), None);
    backend.program.told("registered");
    backend.program.signal(Signal::TERM);
    let outcome = backend.program.end();
    assert!(!format!("{outcome:?}").contains("s3cret"), "{outcome:?}");
}

#[test]
fn the_token_may_come_from_the_environment() {
    let proxy = Proxy::listening();
    let address = proxy.address();
    let arguments = [
        "backend", "--id", "a", "--policy", "eu", "--listen", "0", "--proxy", &address,
    ];
    let _backend = Backend::of(Program::spawn(
        command(arguments).env("PORTREEVE_TOKEN", "s3cret"),
    ));
    assert_eq!(proxy.answer(REGISTERED)["token"], "s3cret");
}

#[test]
fn sigterm_and_ctrl_c_end_it_cleanly_with_connections_open() {
    for signal in [Signal::TERM, Signal::INT] {
        let backend = Backend::registered();
        let mut connection = backend.connect();
        connection.ask(&request("abc"));
        backend.program.signal(signal);
        connection.await_close();
        let outcome = backend.program.end();
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (Some(0), ""),
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.ends_with("portreeve: ended: 1 request answered"),
            "{outcome:?}"
        );
    }
}

#[test]
fn sigterm_ends_it_while_it_waits_for_a_proxy() {
    let closed = Closed::new();
    let mut backend = Backend::start(&closed.address(), &[]);
    backend.program.told("cannot register");
    backend.program.signal(Signal::TERM);
    assert_eq!(backend.program.end().code, Some(0));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = Proxy::listening();
    let address = taken.address();
    let outcome = run([
        "backend", "--id", "1", "--policy", "1", "--listen", &address, "--proxy", ":1",
    ]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains(&format!("cannot listen on {address}")),
        "{outcome:?}"
    );
}

#[test]
fn what_is_typed_wrongly_is_exit_code_2_and_names_the_flag() {
    let cases: [(&[&str], &str); 9] = [
        (&["--policy", "1", "--listen", "0"], "--id"),
        (&["--id", "1", "--listen", "0"], "--policy"),
        (&["--id", "1", "--policy", "1"], "--listen"),
        (
            &["--id", "a/b", "--policy", "1", "--listen", "0"],
            "--id: found \"a/b\"",
        ),
        (
            &["--id", "1", "--policy", "1,,2", "--listen", "0"],
            "--policy: found \"\"",
        ),
        (&["--id", "1", "--policy", "1", "--listen", "99999"], "--listen"),
        (
            &["--id", "1", "--policy", "1", "--listen", "0", "--ttl", "0s"],
            "--ttl",
        ),
        (
            &["--id", "1", "--policy", "1", "--listen", "0", "--token", "a b"],
            "--token: not as it should be",
        ),
        (
            &["--id", "1", "--policy", "1", "--listen", "0", "--host", ""],
            "--host: found \"\"",
        ),
    ];
    for (arguments, told) in cases {
        let outcome = run(["backend", "--proxy", ":1"].iter().chain(arguments));
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.contains(told), "{arguments:?}: {outcome:?}");
    }
}
