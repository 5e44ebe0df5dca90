//! How the end of a body is known, rule by rule.

use portreeve_http1::{
    Fault, FaultKind, Framing, Head, HeadLimits, Version, connection_names, keeps_alive, parse_request,
    parse_response, request_framing, response_framing,
};

#[test]
fn a_request_without_length_or_coding_has_no_body() {
    assert_eq!(request("1.1", ""), Ok(Framing::Empty));
    assert_eq!(request("1.0", ""), Ok(Framing::Empty));
}

#[test]
fn a_length_is_taken_as_written() {
    for (value, length) in [
        ("1", 1),
        ("007", 7),
        (" 42 ", 42),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(
            both(&format!("Content-Length: {value}\r\n")),
            Ok(Framing::Exact(length)),
            "{value}"
        );
    }
    assert_eq!(both("Content-Length: 0\r\n"), Ok(Framing::Empty));
}

#[test]
fn a_malformed_length_is_refused() {
    for value in [
        "",
        "-1",
        "+1",
        "0x10",
        "1.0",
        "1e3",
        "1 2",
        "1,1",
        "1, 2",
        "a",
        "1a",
        "\u{661}",
        "18446744073709551616",
        "99999999999999999999999999",
        "1_000",
        "\"1\"",
        "1;",
    ] {
        assert_eq!(
            both(&format!("Content-Length: {value}\r\n")),
            Err(Fault::LengthInvalid),
            "{value}"
        );
    }
}

#[test]
fn several_lengths_are_refused_even_if_they_are_the_same() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "content-length: 5\r\nX: y\r\nCONTENT-LENGTH: 5\r\n",
    ] {
        assert_eq!(both(fields), Err(Fault::LengthRepeated), "{fields}");
    }
}

#[test]
fn length_beside_coding_is_refused_in_any_order() {
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "transfer-encoding: x\r\ncontent-length: y\r\n",
    ] {
        assert_eq!(both(fields), Err(Fault::LengthWithCoding), "{fields}");
    }
}

#[test]
fn chunked_is_taken_in_any_case() {
    for value in ["chunked", "CHUNKED", "ChUnKeD", " chunked\t"] {
        assert_eq!(
            both(&format!("Transfer-Encoding: {value}\r\n")),
            Ok(Framing::Chunked),
            "{value}"
        );
    }
}

#[test]
fn a_coding_that_does_not_end_in_one_chunked_is_refused() {
    for value in [
        "",
        ",",
        "chunked,",
        ",chunked",
        "identity",
        "gzip",
        "chunked, gzip",
        "chunked, identity",
        "chunked, chunked",
        "chunked;q=1",
        "xchunked",
        "chunkedx",
        "chunk",
        "chun\tked",
        "\"chunked\"",
        "'chunked'",
        "chunked\u{a0}",
        "chunked;",
        "gzip;a=\"b, chunked",
        "chunked chunked",
        "x=chunked",
        "gzip, , chunked",
        "gzip;;, chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
        "\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding:",
    ] {
        let found = both(&format!("Transfer-Encoding: {value}\r\n"));
        assert_eq!(found, Err(Fault::CodingNotChunked), "{value}");
    }
}

#[test]
fn a_coding_before_chunked_is_unsupported() {
    for value in [
        "gzip, chunked",
        "gzip;a=b;c , chunked",
        "identity, chunked",
        "gzip\r\nTransfer-Encoding: chunked",
        "a,b,Chunked",
    ] {
        let found = both(&format!("Transfer-Encoding: {value}\r\n")).unwrap_err();
        assert_eq!(found.kind(), FaultKind::UnsupportedCoding, "{value}");
    }
}

#[test]
fn a_coding_in_http_1_0_is_refused() {
    let field = "Transfer-Encoding: chunked\r\n";
    assert_eq!(request("1.0", field), Err(Fault::CodingInHttp10));
    assert_eq!(response("GET", "1.0 200", field), Err(Fault::CodingInHttp10));
}

#[test]
fn a_response_without_length_or_coding_lasts_until_close() {
    assert_eq!(response("GET", "1.1 200", ""), Ok(Framing::UntilClose));
    assert_eq!(response("GET", "1.0 404", ""), Ok(Framing::UntilClose));
    assert_eq!(response("head", "1.1 200", ""), Ok(Framing::UntilClose));
}

#[test]
fn responses_without_a_body_have_none_whatever_they_announce() {
    for fields in ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"] {
        assert_eq!(
            response("HEAD", "1.1 200", fields),
            Ok(Framing::Empty),
            "{fields}"
        );
        assert_eq!(response("GET", "1.1 304", fields), Ok(Framing::Empty), "{fields}");
        assert_eq!(
            response("CONNECT", "1.1 200", fields),
            Ok(Framing::Empty),
            "{fields}"
        );
    }
    assert_eq!(
        response("CONNECT", "1.1 403", "Content-Length: 5\r\n"),
        Ok(Framing::Exact(5))
    );
}

#[test]
fn a_1xx_or_204_that_announces_a_body_is_refused() {
    for status in ["1.1 100", "1.1 101", "1.1 103", "1.1 199", "1.1 204"] {
        assert_eq!(response("GET", status, ""), Ok(Framing::Empty), "{status}");
        assert_eq!(
            response("GET", status, "Content-Length: 0\r\n"),
            Ok(Framing::Empty),
            "{status}"
        );
        for fields in ["Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"] {
            assert_eq!(
                response("GET", status, fields),
                Err(Fault::BodyForbidden),
                "{status} {fields}"
            );
        }
    }
}

#[test]
fn contradictions_are_refused_also_where_there_is_no_body() {
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(response("HEAD", "1.1 200", both), Err(Fault::LengthWithCoding));
    assert_eq!(
        response("GET", "1.1 304", "Content-Length: x\r\n"),
        Err(Fault::LengthInvalid)
    );
}

#[test]
fn http_1_1_stays_open_unless_close_is_said() {
    assert!(keeps("1.1", ""));
    assert!(keeps("1.1", "Connection: keep-alive\r\n"));
    assert!(keeps("1.1", "Connection: closed, x-close\r\n"));
    for value in [
        "close",
        "CLOSE",
        "x , Close",
        "keep-alive, close",
        "x\r\nConnection: close",
        ",,close,",
    ] {
        assert!(!keeps("1.1", &format!("Connection: {value}\r\n")), "{value}");
    }
}

#[test]
fn http_1_0_stays_open_only_if_keep_alive_is_said() {
    assert!(!keeps("1.0", ""));
    assert!(!keeps("1.0", "Connection: x\r\n"));
    assert!(!keeps("1.0", "Proxy-Connection: keep-alive\r\n"));
    assert!(keeps("1.0", "Connection: x, Keep-Alive\r\n"));
    assert!(!keeps("1.0", "Connection: keep-alive\r\nConnection: close\r\n"));
}

#[test]
fn connection_names_are_those_of_fields_that_may_go() {
    let (_, head) = read_request(
        "1.1",
        "Connection: close, X-A,, x-b\t,Keep-Alive,TE\r\nCONNECTION: Host, upgrade,content-length,Transfer-Encoding\r\n",
    );
    let names: Vec<_> = connection_names(&head)
        .map(|name| str::from_utf8(name).unwrap())
        .collect();
    assert_eq!(names, ["X-A", "x-b", "TE", "upgrade"]);
}

/// The framing of a request and of a response with the same fields, which must agree.
fn both(fields: &str) -> Result<Framing, Fault> {
    let framing = request("1.1", fields);
    let expected = match framing {
        Ok(Framing::Empty) if fields.is_empty() => Ok(Framing::UntilClose),
        framing => framing,
    };
    assert_eq!(response("GET", "1.1 200", fields), expected);
    framing
}

fn request(version: &str, fields: &str) -> Result<Framing, Fault> {
    let (line, head) = read_request(version, fields);
    request_framing(&line, &head)
}

fn response(method: &str, status: &str, fields: &str) -> Result<Framing, Fault> {
    let mut head = Head::new();
    let text = format!("HTTP/{status} OK\r\n{fields}\r\n");
    let line = parse_response(text.as_bytes(), &HeadLimits::default(), &mut head).unwrap();
    response_framing(method.as_bytes(), &line, &head)
}

fn keeps(version: &str, fields: &str) -> bool {
    let (line, head) = read_request(version, fields);
    assert_eq!(line.version == Version::H10, version == "1.0");
    keeps_alive(line.version, &head)
}

fn read_request(version: &str, fields: &str) -> (portreeve_http1::RequestLine, Head) {
    let mut head = Head::new();
    let text = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
    let line = parse_request(text.as_bytes(), &HeadLimits::default(), &mut head).unwrap();
    (line, head)
}
