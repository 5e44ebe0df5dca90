//! Any bytes as a request's head: the split does not matter, and httparse reads what we accept in the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_fuzz::{LIMITS, as_known_version, fields, fields_of, read_however_split, split_off_cut};
use portreeve_http1::{
    Framing, Head, Known, Version, connection_names, keeps_alive, parse_request, request_framing,
};

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = split_off_cut(data) else {
        return;
    };
    let parse = |bytes: &[u8], head: &mut Head| parse_request(bytes, &LIMITS, head);
    if let Ok(Some((length, _, _))) = read_however_split(bytes, cut, parse) {
        assert!(length <= LIMITS.bytes_max);
        agrees(&bytes[..length]);
    }
});

fn agrees(bytes: &[u8]) {
    let mut head = Head::new();
    let line = parse_request(bytes, &LIMITS, &mut head).expect("it was accepted before");
    let known = as_known_version(head.bytes(), line.target.end as usize + 8);
    let mut room = [httparse::EMPTY_HEADER; 16];
    let mut other = httparse::Request::new(&mut room);
    assert_eq!(other.parse(&known), Ok(httparse::Status::Complete(known.len())));
    assert_eq!(
        other.method.map(str::as_bytes),
        Some(line.method.of(head.bytes()))
    );
    assert_eq!(other.path.map(str::as_bytes), Some(line.target.of(head.bytes())));
    assert_eq!(other.version == Some(1), line.version == Version::H11);
    assert_eq!(fields_of(other.headers), fields(&head));
    assert!(line.target.len() <= LIMITS.target_max && head.fields().len() <= LIMITS.fields_max);
    let again = head.bytes().to_vec();
    assert_eq!(parse_request(&again, &LIMITS, &mut head), Ok(line));
    is_framed_once(&line, &head);
}

fn is_framed_once(line: &portreeve_http1::RequestLine, head: &Head) {
    let is_closed = head
        .values(Known::Connection)
        .any(|v| v.eq_ignore_ascii_case(b"close"));
    assert!(!(is_closed && keeps_alive(line.version, head)));
    assert!(connection_names(head).all(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"host")));
    match request_framing(line, head) {
        Ok(Framing::Empty) => assert!(!head.has(Known::TransferEncoding)),
        Ok(Framing::Exact(_)) => {
            assert!(!head.has(Known::TransferEncoding) && !head.repeats(Known::ContentLength))
        }
        Ok(Framing::Chunked) => assert!(!head.has(Known::ContentLength)),
        Ok(Framing::UntilClose) => panic!("a request does not last until close"),
        Err(_) => assert!(head.has(Known::ContentLength) || head.has(Known::TransferEncoding)),
    }
}
