//! What we write, and that others and we ourselves can read it.

use portreeve_packet::{
    Code, Limits, NewSetup, Packet, Setup, SetupAnswer, Spelling, parse, parse_setup_answer, payload_sha1,
    write_ack, write_answer, write_error, write_registered, write_request, write_setup,
};
use serde_json::{Value, json};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = b"before".to_vec();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("before").unwrap().to_owned()
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn read(text: &str) -> Packet {
    parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn setup(text: &str) -> Setup {
    match read(text) {
        Packet::Setup(setup) => setup,
        other => panic!("{other:?}"),
    }
}

fn error(asked: &str, spelling: Spelling) -> String {
    let detail = "nobody is \"there\"\n";
    written(|out| write_error(Some(asked.as_bytes()), spelling, Code::NoBackend, detail, out))
}

#[test]
fn the_digest_is_lower_case_hexadecimal_sha1_of_the_utf8_bytes() {
    // FIPS 180-4's examples, and `printf 'é' | sha1sum`.
    assert_eq!(payload_sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(payload_sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_eq!(payload_sha1("é"), "bf15be717ac1b080b4f1c456692825891ff5073d");
}

#[test]
fn an_error_echoes_the_request_with_its_type_respelled_in_place() {
    let text = error(
        r#"{"srcid":5,"type":0,"privPoliId":"111","x":[1e400,"\u00e9"],"payload":"a"}"#,
        Spelling::Number,
    );
    assert_eq!(
        text,
        r#"{"srcid": 5, "type": -1, "privPoliId": "111", "x": [1e400,"\u00e9"], "payload": "a", "error": "no_backend", "detail": "nobody is \"there\"\n"}"#
    );
    let Packet::Error(refused) = read(&text) else {
        panic!("{text}")
    };
    assert_eq!(
        (refused.code(), refused.detail()),
        ("no_backend", "nobody is \"there\"\n")
    );
}

#[test]
fn an_error_is_spelled_as_the_one_who_asked_spells() {
    let text = error(r#"{"type":"0"}"#, Spelling::Text);
    assert_eq!(value(&text)["type"], json!("-1"));
    let Packet::Error(refused) = read(&text) else {
        panic!("{text}")
    };
    assert_eq!(refused.spelling(), Spelling::Text);
}

#[test]
fn an_error_about_bytes_that_are_no_object_echoes_nothing() {
    for asked in [
        &b"\x80\x04"[..],
        b"[1]",
        b"{\"a\":1",
        b"{\"a\":\"\xff\"}",
        b"{}",
        b"",
    ] {
        let text = written(|out| write_error(Some(asked), Spelling::Number, Code::NotJson, "no", out));
        assert_eq!(
            value(&text),
            json!({"type": -1, "error": "not_json", "detail": "no"})
        );
    }
    let text = written(|out| write_error(None, Spelling::Text, Code::Overloaded, "full", out));
    assert_eq!(
        value(&text),
        json!({"type": "-1", "error": "overloaded", "detail": "full"})
    );
}

#[test]
fn an_error_has_one_type_one_code_and_no_token_whatever_was_asked() {
    let asked = r#"{"ty\u0070e":1,"type":[2],"error":"old","detail":{},"t\u006fken":"secret","token":"secret","id":4}"#;
    let text = error(asked, Spelling::Number);
    assert!(!text.contains("secret") && !text.contains("old"), "{text}");
    assert_eq!(
        text,
        r#"{"type": -1, "id": 4, "error": "no_backend", "detail": "nobody is \"there\"\n"}"#
    );
}

#[test]
fn an_error_about_a_packet_without_type_has_one() {
    assert_eq!(value(&error(r#"{"a":1}"#, Spelling::Number))["type"], json!(-1));
}

#[test]
fn registered_echoes_id_and_policy_in_the_setups_spelling() {
    let asked = setup(r#"{"type": "1", "id": "100", "privPoliId": "111", "listenport": "9", "token": "t"}"#);
    let text = written(|out| write_registered(&asked, out));
    assert_eq!(
        text,
        r#"{"type": "1", "status": "registered", "id": "100", "privPoliId": "111"}"#
    );
    let asked = setup(r#"{"type": 1, "id": 100, "privPolyId": 111, "listenport": 9}"#);
    let text = written(|out| write_registered(&asked, out));
    assert_eq!(
        text,
        r#"{"type": 1, "status": "registered", "id": 100, "privPolyId": 111}"#
    );
    let answer = parse_setup_answer(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(answer, SetupAnswer::Registered);
}

#[test]
fn a_refused_setup_is_read_as_such() {
    let text = error(r#"{"type":1,"id":1}"#, Spelling::Number);
    match parse_setup_answer(text.as_bytes(), &Limits::default()).unwrap() {
        SetupAnswer::Refused(refused) => assert_eq!(refused.code(), "no_backend"),
        SetupAnswer::Registered => panic!("{text}"),
    }
}

#[test]
fn our_request_carries_the_true_length_and_reads_back() {
    let text = written(|out| write_request("5", "PP_1", "é\n\"", out));
    assert_eq!(
        value(&text),
        json!({"type": 0, "srcid": 5, "privPoliId": "PP_1", "payloadsize": 4, "payload": "é\n\""})
    );
    let Packet::Request(request) = read(&text) else {
        panic!("{text}")
    };
    assert_eq!(
        (request.srcid(), request.policy(), request.payload()),
        (Some("5"), "PP_1", "é\n\"")
    );
}

#[test]
fn names_become_numbers_only_if_every_reader_keeps_them_so() {
    for (name, expected) in [
        ("111", json!(111)),
        ("-7", json!(-7)),
        ("0", json!(0)),
        ("007", json!("007")),
        ("-0", json!("-0")),
        ("+1", json!("+1")),
        ("1.5", json!("1.5")),
        ("1234567890123456", json!("1234567890123456")),
    ] {
        let text = written(|out| write_setup(name, name, 1, out));
        assert_eq!(value(&text)["id"], expected);
        assert_eq!(
            (setup(&text).id.as_str(), setup(&text).policy.as_str()),
            (name, name)
        );
    }
}

#[test]
fn our_setup_reads_back_with_all_its_fields() {
    let text = written(|out| write_setup("100", "111", 2105, out));
    assert_eq!(
        text,
        r#"{"type": 1, "id": 100, "privPolyId": 111, "listenport": 2105}"#
    );
    let new = NewSetup {
        host: Some("h"),
        token: Some("t"),
        ttl_ms: Some(10_000),
        ..NewSetup::new("a", "eu", 1)
    };
    let setup = setup(&written(|out| new.write(out)));
    assert_eq!(
        (setup.host.as_deref(), setup.token.as_deref(), setup.ttl_ms),
        (Some("h"), Some("t"), Some(10_000))
    );
}

#[test]
fn our_acknowledgement_has_the_digest_and_the_clients_id_as_it_wrote_it() {
    let text = written(|out| write_ack("100", Some("\"c\\u0031\""), "abc", out));
    assert_eq!(
        text,
        r#"{"type": 2, "srcid": 100, "destid": "c\u0031", "payloadsize": 40, "payload": "a9993e364706816aba3e25717850c26c9cd0d89d"}"#
    );
    let Packet::Ack(ack) = read(&text) else {
        panic!("{text}")
    };
    assert_eq!((ack.srcid(), ack.destid()), (Some("100"), Some("c1")));
}

#[test]
fn our_answer_is_in_the_spelling_that_was_asked() {
    for (kind, id, spelled) in [
        ("0", "5", json!([2, 100, 5])),
        ("\"0\"", "\"5\"", json!(["2", "100", "5"])),
    ] {
        let asked = format!(r#"{{"type":{kind},"srcid":{id},"privPoliId":1,"payload":"abc"}}"#);
        let Packet::Request(request) = read(&asked) else {
            panic!("{asked}")
        };
        let answer = value(&written(|out| write_answer(&request, "100", out)));
        assert_eq!(
            json!([answer["type"], answer["srcid"], answer["destid"]]),
            spelled
        );
        assert_eq!(answer["payload"], json!(payload_sha1("abc")));
    }
}

#[test]
fn an_answer_to_a_nameless_client_has_no_destid() {
    let Packet::Request(request) = read(r#"{"type":0,"privPoliId":1,"payload":""}"#) else {
        panic!()
    };
    let answer = value(&written(|out| write_answer(&request, "a", out)));
    assert!(answer.get("destid").is_none(), "{answer}");
}
