//! What the targets share: limits, feeding heads in pieces, and comparing fields with httparse.

use portreeve_http1::{Fault, Head, HeadLimits, HeadScan};
use portreeve_packet::Limits;

/// Small enough that the fuzzer comes to each limit.
pub const LIMITS: HeadLimits = HeadLimits {
    bytes_max: 1024,
    fields_max: 12,
    target_max: 256,
};

/// Small enough that the fuzzer comes to the limit.
pub const PACKET_LIMITS: Limits = Limits {
    packet_bytes_max: 64,
    payload_bytes_max: 16,
    depth_max: 4,
    fields_max: 8,
};

/// A head as read: its length, the first line as text, and the fields.
pub type Read = (usize, String, Fields);

/// Names and values in order.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// Takes the place of a cut from the first two bytes; the rest is the message.
pub fn split_off_cut(data: &[u8]) -> Option<(usize, &[u8])> {
    let ([high, low], bytes) = data.split_first_chunk::<2>()?;
    Some((
        usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1),
        bytes,
    ))
}

/// Asserts that `bytes` read the same in one piece, in two, and byte by byte; returns what was read.
pub fn read_however_split<Line: std::fmt::Debug>(
    bytes: &[u8],
    cut: usize,
    parse: impl Fn(&[u8], &mut Head) -> Result<Line, Fault>,
) -> Result<Option<Read>, Fault> {
    let whole = read_in_pieces(bytes, &[], &parse);
    assert_eq!(read_in_pieces(bytes, &[cut], &parse), whole, "cut at {cut}");
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(read_in_pieces(bytes, &every, &parse), whole, "byte by byte");
    whole
}

fn read_in_pieces<Line: std::fmt::Debug>(
    bytes: &[u8],
    cuts: &[usize],
    parse: &impl Fn(&[u8], &mut Head) -> Result<Line, Fault>,
) -> Result<Option<Read>, Fault> {
    let mut scan = HeadScan::default();
    let mut head = Head::new();
    for &cut in cuts.iter().chain([&bytes.len()]) {
        if let Some(length) = scan.advance(&bytes[..cut], &LIMITS)? {
            let line = parse(&bytes[..length], &mut head)?;
            return Ok(Some((length, format!("{line:?}"), fields(&head))));
        }
    }
    Ok(None)
}

/// The fields of `head`, after checking that it knows them by name.
pub fn fields(head: &Head) -> Fields {
    for field in head.fields() {
        let lower = String::from_utf8(head.name(field).to_ascii_lowercase()).expect("a token is ASCII");
        assert!(head.named(&lower).any(|value| value == head.value(field)));
        assert!(head.has(field.known));
    }
    head.fields()
        .iter()
        .map(|field| (head.name(field).to_vec(), head.value(field).to_vec()))
        .collect()
}

/// The fields as httparse has them.
pub fn fields_of(headers: &[httparse::Header<'_>]) -> Fields {
    headers
        .iter()
        .map(|header| (header.name.as_bytes().to_vec(), header.value.to_vec()))
        .collect()
}

/// `bytes` with a minor version, at `place`, that httparse knows: it refuses the later ones that count as 1.1.
pub fn as_known_version(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes[place] != b'0' {
        bytes[place] = b'1';
    }
    bytes
}
