use super::*;
use crate::differential::client::Answer;
use crate::differential::corpus::Expected;

fn case(passed: usize, end: End) -> Case {
    Case {
        class: "A.B".to_owned(),
        name: "odd".to_owned(),
        expected: Expected { passed, end },
        bytes: Vec::new(),
    }
}

fn heard(statuses: &[u16], body: &str) -> Heard {
    let answer = |status: &u16| Answer {
        status: *status,
        body: body.as_bytes().to_vec(),
    };
    Heard {
        answers: statuses.iter().map(answer).collect(),
        is_hanging: false,
    }
}

fn ours(target: &str, body_bytes: u64, status: u16, cause: Option<&str>) -> Ours {
    Ours {
        method: "POST".to_owned(),
        target: target.to_owned(),
        body_bytes,
        status,
        cause: cause.map(str::to_owned),
    }
}

fn theirs(target: &str, body_bytes: u64, is_whole: bool) -> Theirs {
    Theirs {
        method: "POST".to_owned(),
        target: target.to_owned(),
        body_bytes,
        is_whole,
        is_h2c: false,
    }
}

/// One request, passed and answered, that everybody understood.
fn agreed(case: &Case) -> Observed<'_> {
    Observed {
        case,
        delivery: "whole",
        heard: heard(&[200], ""),
        ours: vec![ours("/first", 5, 200, None)],
        theirs: vec![theirs("/first", 5, true)],
        next: heard(&[200], "/next"),
        next_target: "/next".to_owned(),
    }
}

#[track_caller]
fn assert_fault(observed: &Observed<'_>, part: &str) {
    let faults = observed.faults();
    assert!(faults.iter().any(|fault| fault.contains(part)), "{faults:?}");
}

#[test]
fn agreement_has_no_fault() {
    assert_eq!(agreed(&case(1, End::Clean)).faults(), Vec::<String>::new());
}

#[test]
fn a_request_more_behind_us_is_a_fault() {
    let case = case(1, End::Clean);
    let mut observed = agreed(&case);
    observed.theirs.push(theirs("/smuggled", 0, true));
    assert_fault(&observed, "which we did not pass");
    assert_fault(&observed, "was smuggled");
}

#[test]
fn another_body_length_behind_us_is_a_fault() {
    let case = case(1, End::Clean);
    let mut observed = agreed(&case);
    observed.theirs = vec![theirs("/first", 0, true)];
    assert_fault(&observed, "was not seen behind us");
}

#[test]
fn a_refused_request_that_is_whole_behind_us_is_a_fault() {
    let case = case(0, End::Refused);
    let mut observed = agreed(&case);
    observed.ours = vec![ours("/first", 5, 400, Some("malformed_request"))];
    observed.heard = heard(&[400], "");
    assert_fault(&observed, "which we did not pass");
    observed.theirs = vec![theirs("/first", 0, false)];
    assert_eq!(observed.faults(), Vec::<String>::new());
}

#[test]
fn a_server_may_decline_what_we_pass() {
    let case = case(1, End::Clean);
    let mut observed = agreed(&case);
    observed.ours = vec![ours("/first", 5, 405, None)];
    observed.heard = heard(&[405], "");
    observed.theirs.clear();
    assert_eq!(observed.faults(), Vec::<String>::new());
}

#[test]
fn an_answer_more_or_less_is_a_fault() {
    let case = case(1, End::Clean);
    let mut observed = agreed(&case);
    observed.heard = heard(&[200, 200], "");
    assert_fault(&observed, "the client got [200, 200]");
}

#[test]
fn the_answer_of_somebody_else_is_a_fault() {
    let case = case(1, End::Clean);
    let mut observed = agreed(&case);
    observed.next = heard(&[200], "/smuggled");
    assert_fault(&observed, "the next client asked for /next");
}

#[test]
fn what_is_passed_against_expectation_is_a_fault() {
    let case = case(0, End::Refused);
    assert_fault(&agreed(&case), "expected: passed 0, refused");
}

#[test]
fn a_request_that_names_no_client_of_ours_is_a_fault() {
    let request = portreeve_testkit::decoded(b"GET /smuggled HTTP/1.1\r\n\r\n", Kind::Request).unwrap();
    let (clients, faults) = Theirs::by_client(&[request]);
    assert!(clients.is_empty());
    assert!(faults[0].contains("nobody asked for"), "{faults:?}");
}

#[test]
fn an_absolute_target_loses_scheme_and_authority() {
    let forms = [
        ("GET", "http://a/b?c", "/b?c"),
        ("GET", "http://a", "/"),
        ("GET", "http://a?c", "/?c"),
        ("OPTIONS", "http://a", "*"),
        ("GET", "/http://a/b", "/http://a/b"),
        ("GET", "//a/b", "//a/b"),
        ("CONNECT", "a:443", "a:443"),
    ];
    for (method, target, form) in forms {
        assert_eq!(origin_form(method, target), form, "{method} {target}");
    }
}
