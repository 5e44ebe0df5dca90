//! Any bytes as a response's head: the split does not matter, and httparse reads what we accept in the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_fuzz::{LIMITS, as_known_version, fields, fields_of, read_however_split, split_off_cut};
use portreeve_http1::{
    Framing, Head, Known, StatusLine, Version, keeps_alive, parse_response, response_framing,
};

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = split_off_cut(data) else {
        return;
    };
    let parse = |bytes: &[u8], head: &mut Head| parse_response(bytes, &LIMITS, head);
    if let Ok(Some((length, _, _))) = read_however_split(bytes, cut, parse) {
        agrees(&bytes[..length]);
    }
});

fn agrees(bytes: &[u8]) {
    let mut head = Head::new();
    let line = parse_response(bytes, &LIMITS, &mut head).expect("it was accepted before");
    let known = as_known_version(head.bytes(), 7);
    let mut room = [httparse::EMPTY_HEADER; 16];
    let mut other = httparse::Response::new(&mut room);
    assert_eq!(other.parse(&known), Ok(httparse::Status::Complete(known.len())));
    assert_eq!(other.code, Some(line.status));
    assert_eq!(other.version == Some(1), line.version == Version::H11);
    assert_eq!(fields_of(other.headers), fields(&head));
    assert!(
        !line
            .reason
            .of(head.bytes())
            .iter()
            .any(|&b| b.is_ascii_control() && b != b'\t')
    );
    keeps_alive(line.version, &head);
    is_framed_once(&line, &head);
}

fn is_framed_once(line: &StatusLine, head: &Head) {
    let is_bodiless = matches!(line.status, 100..200 | 204 | 304);
    match response_framing(b"GET", line, head) {
        Ok(Framing::Empty) => assert!(is_bodiless || head.has(Known::ContentLength)),
        Ok(Framing::Exact(_)) => assert!(!head.has(Known::TransferEncoding) && !is_bodiless),
        Ok(Framing::Chunked) => assert!(!head.has(Known::ContentLength) && !is_bodiless),
        Ok(Framing::UntilClose) => {
            assert!(!head.has(Known::ContentLength) && !head.has(Known::TransferEncoding) && !is_bodiless);
        }
        Err(_) => assert!(head.has(Known::ContentLength) || head.has(Known::TransferEncoding)),
    }
    if let Ok(framing) = response_framing(b"HEAD", line, head) {
        assert_eq!(framing, Framing::Empty);
    }
}
