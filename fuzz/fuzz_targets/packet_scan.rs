//! Any bytes as the beginning of packets: the split does not matter, and serde_json sees the same end.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use portreeve_fuzz::{PACKET_LIMITS, split_off_cut};
use portreeve_packet::{Code, Fault, Limits, Scan, skippable};
use serde::de::IgnoredAny;

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = split_off_cut(data) else {
        return;
    };
    let every: Vec<usize> = (0..=bytes.len()).collect();
    for limits in [PACKET_LIMITS, Limits::default()] {
        let whole = scan(bytes, &[], &limits);
        assert_eq!(scan(bytes, &[cut], &limits), whole, "cut at {cut}");
        assert_eq!(scan(bytes, &every, &limits), whole, "byte by byte");
    }
    if bytes.len() < Limits::default().packet_bytes_max {
        agrees(bytes, &scan(bytes, &[], &Limits::default()));
    }
});

fn scan(bytes: &[u8], cuts: &[usize], limits: &Limits) -> Result<Option<Range<usize>>, Fault> {
    let mut scan = Scan::default();
    for &cut in cuts {
        if let Some(found) = scan.advance(&bytes[..cut], limits)? {
            return Ok(Some(found));
        }
    }
    scan.finish(bytes, limits)
}

/// With serde_json, which reads no value that is directly followed by another unless brackets or quotes part them.
fn agrees(bytes: &[u8], found: &Result<Option<Range<usize>>, Fault>) {
    let start = skippable(bytes);
    let is_delimited = matches!(bytes.get(start), Some(b'{' | b'[' | b'"'));
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        None => assert_eq!(*found, Ok(None)),
        Some(Ok(_)) => assert_eq!(*found, Ok(Some(start..values.byte_offset()))),
        Some(Err(_)) if is_delimited => {
            assert_eq!(found.as_ref().map_err(|fault| fault.code), Err(Code::NotJson));
        }
        Some(Err(_)) => {}
    }
}
