//! Any bytes as a trailer section: the split does not matter, and httparse reads what we accept in the same way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_fuzz::{Fields, LIMITS, fields, fields_of, split_off_cut};
use portreeve_http1::{Fault, Head, HeadScan, parse_trailers};

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = split_off_cut(data) else {
        return;
    };
    let whole = read(bytes, &[]);
    assert_eq!(read(bytes, &[cut]), whole, "cut at {cut}");
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(read(bytes, &every), whole, "byte by byte");
    if let Ok(Some((length, fields))) = whole {
        agrees(&bytes[..length], &fields);
    }
});

fn read(bytes: &[u8], cuts: &[usize]) -> Result<Option<(usize, Fields)>, Fault> {
    let mut scan = HeadScan::default();
    let mut head = Head::new();
    for &cut in cuts.iter().chain([&bytes.len()]) {
        if let Some(length) = parse_trailers(&bytes[..cut], &mut scan, &LIMITS, &mut head)? {
            return Ok(Some((length, fields(&head))));
        }
    }
    Ok(None)
}

fn agrees(section: &[u8], fields: &Fields) {
    let mut room = [httparse::EMPTY_HEADER; 16];
    let Ok(httparse::Status::Complete((length, others))) = httparse::parse_headers(section, &mut room) else {
        panic!("httparse refuses what was accepted");
    };
    assert_eq!((length, &fields_of(others)), (section.len(), fields));
    for (name, _) in fields {
        for forbidden in [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "x-forwarded-for",
        ] {
            assert!(!name.eq_ignore_ascii_case(forbidden.as_bytes()));
        }
    }
}
