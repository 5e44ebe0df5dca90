//! Any JSON, any split, any bytes.

use std::ops::Range;

use portreeve_packet::{Code, Fault, Limits, Packet, Scan, Spelling, parse, parse_setup_answer, write_error};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// Any JSON value, nested a few levels.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\\\\"{}\\[\\],: ]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Any JSON object, written densely or with white space.
fn any_object() -> impl Strategy<Value = String> {
    let members = vec((any::<String>(), any_value()), 0..8);
    (members, any::<bool>()).prop_map(|(members, is_pretty)| {
        let object = Value::Object(members.into_iter().collect());
        match is_pretty {
            true => serde_json::to_string_pretty(&object).unwrap(),
            false => object.to_string(),
        }
    })
}

/// A request with members of its own before, between and behind.
fn any_request() -> impl Strategy<Value = (String, &'static str)> {
    let unknown = || ("[a-z \\\\\"é]{9,12}", any_value());
    let kind = prop_oneof![Just("0"), Just("\"0\"")];
    (vec(unknown(), 4), kind, any::<String>(), " {0,2}").prop_map(|(unknown, kind, payload, space)| {
        let member = |at: usize| format!("{}{space}:{}", json!(unknown[at].0), unknown[at].1);
        let known = [
            format!("\"type\":{space}{kind}"),
            "\"privPoliId\":\"p\"".to_owned(),
            format!(
                "{space}\"payload\":{}",
                Value::from(payload.chars().take(100).collect::<String>())
            ),
        ];
        let [kind_member, policy, payload] = known;
        let members = [
            member(0),
            kind_member,
            member(1),
            policy,
            member(2),
            payload,
            member(3),
        ];
        (format!("{{{}}}", members.join(",")), kind)
    })
}

fn scan(input: &[u8], mut cuts: Vec<usize>) -> Result<Option<Range<usize>>, Fault> {
    cuts.sort_unstable();
    let limits = Limits {
        packet_bytes_max: 1 << 20,
        ..Limits::default()
    };
    let mut scan = Scan::default();
    for cut in cuts {
        if let Some(found) = scan.advance(&input[..cut], &limits)? {
            return Ok(Some(found));
        }
    }
    scan.finish(input, &limits)
}

fn cuts_in(input: &[u8], cuts: &[prop::sample::Index]) -> Vec<usize> {
    cuts.iter().map(|cut| cut.index(input.len() + 1)).collect()
}

/// Where serde_json sees the first value end.
fn end_by_serde(input: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(input).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

proptest! {
    #[test]
    fn any_object_in_any_split_ends_where_serde_json_sees_its_end(
        space in "[ \t\r\n]{0,3}",
        object in any_object(),
        behind in prop_oneof![Just(""), Just("\n"), Just("{\"a\":1}"), Just("}"), Just("x")],
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let input = format!("{space}{object}{behind}").into_bytes();
        let expected = space.len()..space.len() + object.len();
        prop_assert_eq!(end_by_serde(&input), Some(expected.end));
        prop_assert_eq!(scan(&input, cuts_in(&input, &cuts)).unwrap(), Some(expected.clone()));
        prop_assert_eq!(scan(&input, (0..input.len()).collect()).unwrap(), Some(expected));
    }

    #[test]
    fn any_bytes_are_scanned_alike_however_they_are_split(
        input in vec(prop::sample::select(b"{}[]\":,\\u0019eE+-.truefalsn \xc3\xa9\x80\0".to_vec()), 0..40),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = scan(&input, vec![input.len()]);
        prop_assert_eq!(&scan(&input, cuts_in(&input, &cuts)), &whole);
        prop_assert_eq!(&scan(&input, (0..input.len()).collect()), &whole);
    }

    #[test]
    fn writing_a_request_changes_nothing_but_its_type((text, kind) in any_request()) {
        let packet = parse(text.as_bytes(), &Limits::default()).unwrap();
        let Packet::Request(request) = packet else { panic!("{text}") };
        prop_assert_eq!(request.raw(), text.as_bytes());
        for (spelling, other) in [(Spelling::Number, "0"), (Spelling::Text, "\"0\"")] {
            let mut out = Vec::new();
            request.write(spelling, &mut out);
            let place = text.find("\"type\":").unwrap();
            let (before, behind) = text.split_at(place);
            let expected = format!("{before}{}", behind.replacen(kind, other, 1));
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic_and_an_error_about_them_is_always_sound(
        bytes in vec(any::<u8>(), 0..200),
    ) {
        reads_without_panic(&bytes);
    }

    #[test]
    fn no_object_makes_a_reader_panic_and_an_error_about_it_is_always_sound(
        object in any_object(),
        key in prop::sample::select(vec!["type", "id", "payload", "privPoliId", "listenport", "ttl_ms", "token"]),
        value in any_value(),
    ) {
        let comma = if object.trim_matches(['{', '}', ' ', '\n']).is_empty() { "" } else { "," };
        let text = object.replacen('{', &format!("{{\"{key}\":{value}{comma}"), 1);
        reads_without_panic(text.as_bytes());
    }
}

fn reads_without_panic(bytes: &[u8]) {
    let limits = Limits::default();
    let _ = parse_setup_answer(bytes, &limits);
    let fault = parse(bytes, &limits).err();
    let code = fault.map_or(Code::Timeout, |fault| fault.code);
    let mut out = Vec::new();
    write_error(Some(bytes), Spelling::of(bytes), code, "because", &mut out);
    let roomy = Limits {
        fields_max: usize::MAX,
        depth_max: usize::MAX,
        ..limits
    };
    match parse(&out, &roomy) {
        Ok(Packet::Error(refused)) => assert_eq!(refused.code(), code.code()),
        other => panic!("{}: {other:?}", String::from_utf8_lossy(&out)),
    }
}
