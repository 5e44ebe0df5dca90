//! What a request head must be, rule by rule.

use portreeve_http1::{
    Fault, FaultKind, Head, HeadLimits, HeadScan, Known, RequestLine, TargetForm, Version, parse_request,
};

#[test]
fn a_plain_request_is_read_byte_for_byte() {
    let mut head = Head::new();
    let line = read(
        b"gEt /a%2fB/../?q=%00&r HTTP/1.1\r\nhOST: a\r\nX:  b c\t\r\nx:\r\n\r\n",
        &mut head,
    )
    .unwrap();
    let bytes = head.bytes();
    assert_eq!(line.method.of(bytes), b"gEt");
    assert_eq!(line.target.of(bytes), b"/a%2fB/../?q=%00&r");
    assert_eq!((line.version, line.form), (Version::H11, TargetForm::Origin));
    let fields: Vec<_> = head
        .fields()
        .iter()
        .map(|f| (head.name(f), head.value(f)))
        .collect();
    let expected: [(&[u8], &[u8]); 3] = [(b"hOST", b"a"), (b"X", b"b c"), (b"x", b"")];
    assert_eq!(fields, expected);
}

#[test]
fn values_are_found_by_name_in_order() {
    let mut head = Head::new();
    read(
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: 1\r\nX-Y: 2\r\ncookie: 3\r\nx-y: 4\r\n\r\n",
        &mut head,
    )
    .unwrap();
    let values = |name| head.named(name).map(|v| v[0]).collect::<Vec<_>>();
    assert_eq!(values("cookie"), b"13");
    assert_eq!(values("x-y"), b"24");
    assert_eq!(values("x-z"), b"");
    assert_eq!(head.values(Known::Cookie).count(), 2);
    assert!(head.has(Known::Cookie) && head.repeats(Known::Cookie));
    assert!(head.has(Known::Host) && !head.repeats(Known::Host) && !head.has(Known::Via));
    assert_eq!(head.first(Known::Host), Some(&b"a"[..]));
}

#[test]
fn a_head_is_reused_without_new_memory() {
    let mut head = Head::new();
    read(b"GET /longer HTTP/1.1\r\nHost: a\r\nCookie: 1\r\n\r\n", &mut head).unwrap();
    let capacity = head.capacity();
    read(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n", &mut head).unwrap();
    assert_eq!((head.capacity(), head.fields().len()), (capacity, 1));
    assert!(!head.has(Known::Cookie));
    head.clear();
    assert_eq!(
        (head.capacity(), head.bytes(), head.has(Known::Host)),
        (capacity, &b""[..], false)
    );
}

#[test]
fn unknown_methods_pass() {
    for method in ["X", "BREW", "get", "M-SEARCH", "!#$%&'*+-.^_`|~09aZ"] {
        assert!(
            accepts(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")),
            "{method}"
        );
    }
}

#[test]
fn a_method_that_is_no_token_is_refused() {
    for method in ["G@T", "G(T", "G\tT", "\"GET\"", "G\u{e9}T", "G,T", "G:T"] {
        assert_eq!(
            fault(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")),
            Fault::Method,
            "{method}"
        );
    }
}

#[test]
fn a_request_line_has_three_parts_and_single_spaces() {
    for line in [
        "GET /",
        "GET",
        "",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET / a HTTP/1.1",
        "GET HTTP/1.1",
        "GET / ",
        "GET  HTTP/1.1",
        "/ HTTP/1.1",
    ] {
        let found = fault(format!("{line}\r\nHost: a\r\n\r\n"));
        assert!(
            matches!(found, Fault::RequestLine | Fault::Method | Fault::Version),
            "{line:?} gave {found:?}"
        );
    }
}

#[test]
fn a_tab_does_not_part_the_request_line() {
    assert_eq!(fault("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), Fault::Method);
    assert_eq!(fault("GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"), Fault::TargetByte);
    assert_eq!(fault("GET /\x0b HTTP/1.1\r\nHost: a\r\n\r\n"), Fault::TargetByte);
}

#[test]
fn a_target_is_visible_ascii() {
    for byte in (0..=0x20)
        .chain(0x7f..=0xff)
        .chain([b'#'])
        .filter(|b| !b"\0\r\n ".contains(b))
    {
        let bytes = [b"GET /a", &[byte][..], b"b HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        assert_eq!(fault(bytes), Fault::TargetByte, "{byte:#x}");
    }
    assert!(accepts(
        "GET /a|b{}<>\"\\^`[]@:!$&'()*+,;=%zz? HTTP/1.1\r\nHost: a\r\n\r\n"
    ));
}

#[test]
fn every_form_of_target_is_told_apart() {
    let form = |line: &str| {
        let mut head = Head::new();
        let line = read(
            format!("{line} HTTP/1.1\r\nHost: a:1\r\n\r\n").as_bytes(),
            &mut head,
        )
        .unwrap();
        (line.form, head)
    };
    assert_eq!(form("GET //a:2/b").0, TargetForm::Origin);
    assert_eq!(form("OPTIONS *").0, TargetForm::Asterisk);
    assert_eq!(form("CONNECT a:1").0, TargetForm::Authority);
    for (target, rest) in [
        ("http://A:1/b?c", "/b?c"),
        ("HTTP://a:1", ""),
        ("x+y.z-1://a:1?c/d", "?c/d"),
    ] {
        let (
            TargetForm::Absolute {
                scheme,
                authority,
                path,
            },
            head,
        ) = form(&format!("GET {target}"))
        else {
            panic!("{target} is absolute");
        };
        assert_eq!(
            scheme.of(head.bytes()),
            target.split(':').next().unwrap().as_bytes()
        );
        assert!(authority.of(head.bytes()).eq_ignore_ascii_case(b"a:1"));
        assert_eq!(path.of(head.bytes()), rest.as_bytes());
    }
}

#[test]
fn a_target_of_another_form_is_refused() {
    for line in [
        "GET a",
        "GET *",
        "GET a:1",
        "OPTIONS **",
        "CONNECT /",
        "CONNECT a",
        "CONNECT a:",
        "CONNECT [::1]",
        "CONNECT http://a:1/",
        "GET http:/a",
        "GET http:a",
        "GET http:///b",
        "GET ://a/",
        "GET 1http://a/",
        "GET http://u@a/",
        "GET http://a:b/",
        "GET http://[a/",
        "GET ?a",
        "GET http://a\\b/",
        "GET http://:1/",
        "CONNECT a:1/",
        "GET mailto:x@y",
    ] {
        assert_eq!(
            fault(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")),
            Fault::TargetForm,
            "{line}"
        );
    }
}

#[test]
fn later_versions_of_http_1_count_as_1_1() {
    for (text, version) in [
        ("1.0", Version::H10),
        ("1.1", Version::H11),
        ("1.2", Version::H11),
        ("1.9", Version::H11),
    ] {
        let mut head = Head::new();
        let line = read(
            format!("GET / HTTP/{text}\r\nHost: a\r\n\r\n").as_bytes(),
            &mut head,
        )
        .unwrap();
        assert_eq!(line.version, version);
    }
}

#[test]
fn other_major_versions_are_unsupported() {
    for text in ["0.9", "2.0", "3.0", "9.9"] {
        let found = fault(format!("GET / HTTP/{text}\r\nHost: a\r\n\r\n"));
        assert_eq!(found.kind(), FaultKind::UnsupportedVersion, "{text}");
    }
    assert_eq!(fault("PRI * HTTP/2.0\r\n\r\n"), Fault::UnsupportedVersion);
}

#[test]
fn a_version_written_otherwise_is_malformed() {
    for text in [
        "http/1.1",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/11",
        "HTTP/1.10",
        "HTTP/1,1",
        "HTTP/x.y",
        "HTTP/ 1.1",
        "FTP/1.1",
        "X",
    ] {
        let found = fault(format!("GET / {text}\r\nHost: a\r\n\r\n"));
        assert_eq!(found.kind(), FaultKind::Malformed, "{text} gave {found:?}");
    }
}

#[test]
fn bare_lf_is_refused_everywhere() {
    for text in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\n: b\r\n\r\n",
        "GET /\n HTTP/1.1\r\nHost: a\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \n\r\n\r\n",
    ] {
        assert_eq!(fault(text), Fault::BareLf, "{text:?}");
    }
    assert_eq!(scan(b"GET / HTTP/1.1\nHost: a\n\n"), Err(Fault::BareLf));
    assert_eq!(scan(b"GET / HTTP/1.1\r\nHost: a\r\n\n"), Err(Fault::BareLf));
}

#[test]
fn bare_cr_is_refused_everywhere() {
    for text in [
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
    ] {
        assert_eq!(fault(text), Fault::BareCr, "{text:?}");
    }
}

#[test]
fn nul_is_refused_everywhere() {
    for text in [
        "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\0\r\n\r\n",
    ] {
        assert_eq!(fault(text), Fault::Nul, "{text:?}");
    }
    assert_eq!(scan(b"\x16\x03\x01\x02\x00\x01"), Err(Fault::Nul));
}

#[test]
fn control_bytes_in_values_are_refused_but_for_tabs() {
    for byte in (1..0x20).chain([0x7f]).filter(|b| !b"\t\r\n".contains(b)) {
        let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\nX: a", &[byte][..], b"b\r\n\r\n"].concat();
        assert_eq!(fault(bytes), Fault::FieldValue, "{byte:#x}");
    }
    assert!(accepts(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\tb\x80\xff\r\n\r\n"));
}

#[test]
fn obs_fold_is_refused() {
    for text in [
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
    ] {
        assert_eq!(fault(text), Fault::ObsFold, "{text:?}");
    }
}

#[test]
fn a_space_before_the_colon_is_refused() {
    for text in [
        "Host : a",
        "Host\t: a",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
        "X y: z",
    ] {
        assert_eq!(
            fault(format!("GET / HTTP/1.1\r\n{text}\r\n\r\n")),
            Fault::SpaceBeforeColon,
            "{text}"
        );
    }
}

#[test]
fn a_field_name_is_a_token() {
    for name in ["", "X(", "X@Y", "X\u{e9}", "[X]", "X/Y", "X\x0b"] {
        let found = fault(format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: b\r\n\r\n"));
        assert_eq!(found, Fault::FieldName, "{name:?}");
    }
    assert_eq!(fault("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"), Fault::NoColon);
}

#[test]
fn there_is_exactly_one_host() {
    assert_eq!(fault("GET / HTTP/1.1\r\n\r\n"), Fault::HostMissing);
    assert_eq!(
        fault("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        Fault::HostRepeated
    );
    assert_eq!(
        fault("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"),
        Fault::HostRepeated
    );
    assert_eq!(fault("GET http://a/ HTTP/1.1\r\n\r\n"), Fault::HostMissing);
    assert!(accepts("GET / HTTP/1.0\r\n\r\n"));
}

#[test]
fn a_host_is_a_host_and_maybe_a_port() {
    for host in [
        "", "a b", "a, b", "a,b", "a/b", "u@a", "a:b", "http://a", "a#b", "a?b", "::1", "[::1", "a:1:2",
        "\u{e9}",
    ] {
        assert_eq!(
            fault(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            Fault::HostInvalid,
            "{host}"
        );
    }
    for host in ["a", "a:", "a.b_c:80", "[::1]:80", "1.2.3.4", "xn--a"] {
        assert!(
            accepts(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            "{host}"
        );
    }
}

#[test]
fn host_and_an_absolute_target_agree() {
    for (target, host) in [
        ("http://a/", "b"),
        ("http://a/", "a:81"),
        ("https://a/", "a:80"),
        ("http://a.b/", "a"),
        ("x://a/", "a:80"),
    ] {
        let found = fault(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(found, Fault::HostMismatch, "{target} {host}");
    }
    for (target, host) in [
        ("http://a", "A"),
        ("http://a:80/", "a"),
        ("https://a/", "a:443"),
        ("x://a:/", "a"),
    ] {
        assert!(
            accepts(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")),
            "{target} {host}"
        );
    }
}

#[test]
fn host_and_the_target_of_connect_agree() {
    assert!(accepts("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"));
    assert!(accepts("CONNECT a:443 HTTP/1.1\r\nHost: A\r\n\r\n"));
    assert_eq!(
        fault("CONNECT a:443 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        Fault::HostMismatch
    );
    assert_eq!(
        fault("CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"),
        Fault::HostMismatch
    );
}

#[test]
fn limits_hold_to_the_byte() {
    let text = b"GET /abc HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n";
    let exact = HeadLimits {
        bytes_max: text.len(),
        fields_max: 2,
        target_max: 4,
    };
    let read = |limits: &HeadLimits| parse_request(text, limits, &mut Head::new()).map(|_| ());
    assert_eq!(read(&exact), Ok(()));
    assert_eq!(HeadScan::default().advance(text, &exact), Ok(Some(text.len())));
    assert_eq!(
        read(&HeadLimits {
            bytes_max: text.len() - 1,
            ..exact
        }),
        Err(Fault::HeadTooLarge)
    );
    assert_eq!(
        read(&HeadLimits {
            fields_max: 1,
            ..exact
        }),
        Err(Fault::TooManyFields)
    );
    assert_eq!(
        read(&HeadLimits {
            target_max: 3,
            ..exact
        }),
        Err(Fault::TargetTooLong)
    );
    assert_eq!(Fault::TooManyFields.kind(), FaultKind::HeadTooLarge);
}

#[test]
fn an_endless_head_is_refused_at_the_limit() {
    let limits = HeadLimits {
        bytes_max: 64,
        fields_max: 9,
        target_max: 32,
    };
    let advance = |text: &str| HeadScan::default().advance(text.as_bytes(), &limits);
    assert_eq!(advance(&"a".repeat(63)), Ok(None));
    assert_eq!(advance(&"a".repeat(64)), Err(Fault::TargetTooLong));
    assert_eq!(
        advance(&format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(64))),
        Err(Fault::HeadTooLarge)
    );
    let small_target = HeadLimits {
        target_max: 64,
        ..limits
    };
    assert_eq!(
        HeadScan::default().advance(&[b'a'; 64], &small_target),
        Err(Fault::HeadTooLarge)
    );
}

#[test]
fn one_empty_line_before_a_request_is_let_pass() {
    let text = b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut head = Head::new();
    let line = read(text, &mut head).unwrap();
    assert_eq!((head.bytes(), line.method.start), (&text[2..], 0));
    assert_eq!(scan(text), Ok(Some(text.len())));
    assert!(parse_request(b"\r\n\r\n", &HeadLimits::default(), &mut Head::new()).is_err());
    assert_eq!(scan(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Some(4)));
}

#[test]
fn what_follows_a_head_is_no_part_of_it() {
    let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_eq!(scan(text), Ok(Some(27)));
    assert_eq!(fault(text), Fault::NotOneHead);
    for length in 0..27 {
        assert!(
            parse_request(&text[..length], &HeadLimits::default(), &mut Head::new()).is_err(),
            "{length}"
        );
        assert_eq!(scan(&text[..length]), Ok(None), "{length}");
    }
}

fn read(bytes: &[u8], head: &mut Head) -> Result<RequestLine, Fault> {
    parse_request(bytes, &HeadLimits::default(), head)
}

fn accepts(bytes: impl AsRef<[u8]>) -> bool {
    read(bytes.as_ref(), &mut Head::new()).is_ok()
}

fn fault(bytes: impl AsRef<[u8]>) -> Fault {
    read(bytes.as_ref(), &mut Head::new()).expect_err("this is to be refused")
}

fn scan(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    HeadScan::default().advance(bytes, &HeadLimits::default())
}
