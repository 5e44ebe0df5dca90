//! What is refused, and what is said about it.

use portreeve_packet::{Code, Fault, Limits, Packet, Request, Spelling, parse, parse_setup_answer};

fn fault(bytes: &[u8]) -> Fault {
    match parse(bytes, &Limits::default()) {
        Err(fault) => fault,
        Ok(packet) => panic!("{}: {packet:?}", String::from_utf8_lossy(bytes)),
    }
}

fn bad(text: &str) -> String {
    let fault = fault(text.as_bytes());
    assert_eq!(fault.code, Code::BadPacket, "{text}: {fault}");
    fault.detail
}

/// A setup with one field of its own.
fn setup_with(field: &str) -> String {
    format!(r#"{{"type":1,"id":1,"privPolyId":2,"listenport":3,{field}}}"#)
}

fn payload(json: &str) -> Result<Packet, Fault> {
    let text = format!(r#"{{"type":0,"privPoliId":1,"payload":{json}}}"#);
    parse(text.as_bytes(), &Limits::default())
}

fn is_request(packet: Result<Packet, Fault>) -> Request {
    match packet {
        Ok(Packet::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payload_of_1024_bytes_passes_and_of_1025_does_not() {
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    assert_eq!(is_request(payload(&text(1024))).payload().len(), 1024);
    let fault = payload(&text(1025)).unwrap_err();
    assert_eq!(fault.code, Code::PayloadTooLarge);
    assert_eq!(fault.detail, "payload: found 1025 bytes; allowed: 1024");
}

#[test]
fn a_payload_is_measured_in_bytes_of_its_decoded_text() {
    assert_eq!(
        is_request(payload(&format!("\"{}\"", "é".repeat(512))))
            .payload()
            .len(),
        1024
    );
    assert_eq!(
        payload(&format!("\"{}\"", "é".repeat(513))).unwrap_err().code,
        Code::PayloadTooLarge
    );
    let escaped = format!("\"{}\"", r"\u0041".repeat(1024));
    assert_eq!(is_request(payload(&escaped)).payload(), "A".repeat(1024));
    let escaped = format!("\"{}\"", r"\ud83d\ude00".repeat(257));
    assert_eq!(
        payload(&escaped).unwrap_err().detail,
        "payload: found 1028 bytes; allowed: 1024"
    );
}

#[test]
fn an_acknowledgement_is_measured_too() {
    let text = format!(r#"{{"type":2,"payload":"{}"}}"#, "a".repeat(1025));
    assert_eq!(fault(text.as_bytes()).code, Code::PayloadTooLarge);
}

#[test]
fn pickles_and_everything_else_that_is_no_json_is_not_json() {
    let cases: [&[u8]; 12] = [
        b"\x80\x04\x95\x2a\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x04type\x94K\x00u.",
        b"(dp0\nVtype\np1\nI0\ns.",
        b"",
        b"  ",
        b"{",
        b"{\"type\":0",
        b"{}{}",
        b"{} x",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\xc3\":1}",
        b"{\"type\":0}\0",
    ];
    for bytes in cases {
        assert_eq!(
            fault(bytes).code,
            Code::NotJson,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn bytes_that_are_not_utf8_are_not_json_and_their_place_is_named() {
    assert_eq!(
        fault(b" {\"a\":\"\xff\"}").detail,
        "byte 6 is not UTF-8; a packet is JSON in UTF-8"
    );
}

#[test]
fn json_that_is_no_object_is_a_bad_packet() {
    let cases = [
        ("[]", "an array"),
        ("7", "a number"),
        ("\"x\"", "a string"),
        ("null", "null"),
        ("true", "a truth value"),
    ];
    for (text, kind) in cases {
        assert_eq!(bad(text), format!("found {kind}; a packet is a JSON object"));
    }
}

#[test]
fn a_type_that_is_none_of_ours_is_told_with_those_that_are() {
    for kind in [
        "-2", "3", "1.0", "1e0", "\"\"", "\" 0\"", "\"00\"", "null", "[0]", "true", "1e400",
    ] {
        let detail = bad(&format!(r#"{{"type":{kind},"privPoliId":1,"payload":""}}"#));
        assert_eq!(
            detail,
            format!(
                "type: found {kind}; allowed: 0 (request), 1 (setup), 2 (acknowledgement), -1 (error), as a number or a string"
            )
        );
    }
    assert_eq!(bad("{}"), "type: missing");
}

#[test]
fn a_field_that_is_missing_is_named() {
    assert_eq!(bad(r#"{"type":0,"payload":""}"#), "privPoliId: missing");
    assert_eq!(bad(r#"{"type":0,"privPoliId":1}"#), "payload: missing");
    assert_eq!(bad(r#"{"type":1,"id":1,"listenport":1}"#), "privPolyId: missing");
    assert_eq!(bad(r#"{"type":1,"privPolyId":1,"listenport":1}"#), "id: missing");
    assert_eq!(bad(r#"{"type":1,"id":1,"privPolyId":1}"#), "listenport: missing");
    assert_eq!(bad(r#"{"type":2,"srcid":1}"#), "payload: missing");
}

#[test]
fn a_key_that_we_read_may_stand_there_once() {
    let cases = [
        (r#"{"type":0,"type":0,"privPoliId":1,"payload":""}"#, "type"),
        (r#"{"type":0,"ty\u0070e":1,"privPoliId":1,"payload":""}"#, "type"),
        (
            r#"{"type":0,"privPoliId":1,"privPoliId":1,"payload":""}"#,
            "privPoliId",
        ),
        (
            r#"{"type":0,"privPoliId":1,"payload":"","payload":""}"#,
            "payload",
        ),
        (
            r#"{"type":0,"srcid":1,"srcid":1,"privPoliId":1,"payload":""}"#,
            "srcid",
        ),
        (r#"{"type":1,"id":1,"id":1,"privPolyId":1,"listenport":1}"#, "id"),
        (
            r#"{"type":1,"id":1,"privPolyId":1,"listenport":1,"listenport":1}"#,
            "listenport",
        ),
        (
            r#"{"type":1,"id":1,"privPolyId":1,"listenport":1,"token":"a","token":"a"}"#,
            "token",
        ),
        (r#"{"type":2,"destid":1,"destid":1,"payload":""}"#, "destid"),
        (r#"{"type":-1,"error":"a","error":"b"}"#, "error"),
    ];
    for (text, key) in cases {
        assert_eq!(bad(text), format!("{key}: found more than once; allowed: once"));
    }
}

#[test]
fn a_policy_of_the_wrong_kind_is_told() {
    let long = format!("\"{}\"", "x".repeat(65));
    let wrong = [
        "null",
        "true",
        "[1]",
        "{}",
        "1.5",
        "1e3",
        "1e400",
        "\"\"",
        "\" a\"",
        "\"a \"",
        "\"a,b\"",
        "\"a\\nb\"",
        "\"\\u0000\"",
        "\"\\u0085\"",
        "\"\\ud800\"",
        &long,
        &"9".repeat(65),
    ];
    for value in wrong {
        let detail = bad(&format!(r#"{{"type":0,"privPoliId":{value},"payload":""}}"#));
        assert!(detail.starts_with("privPoliId: found "), "{value}: {detail}");
    }
    let longest = format!(r#"{{"type":0,"privPoliId":"{}","payload":""}}"#, "x".repeat(64));
    assert!(parse(longest.as_bytes(), &Limits::default()).is_ok());
}

#[test]
fn an_id_has_no_signs_that_we_write_addresses_with() {
    for id in [
        "\"a,b\"",
        "\"a@b\"",
        "\"a/b\"",
        "\"a\\/b\"",
        "\" a\"",
        "\"\"",
        "null",
        "1.5",
    ] {
        let detail = bad(&format!(
            r#"{{"type":1,"id":{id},"privPolyId":1,"listenport":1}}"#
        ));
        assert!(detail.starts_with("id: found "), "{id}: {detail}");
        assert!(detail.contains("'@'"), "{id}: {detail}");
    }
}

#[test]
fn a_port_is_a_whole_number_from_1_to_65535() {
    for port in [
        "0",
        "-1",
        "65536",
        "1.5",
        "1e3",
        "\"\"",
        "\"+1\"",
        "\" 1\"",
        "\"01\"",
        "null",
        "99999999999999999999999",
    ] {
        assert_eq!(
            bad(&format!(
                r#"{{"type":1,"id":1,"privPolyId":1,"listenport":{port}}}"#
            )),
            format!("listenport: found {port}; allowed: a whole number from 1 to 65535")
        );
    }
}

#[test]
fn a_payload_that_is_no_text_is_told() {
    for value in ["1", "null", "[]", "{}", "\"\\ud800\"", "\"\\udc00\\ud800\""] {
        let fault = payload(value).unwrap_err();
        assert_eq!(fault.code, Code::BadPacket);
        assert!(
            fault
                .detail
                .starts_with(&format!("payload: found {value}; allowed: ")),
            "{fault}"
        );
    }
}

#[test]
fn the_fields_that_only_we_know_have_bounds() {
    for host in [
        "1",
        "\"\"",
        "\"a b\"",
        "\"é\"",
        &format!("\"{}\"", "a".repeat(256)),
    ] {
        assert!(bad(&setup_with(&format!("\"host\":{host}"))).starts_with("host: found "));
    }
    for ttl in ["0", "\"10s\"", "-5", "1.5"] {
        assert!(bad(&setup_with(&format!("\"ttl_ms\":{ttl}"))).starts_with("ttl_ms: found "));
    }
}

#[test]
fn a_token_is_not_shown_even_if_it_is_wrong() {
    let detail = bad(&setup_with("\"token\":\"se cret\""));
    assert_eq!(
        detail,
        "token: not as it should be; allowed: a string of 1 to 512 visible ASCII characters"
    );
}

#[test]
fn depth_is_bounded() {
    let text = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"type":0,"privPoliId":1,"payload":"","x":{open}{close}}}"#)
    };
    assert!(parse(text(32).as_bytes(), &Limits::default()).is_ok());
    assert_eq!(
        bad(&text(33)),
        "objects and arrays are nested 33 levels deep; allowed: 32"
    );
    assert_eq!(
        bad(&text(30_000)),
        "objects and arrays are nested 30000 levels deep; allowed: 32"
    );
}

#[test]
fn the_number_of_fields_is_bounded() {
    let text = |more: usize| {
        let fields: String = (0..more)
            .map(|number| format!(",\"f{number}\":{{\"a\":1,\"b\":2}}"))
            .collect();
        format!(r#"{{"type":0,"privPoliId":1,"payload":""{fields}}}"#)
    };
    assert!(parse(text(61).as_bytes(), &Limits::default()).is_ok());
    assert_eq!(
        bad(&text(62)),
        "the packet has more than 64 fields, the most that is allowed"
    );
}

#[test]
fn a_packet_beyond_the_limit_is_refused_whole_too() {
    let text = format!(
        r#"{{"type":0,"privPoliId":1,"payload":"","x":"{}"}}"#,
        "x".repeat(64 * 1024)
    );
    assert_eq!(fault(text.as_bytes()).code, Code::PayloadTooLarge);
}

#[test]
fn what_was_found_is_shown_in_part_only_if_it_is_long() {
    let detail = bad(&format!(r#"{{"type":"{}"}}"#, "é".repeat(1000)));
    assert!(
        detail.len() < 200 && detail.contains("... (2002 bytes)"),
        "{detail}"
    );
}

#[test]
fn the_spelling_is_known_even_of_what_is_refused() {
    let cases: [(&[u8], Spelling); 6] = [
        (br#"{"type":"7"}"#, Spelling::Text),
        (br#"{"a":1,"typ\u0065":"0","type":1}"#, Spelling::Text),
        (br#"{"type":7}"#, Spelling::Number),
        (br#"{"a":"0"}"#, Spelling::Number),
        (b"[]", Spelling::Number),
        (b"\x80", Spelling::Number),
    ];
    for (bytes, spelling) in cases {
        assert_eq!(
            Spelling::of(bytes),
            spelling,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn only_registered_or_an_error_answers_a_setup() {
    for text in [
        r#"{"type":1,"id":1,"privPolyId":2,"listenport":3}"#,
        r#"{"type":1,"status":"later"}"#,
        r#"{"type":1,"status":1}"#,
        r#"{"type":2,"payload":""}"#,
    ] {
        let fault = parse_setup_answer(text.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(fault.code, Code::BadPacket, "{text}");
    }
}

#[test]
fn every_code_has_the_word_of_the_protocol() {
    let words = Code::ALL.map(Code::code).join(" ");
    assert_eq!(
        words,
        "not_json bad_packet payload_too_large unknown_policy no_backend registration_refused backend_failed timeout overloaded"
    );
}
