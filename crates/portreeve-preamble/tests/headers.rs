//! Headers of both versions, row by row: what is read, what is refused, what is written.

use std::net::SocketAddr;

use portreeve_preamble::{Ends, Fault, LENGTH_MAX, Preamble, Version, parse, write, write_own};
use proptest::prelude::*;

fn ends(client: &str, server: &str) -> Ends {
    Ends {
        client: client.parse().expect("an address"),
        server: server.parse().expect("an address"),
    }
}

fn read(bytes: &[u8]) -> Option<Ends> {
    let behind = [bytes, b"GET / HTTP/1.1\r\n"].concat();
    let whole = parse(&behind).expect("a header").expect("all of it");
    assert_eq!(whole.length, bytes.len());
    for cut in 0..bytes.len() {
        assert_eq!(parse(&bytes[..cut]), Ok(None), "cut at {cut}");
    }
    whole.ends
}

/// A header of version 2 by hand.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}

const V4: &[u8] = &[192, 0, 2, 1, 192, 0, 2, 7, 0xdc, 0x04, 0x01, 0xbb];

#[test]
fn a_line_names_both_ends() {
    let read4 = read(b"PROXY TCP4 192.0.2.1 192.0.2.7 56324 443\r\n");
    assert_eq!(read4, Some(ends("192.0.2.1:56324", "192.0.2.7:443")));
    let read6 = read(b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.7 65535 0\r\n");
    assert_eq!(read6, Some(ends("[2001:db8::1]:65535", "[::ffff:192.0.2.7]:0")));
}

#[test]
fn unknown_names_nobody_whatever_follows() {
    assert_eq!(read(b"PROXY UNKNOWN\r\n"), None);
    let longest = [&b"PROXY UNKNOWN "[..], &[b'f'; 91], b"\r\n"].concat();
    assert_eq!(longest.len(), 107);
    assert_eq!(read(&longest), None);
    assert_eq!(read(b"PROXY UNKNOWN \xff\0 any\rthing\r\n"), None);
}

#[test]
fn a_line_is_read_to_the_letter() {
    for (line, fault) in [
        ("PROXY TCP4 192.0.2.1 192.0.2.7 1 2\n", Fault::Line("CRLF")),
        ("PROXY TCP4 192.0.2.1 192.0.2.7 1 2 \r\n", Fault::Line("CRLF")),
        ("PROXY TCP4 192.0.2.1 192.0.2.7 1 2 3\r\n", Fault::Line("CRLF")),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.7 1\r\n",
            Fault::Line("destination port"),
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.7 1 2\r\r\n",
            Fault::Line("destination port"),
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.7 +1 2\r\n",
            Fault::Line("source port"),
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.7 01 2\r\n",
            Fault::Line("source port"),
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.7  1 2\r\n",
            Fault::Line("source port"),
        ),
        (
            "PROXY TCP4 192.0.2.1 192.0.2.7 65536 2\r\n",
            Fault::Line("source port"),
        ),
        (
            "PROXY TCP4 192.0.2.01 192.0.2.7 1 2\r\n",
            Fault::Line("source address"),
        ),
        (
            "PROXY TCP4 192.0.2.256 192.0.2.7 1 2\r\n",
            Fault::Line("source address"),
        ),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", Fault::Line("source address")),
        (
            "PROXY TCP6 ::1 127.0.0.1 1 2\r\n",
            Fault::Line("destination address"),
        ),
        (
            "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
            Fault::Line("source address"),
        ),
        (
            "PROXY TCP5 ::1 ::1 1 2\r\n",
            Fault::Line("protocol (TCP4, TCP6 or UNKNOWN)"),
        ),
        (
            "PROXY tcp4 192.0.2.1 192.0.2.7 1 2\r\n",
            Fault::Line("protocol (TCP4, TCP6 or UNKNOWN)"),
        ),
        (
            "PROXY UNKNOWNS\r\n",
            Fault::Line("protocol (TCP4, TCP6 or UNKNOWN)"),
        ),
        ("PROXY \r\n", Fault::Line("protocol (TCP4, TCP6 or UNKNOWN)")),
    ] {
        assert_eq!(parse(line.as_bytes()), Err(fault), "{line:?}");
    }
}

#[test]
fn a_line_without_end_is_given_up_at_the_107th_byte() {
    let endless = [&b"PROXY UNKNOWN "[..], &[b'f'; 93]].concat();
    assert_eq!(parse(&endless[..106]), Ok(None));
    assert_eq!(parse(&endless), Err(Fault::LineTooLong));
    let late = [&endless[..], b"\r\n"].concat();
    assert_eq!(parse(&late), Err(Fault::LineTooLong));
}

#[test]
fn what_begins_otherwise_is_no_header() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"PROXZ",
        b"\x16\x03\x01",
        b"\r\n\r\n\0\r\nQUIT\r",
        b"proxy ",
    ] {
        assert_eq!(parse(bytes), Err(Fault::Absent), "{bytes:?}");
    }
}

#[test]
fn a_binary_header_names_both_ends() {
    assert_eq!(
        read(&binary(0x21, 0x11, V4)),
        Some(ends("192.0.2.1:56324", "192.0.2.7:443"))
    );
    let mut rest = [0; 36];
    (rest[15], rest[31], rest[33], rest[35]) = (1, 2, 80, 81);
    assert_eq!(
        read(&binary(0x21, 0x21, &rest)),
        Some(ends("[::1]:80", "[::2]:81"))
    );
}

#[test]
fn whoever_cannot_be_named_is_nobody() {
    for (command, family, rest) in [
        (0x20, 0x00, &[][..]),
        // Of LOCAL nothing else counts, not even what would be wrong.
        (0x20, 0xff, b"\x03anything"),
        (0x20, 0x11, V4),
        (0x21, 0x00, b"anything"),
        (0x21, 0x01, &[]),
        (0x21, 0x10, &[]),
        // Datagrams cannot be what we carry.
        (0x21, 0x12, V4),
        (0x21, 0x31, &[0; 216]),
    ] {
        assert_eq!(
            read(&binary(command, family, rest)),
            None,
            "{command:#x} {family:#x}"
        );
    }
}

#[test]
fn what_does_not_exist_is_refused_as_soon_as_it_is_seen() {
    for (command, family, seen, fault) in [
        (0x11, 0x11, 13, Fault::Version(1)),
        (0x31, 0x11, 13, Fault::Version(3)),
        (0x22, 0x11, 13, Fault::Command(2)),
        (0x2f, 0x11, 13, Fault::Command(15)),
        (0x21, 0x13, 14, Fault::Family(0x13)),
        (0x21, 0x03, 14, Fault::Family(0x03)),
        (0x21, 0x41, 14, Fault::Family(0x41)),
    ] {
        let header = binary(command, family, V4);
        assert_eq!(parse(&header[..seen - 1]), Ok(None));
        assert_eq!(parse(&header[..seen]), Err(fault));
    }
}

#[test]
fn addresses_need_their_room() {
    assert_eq!(parse(&binary(0x21, 0x11, &V4[..11])), Err(Fault::NoAddresses));
    assert_eq!(parse(&binary(0x21, 0x21, &[0; 35])), Err(Fault::NoAddresses));
    assert_eq!(parse(&binary(0x21, 0x31, &[0; 215])), Err(Fault::NoAddresses));
}

#[test]
fn extensions_are_skipped_but_have_to_add_up() {
    let with = |extensions: &[u8]| binary(0x21, 0x11, &[V4, extensions].concat());
    let authority = b"\x02\0\x0bexample.com";
    assert!(read(&with(authority)).is_some());
    assert!(read(&with(&[&authority[..], b"\x04\0\0"].concat())).is_some());
    for extensions in [
        &b"\x02"[..],
        b"\x02\0",
        b"\x02\0\x01",
        b"\x02\0\x0bexample.co",
        b"\x04\0\0\x04",
    ] {
        assert_eq!(parse(&with(extensions)), Err(Fault::Extension), "{extensions:?}");
    }
}

/// The sum was made bit by bit, by another program.
#[test]
fn a_checksum_has_to_be_this_headers() {
    let with = |sum: &[u8]| binary(0x21, 0x11, &[V4, b"\x03\0\x04", sum].concat());
    let good = SUM.to_be_bytes();
    assert!(read(&with(&good)).is_some());
    let mut bad = good;
    bad[3] ^= 1;
    assert_eq!(parse(&with(&bad)), Err(Fault::Checksum));
    let short = binary(0x21, 0x11, &[V4, b"\x03\0\x03", &good[..3]].concat());
    assert_eq!(parse(&short), Err(Fault::Checksum));
    let mut other = with(&good);
    other[16] ^= 1;
    assert_eq!(parse(&other), Err(Fault::Checksum));
}

const SUM: u32 = 0x227e_43af;

#[test]
fn a_header_has_a_bound() {
    let padded = |rest: usize| binary(0x20, 0, &vec![0; rest]);
    assert_eq!(read(&padded(LENGTH_MAX - 16)), None);
    let long = padded(LENGTH_MAX - 15);
    assert_eq!(parse(&long[..16]), Err(Fault::TooLong(LENGTH_MAX + 1)));
}

#[test]
fn what_is_written_is_to_the_letter() {
    let written = |version, ends| {
        let mut out = Vec::new();
        write(version, ends, &mut out);
        out
    };
    let v4 = ends("192.0.2.1:56324", "192.0.2.7:443");
    assert_eq!(
        written(Version::V1, Some(v4)),
        b"PROXY TCP4 192.0.2.1 192.0.2.7 56324 443\r\n"
    );
    assert_eq!(written(Version::V2, Some(v4)), binary(0x21, 0x11, V4));
    let mixed = ends("192.0.2.1:1", "[2001:db8::7]:2");
    let line = b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::7 1 2\r\n";
    assert_eq!(written(Version::V1, Some(mixed)), line);
    let mapped = ends("[::ffff:192.0.2.1]:56324", "[::ffff:192.0.2.7]:443");
    assert_eq!(written(Version::V2, Some(mapped)), binary(0x21, 0x11, V4));
    assert_eq!(written(Version::V1, None), b"PROXY UNKNOWN\r\n");
    assert_eq!(written(Version::V2, None), binary(0x21, 0, &[]));
    let mut own = Vec::new();
    write_own(Version::V2, &mut own);
    assert_eq!(own, binary(0x20, 0, &[]));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(client: SocketAddr, server: SocketAddr, is_text: bool) {
        let version = if is_text { Version::V1 } else { Version::V2 };
        let mut out = Vec::new();
        write(version, Some(Ends { client, server }), &mut out);
        let Preamble { length, ends } = parse(&out).expect("a header").expect("all of it");
        prop_assert_eq!(length, out.len());
        let ends = ends.expect("both ends");
        for (told, end) in [(ends.client, client), (ends.server, server)] {
            prop_assert_eq!(told.ip().to_canonical(), end.ip().to_canonical());
            prop_assert_eq!(told.port(), end.port());
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes: Vec<u8>, is_text: bool) {
        let signature: &[u8] = if is_text { b"PROXY " } else { b"\r\n\r\n\0\r\nQUIT\n\x21" };
        let _ = parse(&bytes);
        let _ = parse(&[signature, &bytes].concat());
    }
}
