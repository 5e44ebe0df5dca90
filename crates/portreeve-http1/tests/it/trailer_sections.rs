//! What may follow a last chunk, rule by rule.

use portreeve_http1::{Fault, Head, HeadLimits, HeadScan, parse_trailers};

#[test]
fn an_empty_section_is_one_empty_line() {
    let mut head = Head::new();
    read(b"A: b\r\n\r\n", &mut head).unwrap();
    assert_eq!(read(b"\r\nnext", &mut head), Ok(Some(2)));
    assert!(head.fields().is_empty() && head.bytes().is_empty());
}

#[test]
fn fields_are_read_as_in_a_head() {
    let mut head = Head::new();
    assert_eq!(
        read(b"Digest: x\r\nGrpc-Status:0\r\n\r\nnext", &mut head),
        Ok(Some(28))
    );
    assert_eq!(head.named("grpc-status").next(), Some(&b"0"[..]));
    assert_eq!(head.fields().len(), 2);
}

#[test]
fn an_unfinished_section_wants_more() {
    let section = b"Digest: x\r\n\r\n";
    let mut scan = HeadScan::default();
    let mut head = Head::new();
    for length in 0..section.len() {
        let found = parse_trailers(&section[..length], &mut scan, &HeadLimits::default(), &mut head);
        assert_eq!(found, Ok(None), "{length}");
    }
    let found = parse_trailers(section, &mut scan, &HeadLimits::default(), &mut head);
    assert_eq!((found, head.fields().len()), (Ok(Some(section.len())), 1));
    assert_eq!(read(b"\r", &mut head), Ok(None));
}

#[test]
fn fields_that_may_only_stand_in_a_head_are_refused() {
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Authorization",
        "Cookie",
        "Set-Cookie",
        "Content-Encoding",
        "Content-Type",
        "cOnTeNt-LeNgTh",
    ] {
        let section = format!("A: b\r\n{name}: x\r\n\r\n");
        assert_eq!(
            read(section.as_bytes(), &mut Head::new()),
            Err(Fault::TrailerForbidden),
            "{name}"
        );
    }
}

#[test]
fn line_rules_hold_as_in_a_head() {
    for (section, expected) in [
        (&b"A : b\r\n\r\n"[..], Fault::SpaceBeforeColon),
        (b" A: b\r\n\r\n", Fault::ObsFold),
        (b"A: b\n\r\n", Fault::BareLf),
        (b"A: b\rc\r\n\r\n", Fault::BareCr),
        (b"A: \0\r\n\r\n", Fault::Nul),
        (b"\n", Fault::BareLf),
        (b"\rA: b", Fault::BareCr),
        (b"A\r\n\r\n", Fault::NoColon),
        (b"5\r\nhello\r\n\r\n", Fault::NoColon),
    ] {
        assert_eq!(read(section, &mut Head::new()), Err(expected), "{section:?}");
    }
}

#[test]
fn limits_hold() {
    let limits = HeadLimits {
        bytes_max: 16,
        fields_max: 1,
        target_max: 16,
    };
    let read = |section: &[u8]| parse_trailers(section, &mut HeadScan::default(), &limits, &mut Head::new());
    assert_eq!(read(b"A: b\r\nC: d\r\n\r\n"), Err(Fault::TooManyFields));
    assert_eq!(read(b"A: bcdefghi\r\n\r\n"), Ok(Some(15)));
    assert_eq!(read(b"A: bcdefghijkl\r\n\r\n"), Err(Fault::HeadTooLarge));
    assert_eq!(read(b"A: bcdefghijklmnopqrst"), Err(Fault::HeadTooLarge));
}

fn read(section: &[u8], head: &mut Head) -> Result<Option<usize>, Fault> {
    parse_trailers(section, &mut HeadScan::default(), &HeadLimits::default(), head)
}
