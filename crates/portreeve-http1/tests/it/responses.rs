//! What a response head must be, rule by rule.

use portreeve_http1::{Fault, FaultKind, Head, HeadLimits, StatusLine, Version, parse_response};

#[test]
fn a_plain_response_is_read_byte_for_byte() {
    let mut head = Head::new();
    let line = read(
        b"HTTP/1.1 299 All \tis \xe9\r\nServer: x\r\nDate:  y \r\n\r\n",
        &mut head,
    )
    .unwrap();
    assert_eq!((line.status, line.version), (299, Version::H11));
    assert_eq!(line.reason.of(head.bytes()), b"All \tis \xe9");
    assert_eq!(head.named("date").next(), Some(&b"y"[..]));
}

#[test]
fn a_reason_may_be_empty_or_left_out_with_its_space() {
    for text in ["HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 200\r\n\r\n"] {
        let mut head = Head::new();
        let line = read(text.as_bytes(), &mut head).unwrap();
        assert_eq!(
            (line.status, line.reason.of(head.bytes())),
            (200, &b""[..]),
            "{text:?}"
        );
    }
}

#[test]
fn versions_are_read_as_in_requests() {
    assert_eq!(
        read(b"HTTP/1.0 200 OK\r\n\r\n", &mut Head::new())
            .unwrap()
            .version,
        Version::H10
    );
    assert_eq!(
        read(b"HTTP/1.3 200 OK\r\n\r\n", &mut Head::new())
            .unwrap()
            .version,
        Version::H11
    );
    assert_eq!(
        fault("HTTP/2.0 200 OK\r\n\r\n").kind(),
        FaultKind::UnsupportedVersion
    );
    for version in ["http/1.1", "HTTP/1.x", "ICY 200 ", "HTTP/10.", "SSH-2.0-"] {
        assert_eq!(
            fault(format!("{version} 200 OK\r\n\r\n")),
            Fault::Version,
            "{version}"
        );
    }
}

#[test]
fn a_status_is_three_digits_from_100() {
    for status in ["000", "099", "2x0", "+20", "-20", " 20", "20 ", "\u{e9}0"] {
        assert_eq!(
            fault(format!("HTTP/1.1 {status} OK\r\n\r\n")),
            Fault::Status,
            "{status}"
        );
    }
    for status in [100, 101, 204, 599, 600, 999] {
        let line = read(
            format!("HTTP/1.1 {status} OK\r\n\r\n").as_bytes(),
            &mut Head::new(),
        )
        .unwrap();
        assert_eq!(line.status, status);
    }
}

#[test]
fn a_status_line_has_its_parts_and_single_spaces() {
    for line in [
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "HTTP",
        "",
    ] {
        let found = fault(format!("{line}\r\n\r\n"));
        assert!(
            matches!(
                found,
                Fault::StatusLine | Fault::Status | Fault::Version | Fault::NotOneHead
            ),
            "{line:?} gave {found:?}"
        );
    }
}

#[test]
fn control_bytes_in_a_reason_are_refused() {
    for byte in (1..0x20).chain([0x7f]).filter(|b| !b"\t\r\n".contains(b)) {
        let bytes = [b"HTTP/1.1 200 O", &[byte][..], b"K\r\n\r\n"].concat();
        assert_eq!(fault(bytes), Fault::Reason, "{byte:#x}");
    }
}

#[test]
fn bare_lf_bare_cr_and_nul_are_refused() {
    for (text, expected) in [
        ("HTTP/1.1 200 OK\nA: b\r\n\r\n", Fault::BareLf),
        ("HTTP/1.1 200\nA: b\r\n\r\n", Fault::BareLf),
        ("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", Fault::BareLf),
        ("HTTP/1.1 200 OK\rA: b\r\n\r\n", Fault::BareCr),
        ("HTTP/1.1 200\rOK\r\n\r\n", Fault::BareCr),
        ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", Fault::BareCr),
        ("HTTP/1.1 200 O\0\r\n\r\n", Fault::Nul),
        ("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", Fault::Nul),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn fields_are_held_to_the_same_rules_as_in_requests() {
    for (field, expected) in [
        ("A : b", Fault::SpaceBeforeColon),
        ("A: b\r\n c", Fault::ObsFold),
        (" A: b", Fault::ObsFold),
        ("A", Fault::NoColon),
        ("A\x01: b", Fault::FieldName),
        ("A: \x01", Fault::FieldValue),
        (": b", Fault::FieldName),
    ] {
        assert_eq!(
            fault(format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n")),
            expected,
            "{field:?}"
        );
    }
}

#[test]
fn an_empty_line_before_a_response_is_refused() {
    assert_eq!(fault("\r\nHTTP/1.1 200 OK\r\n\r\n").kind(), FaultKind::Malformed);
}

#[test]
fn a_response_cut_anywhere_is_refused() {
    let text = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    for length in 0..text.len() {
        assert!(read(&text[..length], &mut Head::new()).is_err(), "{length}");
    }
    assert_eq!(fault([&text[..], b"x"].concat()), Fault::NotOneHead);
}

#[test]
fn limits_hold_to_the_byte() {
    let text = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    let exact = HeadLimits {
        bytes_max: text.len(),
        fields_max: 1,
        target_max: 0,
    };
    let read = |limits: &HeadLimits| parse_response(text, limits, &mut Head::new()).map(|_| ());
    assert_eq!(read(&exact), Ok(()));
    assert_eq!(
        read(&HeadLimits {
            bytes_max: text.len() - 1,
            ..exact
        }),
        Err(Fault::HeadTooLarge)
    );
    assert_eq!(
        read(&HeadLimits {
            fields_max: 0,
            ..exact
        }),
        Err(Fault::TooManyFields)
    );
}

fn read(bytes: &[u8], head: &mut Head) -> Result<StatusLine, Fault> {
    parse_response(bytes, &HeadLimits::default(), head)
}

fn fault(bytes: impl AsRef<[u8]>) -> Fault {
    read(bytes.as_ref(), &mut Head::new()).expect_err("this is to be refused")
}
