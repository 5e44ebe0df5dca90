//! What peers send that differ, read as the same.

use portreeve_packet::{Ack, Code, Fault, Limits, Packet, Request, Setup, Spelling, parse};

fn read(text: &str) -> Result<Packet, Fault> {
    parse(text.as_bytes(), &Limits::default())
}

fn request(text: &str) -> Request {
    match read(text) {
        Ok(Packet::Request(request)) => request,
        other => panic!("{text}: {other:?}"),
    }
}

fn setup(text: &str) -> Setup {
    match read(text) {
        Ok(Packet::Setup(setup)) => setup,
        other => panic!("{text}: {other:?}"),
    }
}

fn ack(text: &str) -> Ack {
    match read(text) {
        Ok(Packet::Ack(ack)) => ack,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn type_is_a_number_or_a_string() {
    let number = request(r#"{"type": 0, "srcid": 1, "privPoliId": 111, "payloadsize": 3, "payload": "abc"}"#);
    let text =
        request(r#"{"type": "0", "srcid": "1", "privPoliId": "111", "payloadsize": "3", "payload": "abc"}"#);
    assert_eq!(number.spelling(), Spelling::Number);
    assert_eq!(text.spelling(), Spelling::Text);
    for request in [number, text] {
        let read = (request.srcid(), request.policy(), request.payload());
        assert_eq!(read, (Some("1"), "111", "abc"));
    }
}

#[test]
fn each_type_is_told_apart() {
    let setup = |kind| format!(r#"{{"type":{kind},"id":1,"privPolyId":2,"listenport":3}}"#);
    let ack = |kind| format!(r#"{{"type":{kind},"srcid":1,"destid":2,"payload":"x"}}"#);
    for (kind, text) in [("1", "\"1\""), ("2", "\"2\""), ("-1", "\"-1\"")] {
        for kind in [kind, text] {
            assert!(match kind.trim_matches('"') {
                "1" => matches!(read(&setup(kind)), Ok(Packet::Setup(_))),
                "2" => matches!(read(&ack(kind)), Ok(Packet::Ack(_))),
                _ => matches!(read(&ack(kind)), Ok(Packet::Error(_))),
            });
        }
    }
}

#[test]
fn ids_policies_and_ports_are_numbers_or_strings() {
    let number = setup(r#"{"type": 1, "id": 100, "privPolyId": 111, "listenport": 2105}"#);
    let text = setup(r#"{"type": 1, "id": "100", "privPolyId": "111", "listenport": "2105"}"#);
    for setup in [number, text] {
        let read = (setup.id.as_str(), setup.policy.as_str(), setup.port);
        assert_eq!(read, ("100", "111", 2105));
        assert_eq!((setup.host, setup.token, setup.ttl_ms), (None, None, None));
    }
}

#[test]
fn text_of_a_policy_compares_exactly() {
    let policy = |value: &str| {
        request(&format!(r#"{{"type":0,"privPoliId":{value},"payload":""}}"#))
            .policy()
            .to_owned()
    };
    assert_eq!(policy(r#""PP_1""#), "PP_1");
    assert_eq!(policy(r#""pp_1""#), "pp_1");
    assert_eq!(policy(r#""0111""#), "0111");
    assert_eq!(policy("111"), policy(r#""111""#));
    assert_eq!(policy("-0"), "0");
    assert_eq!(
        policy("123456789012345678901234567890"),
        "123456789012345678901234567890"
    );
    assert_eq!(policy(r#""\u00e9 \ud83d\ude00""#), "é \u{1f600}");
}

#[test]
fn the_policy_is_read_under_either_key_in_both_packets() {
    for key in ["privPoliId", "privPolyId"] {
        assert_eq!(
            request(&format!(r#"{{"type":0,"{key}":7,"payload":""}}"#)).policy(),
            "7"
        );
        let setup = setup(&format!(r#"{{"type":1,"id":1,"{key}":7,"listenport":9}}"#));
        assert_eq!(setup.policy, "7");
    }
}

#[test]
fn both_policy_keys_are_let_pass_only_if_they_agree() {
    let both = |second: &str| format!(r#"{{"type":0,"privPoliId":111,"privPolyId":{second},"payload":""}}"#);
    assert_eq!(request(&both("\"111\"")).policy(), "111");
    let fault = read(&both("222")).unwrap_err();
    assert_eq!(fault.code, Code::BadPacket);
    assert_eq!(
        fault.detail,
        "privPoliId and privPolyId: found \"111\" and \"222\"; allowed: one of them, or both the same"
    );
    let setup = r#"{"type":1,"id":1,"privPoliId":1,"privPolyId":2,"listenport":9}"#;
    assert_eq!(read(setup).unwrap_err().code, Code::BadPacket);
}

#[test]
fn payloadsize_is_never_trusted() {
    for size in [
        "",
        r#""payloadsize":999,"#,
        r#""payloadsize":"x","#,
        r#""payloadsize":-1,"payloadsize":{},"#,
    ] {
        let request = request(&format!(r#"{{"type":0,"privPoliId":1,{size}"payload":"abc"}}"#));
        assert_eq!(request.payload(), "abc");
    }
}

#[test]
fn unknown_fields_are_passed_on_unchanged_and_in_order() {
    let text = r#"{"z":1e400, "type":0 ,"payload":"a\/b","b":{"b":[ ]},"a":"\ud800","privPoliId":"1","b":2,"ttl_ms":"x"}"#;
    let request = request(&format!("  {text}\n"));
    assert_eq!(request.raw(), text.as_bytes());
    for (spelling, kind) in [(Spelling::Number, "0"), (Spelling::Text, "\"0\"")] {
        let mut out = Vec::new();
        request.write(spelling, &mut out);
        let expected = text.replace("\"type\":0", &format!("\"type\":{kind}"));
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn an_acknowledgement_is_passed_on_in_the_spelling_of_the_one_who_asked() {
    let ack = ack(r#"{"type": "2", "srcid": "100", "destid": 5, "payload": "a9", "more": [1]}"#);
    assert_eq!(ack.spelling(), Spelling::Text);
    assert_eq!(
        (ack.srcid(), ack.destid(), ack.payload()),
        (Some("100"), Some("5"), "a9")
    );
    let mut out = Vec::new();
    ack.write(Spelling::Number, &mut out);
    assert_eq!(
        out,
        br#"{"type": 2, "srcid": "100", "destid": 5, "payload": "a9", "more": [1]}"#
    );
    out.clear();
    ack.write(Spelling::Text, &mut out);
    assert_eq!(out, ack.raw());
}

#[test]
fn keys_may_be_escaped() {
    let request = request(r#"{"ty\u0070e":0,"privPoli\u0049d":1,"p\u0061yload":"\u0061\tb"}"#);
    assert_eq!((request.policy(), request.payload()), ("1", "a\tb"));
    let mut out = Vec::new();
    request.write(Spelling::Text, &mut out);
    assert!(out.starts_with(br#"{"ty\u0070e":"0","#));
}

#[test]
fn keys_are_told_apart_by_case() {
    let request = request(r#"{"type":0,"Type":1,"privPoliId":1,"PRIVPOLIID":2,"payload":""}"#);
    assert_eq!(request.policy(), "1");
}

#[test]
fn the_fields_that_only_we_know_are_read_from_a_setup() {
    let setup = setup(
        r#"{"type":1,"id":"a","privPolyId":"eu","listenport":1,"host":"10.0.0.7","token":"t0ken","ttl_ms":2500}"#,
    );
    assert_eq!(setup.host.as_deref(), Some("10.0.0.7"));
    assert_eq!(setup.token.as_deref(), Some("t0ken"));
    assert_eq!(setup.ttl_ms, Some(2500));
    assert!(!format!("{setup:?}").contains("t0ken"), "{setup:?}");
}

#[test]
fn an_error_of_another_program_has_no_code() {
    let other = read(r#"{"type":-1,"srcid":5,"error":7}"#);
    let Ok(Packet::Error(other)) = other else {
        panic!("{other:?}")
    };
    assert_eq!((other.code(), other.detail()), ("", ""));
    assert_eq!(other.raw(), br#"{"type":-1,"srcid":5,"error":7}"#);
}

#[test]
fn a_client_may_call_itself_what_no_server_may() {
    let request = request(r#"{"type":0,"srcid":"me@home/1, 2 ","privPoliId":1,"payload":""}"#);
    assert_eq!(request.srcid(), Some("me@home/1, 2 "));
}

#[test]
fn a_client_need_not_call_itself_anything() {
    assert_eq!(request(r#"{"type":0,"privPoliId":1,"payload":""}"#).srcid(), None);
}
