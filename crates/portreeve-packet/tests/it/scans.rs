//! Where a packet ends, however its bytes come.

use std::ops::Range;
use std::time::{Duration, Instant};

use portreeve_packet::{Code, Fault, Limits, Scan, skippable};

const REQUEST: &str = r#"{"type": 0, "srcid": 5, "privPoliId": "PP_1", "x": [1, {"a": "}]\"\\"}, -1.5e-3, true, null], "payload": "é"}"#;

/// Feeds `input` up to each of `cuts` in turn, then tells that it ends.
fn scan(input: &[u8], cuts: impl IntoIterator<Item = usize>) -> Result<Option<Range<usize>>, Fault> {
    let limits = Limits::default();
    let mut scan = Scan::default();
    for cut in cuts {
        if let Some(found) = scan.advance(&input[..cut], &limits)? {
            return Ok(Some(found));
        }
    }
    scan.finish(input, &limits)
}

fn code(input: &[u8]) -> Code {
    scan(input, 0..=input.len())
        .expect_err("it should be refused")
        .code
}

#[test]
fn a_packet_ends_where_its_json_value_ends() {
    let input = REQUEST.as_bytes();
    let found = Scan::default().advance(input, &Limits::default()).unwrap();
    assert_eq!(found, Some(0..input.len()));
}

#[test]
fn a_packet_split_in_two_anywhere_is_found_when_its_last_byte_comes() {
    let input = REQUEST.as_bytes();
    for cut in 0..input.len() {
        let mut scan = Scan::default();
        assert_eq!(
            scan.advance(&input[..cut], &Limits::default()),
            Ok(None),
            "cut at {cut}"
        );
        let found = scan.advance(input, &Limits::default()).unwrap();
        assert_eq!(found, Some(0..input.len()), "cut at {cut}");
    }
}

#[test]
fn a_packet_split_in_three_anywhere_is_found() {
    let input = REQUEST.as_bytes();
    for first in 0..input.len() {
        for second in first..input.len() {
            assert_eq!(scan(input, [first, second]), Ok(Some(0..input.len())));
        }
    }
}

#[test]
fn a_packet_may_come_byte_by_byte() {
    assert_eq!(
        scan(REQUEST.as_bytes(), 0..REQUEST.len()),
        Ok(Some(0..REQUEST.len()))
    );
}

#[test]
fn two_packets_in_one_segment_are_two_packets() {
    let input = format!("{REQUEST}{REQUEST}");
    let limits = Limits::default();
    let first = Scan::default()
        .advance(input.as_bytes(), &limits)
        .unwrap()
        .unwrap();
    assert_eq!(first, 0..REQUEST.len());
    let rest = &input.as_bytes()[first.end..];
    assert_eq!(Scan::default().advance(rest, &limits), Ok(Some(0..REQUEST.len())));
}

#[test]
fn a_trailing_newline_is_no_packet() {
    let input = format!("{REQUEST}\r\n");
    let found = scan(input.as_bytes(), [input.len()]).unwrap().unwrap();
    assert_eq!(found, 0..REQUEST.len());
    assert_eq!(scan(&input.as_bytes()[found.end..], [1, 2]), Ok(None));
}

#[test]
fn white_space_before_a_packet_is_not_of_it_and_may_be_dropped() {
    let input = format!(" \t\r\n{REQUEST}");
    assert_eq!(scan(input.as_bytes(), 0..=input.len()), Ok(Some(4..input.len())));
    assert_eq!(skippable(input.as_bytes()), 4);
    assert_eq!(skippable(b"\n \n"), 3);
    assert_eq!(skippable(b"\x0b{}"), 0);
}

#[test]
fn a_megabyte_of_spaces_is_refused_within_the_limit() {
    let input = vec![b' '; 1 << 20];
    assert_eq!(code(&input), Code::BadPacket);
    let mut scan = Scan::default();
    let limits = Limits::default();
    assert_eq!(
        scan.advance(&input[..limits.packet_bytes_max - 1], &limits),
        Ok(None)
    );
    assert!(scan.advance(&input[..limits.packet_bytes_max], &limits).is_err());
}

#[test]
fn a_megabyte_of_spaces_that_is_dropped_as_it_comes_costs_no_room() {
    let limits = Limits::default();
    let mut held: Vec<u8> = Vec::new();
    for segment in vec![b' '; 1 << 20].chunks(1000).chain([REQUEST.as_bytes()]) {
        held.extend(segment);
        held.drain(..skippable(&held));
        assert!(held.len() <= REQUEST.len());
    }
    assert_eq!(
        Scan::default().advance(&held, &limits),
        Ok(Some(0..REQUEST.len()))
    );
}

#[test]
fn white_space_is_allowed_wherever_json_allows_it() {
    let input = b" { \"a\" \n:\t[ 1 , \"b\" , { } , [ ] ]\r, \"c\" : -0 } ";
    assert_eq!(scan(input, 0..=input.len()), Ok(Some(1..input.len() - 1)));
}

#[test]
fn a_packet_of_just_the_limit_passes_and_one_byte_more_does_not() {
    let limits = Limits {
        packet_bytes_max: 100,
        ..Limits::default()
    };
    let packet = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8)).into_bytes();
    assert_eq!(Scan::default().advance(&packet(100), &limits), Ok(Some(0..100)));
    let fault = Scan::default().advance(&packet(101), &limits).unwrap_err();
    assert_eq!(fault.code, Code::PayloadTooLarge);
    assert!(fault.detail.contains("100 bytes"), "{fault}");
}

#[test]
fn a_packet_without_end_is_refused_at_the_limit_and_not_before() {
    let mut input = b"{\"a\":\"".to_vec();
    input.resize(Limits::default().packet_bytes_max, b'x');
    let mut scan = Scan::default();
    let limits = Limits::default();
    assert_eq!(scan.advance(&input[..input.len() - 1], &limits), Ok(None));
    assert_eq!(
        scan.advance(&input, &limits).unwrap_err().code,
        Code::PayloadTooLarge
    );
}

#[test]
fn an_unfinished_packet_at_the_end_is_not_json() {
    for length in 1..REQUEST.len() {
        let fault = scan(&REQUEST.as_bytes()[..length], [length]).unwrap_err();
        assert_eq!(fault.code, Code::NotJson, "{length}");
        assert!(fault.detail.contains("before its JSON value does"), "{fault}");
    }
}

#[test]
fn nothing_and_then_the_end_is_no_packet_and_no_fault() {
    assert_eq!(scan(b"", []), Ok(None));
}

#[test]
fn any_depth_is_followed_as_far_as_the_bytes_allow() {
    let limits = Limits::default();
    let depth = limits.packet_bytes_max / 2;
    let input = ["[".repeat(depth), "]".repeat(depth)].concat();
    assert_eq!(scan(input.as_bytes(), 0..input.len()), Ok(Some(0..2 * depth)));
    let crossed = ["[{\"a\":".repeat(200), "1".into(), "}]".repeat(200)].concat();
    assert_eq!(
        scan(crossed.as_bytes(), 0..crossed.len()),
        Ok(Some(0..crossed.len()))
    );
    assert_eq!(code("[{\"a\":1]}".as_bytes()), Code::NotJson);
}

#[test]
fn any_number_of_json_is_followed_and_no_other() {
    for number in [
        "0",
        "-0",
        "1.5",
        "1e400",
        "-12.50E-07",
        "123456789012345678901234567890",
        "0e+1",
    ] {
        let input = format!("{{\"a\":{number}}}");
        assert_eq!(scan(input.as_bytes(), 0..input.len()), Ok(Some(0..input.len())));
    }
    for number in [
        "01", "+1", ".5", "1.", "1e", "1e+", "--1", "-", "0x1", "NaN", "Infinity", "1_0",
    ] {
        assert_eq!(
            code(format!("{{\"a\":{number}}}").as_bytes()),
            Code::NotJson,
            "{number}"
        );
    }
}

#[test]
fn other_values_than_objects_have_an_end_too() {
    let cases = [
        ("[1]{", 3),
        ("\"a\\\"\" ", 5),
        ("true1", 4),
        ("null", 4),
        ("12 ", 2),
        ("-1.5{", 4),
        ("7", 1),
    ];
    for (input, end) in cases {
        assert_eq!(
            scan(input.as_bytes(), 0..=input.len()),
            Ok(Some(0..end)),
            "{input}"
        );
    }
}

#[test]
fn what_is_no_json_is_refused_at_its_first_byte() {
    let cases: [(&[u8], usize); 14] = [
        (b"\x80\x04\x95\x1a", 0),         // a Python pickle
        (b"\xef\xbb\xbf{\"type\":0}", 0), // a byte order mark
        (b"\0{}", 0),
        (b"GET / HTTP/1.1\r\n", 0),
        (b"\x16\x03\x01", 0), // TLS
        (b"{'type': 0}", 1),
        (b"{\"a\":1,}", 7),
        (b"{\"a\":\"\0\"}", 6),
        (b"{\"a\":\"\n\"}", 6),
        (b"{\"a\":\"\\x\"}", 7),
        (b"{\"a\":\"\\u12g4\"}", 10),
        (b"{\"a\" 1}", 5),
        (b"{\"a\":1 \"b\":2}", 7),
        (b"{\"a\":tru}", 8),
    ];
    for (input, place) in cases {
        let mut scan = Scan::default();
        let text = String::from_utf8_lossy(input);
        assert_eq!(
            scan.advance(&input[..place], &Limits::default()),
            Ok(None),
            "{text}"
        );
        let fault = scan.advance(&input[..=place], &Limits::default()).unwrap_err();
        assert_eq!(fault.code, Code::NotJson, "{text}");
        assert!(fault.detail.contains(&format!("byte {place} is ")), "{fault}");
    }
}

#[test]
fn a_broken_packet_does_not_wait_for_the_next_one() {
    let input = b"{\"type\": 0, \"payload\": \"abc\"{\"type\": 0}";
    let fault = Scan::default().advance(input, &Limits::default()).unwrap_err();
    assert_eq!(fault.detail, "byte 28 is '{'; allowed there: a comma or '}'");
}

/// A scan that began anew with each segment would look at 2 * 10^12 bytes here, which takes many minutes.
#[test]
fn the_cost_does_not_grow_with_the_number_of_segments() {
    let mut input = b"{\"a\":\"".to_vec();
    input.resize(2_000_000, b'x');
    input.extend(b"\"}");
    let limits = Limits {
        packet_bytes_max: input.len(),
        ..Limits::default()
    };
    let (mut scan, begin) = (Scan::default(), Instant::now());
    for cut in 0..input.len() {
        assert_eq!(scan.advance(&input[..cut], &limits), Ok(None));
    }
    assert_eq!(scan.advance(&input, &limits), Ok(Some(0..input.len())));
    assert!(begin.elapsed() < Duration::from_secs(20));
}
