use std::fs;
use std::path::PathBuf;

use crate::packets_cli::fixture::Connection;
use crate::packets_cli::fixture::{Outcome, Program, Proxy, folder, run};

const REQUEST: &str =
    r#"{"type": 0, "srcid": 5, "own": [1.50],"privPoliId": 111, "payloadsize": 999, "payload": "abc"}"#;
const RIGHT: &str =
    r#"{"type": 2, "srcid": 100, "destid": 5, "payload": "a9993e364706816aba3e25717850c26c9cd0d89d"}"#;
const WRONG: &str =
    r#"{"type": 2, "srcid": 100, "destid": 5, "payload": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#;
const DONE: &str = "Transmission successfully received by server";

fn file(name: &str, content: &str) -> PathBuf {
    let file = folder(&format!("send_{name}")).join("packet.json");
    fs::write(&file, content).unwrap();
    file
}

/// Sends [`REQUEST`] to a proxy that is played by `play`.
fn send(name: &str, more: &[&str], play: impl FnOnce(&Proxy)) -> Outcome {
    let proxy = Proxy::listening();
    let file = file(name, &format!("{REQUEST}\n"));
    let mut arguments = vec!["send".to_owned(), file.display().to_string()];
    arguments.extend(["--proxy".to_owned(), proxy.address()]);
    arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    let program = Program::start(arguments);
    play(&proxy);
    program.end()
}

/// The same with one connection that reads the request before `play` goes on.
fn send_once(name: &str, play: impl FnOnce(&mut Connection)) -> Outcome {
    send(name, &[], |proxy| {
        let mut connection = proxy.accept();
        connection.raw();
        play(&mut connection);
    })
}

fn is_done(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (DONE, ""));
}

fn is_failed(outcome: &Outcome, told: &str) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains(told), "{outcome:?}");
}

#[test]
fn a_right_acknowledgement_is_success() {
    is_done(&send_once("right", |connection| {
        connection.send(RIGHT.as_bytes());
    }));
}

#[test]
fn the_packet_is_sent_as_it_stands_in_the_file() {
    let outcome = send("bytes", &[], |proxy| {
        let mut connection = proxy.accept();
        assert_eq!(connection.raw(), REQUEST.as_bytes());
        connection.send(RIGHT.as_bytes());
        connection.await_close();
    });
    is_done(&outcome);
}

#[test]
fn an_acknowledgement_may_come_in_pieces() {
    is_done(&send_once("pieces", |connection| {
        connection.send_in_pieces(RIGHT.as_bytes());
    }));
}

#[test]
fn an_acknowledgement_may_be_followed_by_a_line_break_and_the_end() {
    let outcome = send_once("half_closed", |connection| {
        connection.send(format!("\r\n{RIGHT}\r\n").as_bytes());
        connection.half_close();
        connection.await_close();
    });
    is_done(&outcome);
}

#[test]
fn an_acknowledgement_in_the_other_spelling_is_one() {
    let answer = RIGHT.replace("2,", "\"2\",").replace("100", "\"100\"");
    is_done(&send_once("spelling", |connection| {
        connection.send(answer.as_bytes());
    }));
}

#[test]
fn a_packet_may_come_from_stdin() {
    let proxy = Proxy::listening();
    let program = Program::fed(["send", "-", "--proxy", &proxy.address()], REQUEST.as_bytes());
    assert_eq!(proxy.answer(RIGHT)["payload"], "abc");
    is_done(&program.end());
}

#[test]
fn the_digest_is_of_the_decoded_payload_whatever_its_announced_size() {
    let proxy = Proxy::listening();
    let request = r#"{"type":"0","privPolyId":"1","payloadsize":1,"payload":"\u00e9"}"#;
    let program = Program::fed(["send", "-", "--proxy", &proxy.address()], request.as_bytes());
    proxy.answer(r#"{"type":"2","payload":"bf15be717ac1b080b4f1c456692825891ff5073d"}"#);
    is_done(&program.end());
}

#[test]
fn a_mismatch_fails_with_both_digests_and_no_question() {
    let outcome = send_once("mismatch", |connection| connection.send(WRONG.as_bytes()));
    is_failed(&outcome, "transmission failed");
    for digest in [
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "a9993e364706816aba3e25717850c26c9cd0d89d",
    ] {
        assert!(outcome.stderr.contains(digest), "{outcome:?}");
    }
    assert!(!outcome.stderr.contains("again"), "{outcome:?}");
}

#[test]
fn a_mismatch_is_tried_again_as_often_as_asked() {
    let outcome = send("retried", &["--retry", "2"], |proxy| {
        for answer in [WRONG, WRONG, RIGHT] {
            proxy.answer(answer);
        }
    });
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(0), DONE),
        "{outcome:?}"
    );
}

#[test]
fn a_mismatch_is_tried_no_more_often_than_asked() {
    let outcome = send("tired", &["--retry", "1"], |proxy| {
        proxy.answer(WRONG);
        proxy.answer(WRONG);
    });
    is_failed(&outcome, "transmission failed");
}

#[test]
fn an_error_packet_is_printed() {
    let error = r#"{"type": -1, "srcid": 5, "error": "no_backend", "detail": "nobody upholds 111"}"#;
    let outcome = send("error", &["--retry", "3"], |proxy| drop(proxy.answer(error)));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(outcome.stdout, error);
    assert_eq!(outcome.stderr, "portreeve: no_backend: nobody upholds 111");
}

#[test]
fn an_error_packet_without_a_code_is_printed_too() {
    let outcome = send_once("bare_error", |connection| connection.send(br#"{"type":"-1"}"#));
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(1), r#"{"type":"-1"}"#)
    );
}

#[test]
fn a_detail_cannot_steer_the_terminal() {
    let error = r#"{"type":-1,"error":"timeout","detail":"\u001b[2J\nportreeve: all is well"}"#;
    let outcome = send_once("steered", |connection| connection.send(error.as_bytes()));
    assert_eq!(
        outcome.stderr,
        "portreeve: timeout: \u{fffd}[2J\u{fffd}portreeve: all is well"
    );
}

#[test]
fn a_close_without_an_answer_fails() {
    is_failed(&send_once("closed", |_| {}), "closed without an answer");
}

#[test]
fn half_an_answer_fails() {
    let outcome = send_once("cut", |connection| connection.send(&RIGHT.as_bytes()[..40]));
    is_failed(&outcome, "ends after 40 bytes, before its JSON value does");
}

#[test]
fn an_answer_that_is_no_json_fails() {
    is_failed(
        &send_once("pickle", |connection| connection.send(b"\x80\x04\x95")),
        "not_json",
    );
}

#[test]
fn an_answer_that_is_no_answer_fails() {
    is_failed(
        &send_once("echo", |connection| connection.send(REQUEST.as_bytes())),
        "acknowledgement",
    );
}

#[test]
fn an_answer_without_end_fails() {
    let outcome = send_once("endless", |connection| {
        let spaces = vec![b' '; 64 * 1024];
        connection.send(br#"{"type": 2, "payload": "#);
        connection.send(&spaces);
    });
    is_failed(&outcome, "payload_too_large");
}

#[test]
fn silence_fails_after_the_timeout() {
    let mut held = None;
    let outcome = send("silent", &["--timeout", "200ms"], |proxy| {
        held = Some(proxy.accept());
    });
    is_failed(&outcome, "within 200 ms");
}

#[test]
fn drips_do_not_prolong_the_timeout() {
    let outcome = send("drips", &["--timeout", "300ms"], |proxy| {
        let mut connection = proxy.accept();
        connection.raw();
        connection.send(b"{");
        connection.await_close();
    });
    is_failed(&outcome, "within 300 ms");
}

#[test]
fn nobody_there_fails() {
    let closed = crate::packets_cli::fixture::Closed::new();
    let file = file("nobody", REQUEST);
    let outcome = run(["send", file.to_str().unwrap(), "--proxy", &closed.address()]);
    is_failed(&outcome, &format!("cannot connect to {}", closed.address()));
}

#[test]
fn what_is_no_request_is_not_sent() {
    let proxy = Proxy::listening();
    for (content, told) in [
        ("", "not_json"),
        ("{\"type\": 0", "before its JSON value does"),
        (&format!("{REQUEST}{REQUEST}"), "something follows"),
        ("[]", "found an array"),
        (r#"{"type":0,"payload":""}"#, "privPoliId: missing"),
        (RIGHT, "holds another packet than a request"),
    ] {
        let file = file("no_request", content);
        let outcome = run(["send", file.to_str().unwrap(), "--proxy", &proxy.address()]);
        is_failed(&outcome, told);
        assert!(outcome.stderr.contains("packet.json: "), "{outcome:?}");
    }
    assert!(proxy.is_untouched());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    is_failed(
        &run(["send", "/nowhere/p.json", "--proxy", ":1"]),
        "/nowhere/p.json: cannot be read",
    );
    is_failed(&run(["send", "/", "--proxy", ":1"]), "/: cannot be read");
}

#[test]
fn a_payload_that_is_too_long_is_for_the_proxy_to_refuse() {
    let proxy = Proxy::listening();
    let request = format!(
        r#"{{"type":0,"privPoliId":1,"payload":"{}"}}"#,
        "x".repeat(100_000)
    );
    let program = Program::fed(["send", "-", "--proxy", &proxy.address()], request.as_bytes());
    let error = request.replace(
        "\"type\":0",
        r#""type":-1,"error":"payload_too_large","detail":"too long""#,
    );
    let mut connection = proxy.accept();
    assert_eq!(connection.raw().len(), request.len());
    connection.send(error.as_bytes());
    let outcome = program.end();
    assert_eq!(outcome.code, Some(1), "{:?}", outcome.stderr);
    assert_eq!(outcome.stdout, error);
    assert_eq!(outcome.stderr, "portreeve: payload_too_large: too long");
}

#[test]
fn what_is_typed_wrongly_is_exit_code_2() {
    let cases: [(&[&str], &str); 7] = [
        (&["send"], "<FILE>"),
        (&["send", "a"], "--proxy"),
        (&["send", "a", "--proxy", "here"], "HOST:PORT"),
        (&["send", "a", "--proxy", "a:0"], "HOST:PORT"),
        (&["send", "a", "--proxy", ":1", "--retry", "x"], "--retry"),
        (&["send", "a", "--proxy", ":1", "--timeout", "soon"], "--timeout"),
        (&["send", "a", "b", "--proxy", ":1"], "'b'"),
    ];
    for (arguments, told) in cases {
        let outcome = run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.contains(told), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "");
    }
}
