//! What holds for every head, however its bytes arrive.

use portreeve_http1::{
    Fault, Head, HeadLimits, HeadScan, Version, parse_request, parse_response, parse_trailers,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_request_split_anywhere_gives_the_same(bytes in spoilt(request())) {
        is_the_same_however_split(&bytes, read_request)?;
    }

    #[test]
    fn a_response_split_anywhere_gives_the_same(bytes in spoilt(response())) {
        is_the_same_however_split(&bytes, read_response)?;
    }

    #[test]
    fn trailers_split_anywhere_give_the_same(bytes in spoilt(section())) {
        let whole = parse_trailers(&bytes, &mut HeadScan::default(), &LIMITS, &mut Head::new());
        for cut in 0..=bytes.len() {
            let mut scan = HeadScan::default();
            let first = parse_trailers(&bytes[..cut], &mut scan, &LIMITS, &mut Head::new());
            let found = match first {
                Ok(None) => parse_trailers(&bytes, &mut scan, &LIMITS, &mut Head::new()),
                done => done,
            };
            prop_assert_eq!(&found, &whole, "cut at {}", cut);
        }
    }

    #[test]
    fn a_valid_request_is_accepted(bytes in request()) {
        prop_assert!(parse_request(&bytes, &HeadLimits::default(), &mut Head::new()).is_ok());
    }

    #[test]
    fn a_valid_response_is_accepted(bytes in response()) {
        prop_assert!(parse_response(&bytes, &HeadLimits::default(), &mut Head::new()).is_ok());
    }

    #[test]
    fn a_request_accepted_is_read_the_same_by_httparse(bytes in spoilt(request())) {
        if let Some(length) = whole_head(&bytes) {
            agrees_on_request(&bytes[..length])?;
        }
    }

    #[test]
    fn a_response_accepted_is_read_the_same_by_httparse(bytes in spoilt(response())) {
        if let Some(length) = whole_head(&bytes) {
            agrees_on_response(&bytes[..length])?;
        }
    }

    #[test]
    fn arbitrary_bytes_are_answered(bytes in vec(any::<u8>(), 0..200)) {
        is_the_same_however_split(&bytes, read_request)?;
        is_the_same_however_split(&bytes, read_response)?;
    }
}

/// What was read: the first line as text, and the fields.
type Read = (String, Vec<(Vec<u8>, Vec<u8>)>);

fn is_the_same_however_split(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<Read, Fault>,
) -> Result<(), TestCaseError> {
    let whole = outcome(bytes, &[], &read);
    for cut in 0..=bytes.len() {
        prop_assert_eq!(&outcome(bytes, &[cut], &read), &whole, "cut at {}", cut);
    }
    let every: Vec<usize> = (0..bytes.len()).collect();
    prop_assert_eq!(&outcome(bytes, &every, &read), &whole, "byte by byte");
    Ok(())
}

/// What comes of `bytes` if they arrive up to each of `cuts`, then as a whole.
fn outcome(
    bytes: &[u8],
    cuts: &[usize],
    read: &impl Fn(&[u8]) -> Result<Read, Fault>,
) -> Result<Option<(usize, Read)>, Fault> {
    let mut scan = HeadScan::default();
    for &cut in cuts.iter().chain([&bytes.len()]) {
        if let Some(length) = scan.advance(&bytes[..cut], &LIMITS)? {
            return read(&bytes[..length]).map(|read| Some((length, read)));
        }
    }
    Ok(None)
}

fn read_request(bytes: &[u8]) -> Result<Read, Fault> {
    let mut head = Head::new();
    let line = parse_request(bytes, &LIMITS, &mut head)?;
    Ok((format!("{line:?}"), fields(&head)))
}

fn read_response(bytes: &[u8]) -> Result<Read, Fault> {
    let mut head = Head::new();
    let line = parse_response(bytes, &LIMITS, &mut head)?;
    Ok((format!("{line:?}"), fields(&head)))
}

fn whole_head(bytes: &[u8]) -> Option<usize> {
    HeadScan::default().advance(bytes, &LIMITS).ok().flatten()
}

fn agrees_on_request(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut head = Head::new();
    let Ok(line) = parse_request(bytes, &LIMITS, &mut head) else {
        return Ok(());
    };
    let known = as_known_version(head.bytes(), line.target.end as usize + 8);
    let mut room = [httparse::EMPTY_HEADER; 200];
    let mut other = httparse::Request::new(&mut room);
    prop_assert_eq!(other.parse(&known), Ok(httparse::Status::Complete(known.len())));
    prop_assert_eq!(other.method.unwrap().as_bytes(), line.method.of(head.bytes()));
    prop_assert_eq!(other.path.unwrap().as_bytes(), line.target.of(head.bytes()));
    prop_assert_eq!(other.version == Some(1), line.version == Version::H11);
    prop_assert_eq!(fields_of(other.headers), fields(&head));
    Ok(())
}

fn agrees_on_response(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut head = Head::new();
    let Ok(line) = parse_response(bytes, &LIMITS, &mut head) else {
        return Ok(());
    };
    let known = as_known_version(head.bytes(), 7);
    let mut room = [httparse::EMPTY_HEADER; 200];
    let mut other = httparse::Response::new(&mut room);
    prop_assert_eq!(other.parse(&known), Ok(httparse::Status::Complete(known.len())));
    prop_assert_eq!(other.code, Some(line.status));
    prop_assert_eq!(other.version == Some(1), line.version == Version::H11);
    prop_assert_eq!(fields_of(other.headers), fields(&head));
    Ok(())
}

/// `bytes` with a minor version, at `place`, that httparse knows: it refuses the later ones that count as 1.1.
fn as_known_version(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes[place] != b'0' {
        bytes[place] = b'1';
    }
    bytes
}

fn fields(head: &Head) -> Vec<(Vec<u8>, Vec<u8>)> {
    head.fields()
        .iter()
        .map(|f| (head.name(f).to_vec(), head.value(f).to_vec()))
        .collect()
}

fn fields_of(headers: &[httparse::Header<'_>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    headers
        .iter()
        .map(|h| (h.name.as_bytes().to_vec(), h.value.to_vec()))
        .collect()
}

/// Bytes that are valid half of the time, else changed or cut in up to four places, maybe with more behind them.
fn spoilt(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => select(&b"\r\n\0 \t:#@,\x0b"[..]), 1 => any::<u8>()];
    let change = (any::<Index>(), byte, 0..4_u8);
    let tail = prop_oneof![2 => Just(Vec::new()), 1 => vec(any::<u8>(), 0..30)];
    (valid, vec(change, 0..4), any::<bool>(), tail).prop_map(|(mut bytes, changes, is_spoilt, tail)| {
        if is_spoilt {
            changes
                .iter()
                .for_each(|(place, byte, kind)| change_at(&mut bytes, place, *byte, *kind));
        }
        bytes.extend(tail);
        bytes
    })
}

fn change_at(bytes: &mut Vec<u8>, place: &Index, byte: u8, kind: u8) {
    let place = place.index(bytes.len().max(1));
    match kind {
        0 => bytes.insert(place, byte),
        1 if place < bytes.len() => bytes[place] = byte,
        2 if place < bytes.len() => drop(bytes.remove(place)),
        3 => bytes.truncate(bytes.len().saturating_sub(place % 4)),
        _ => {}
    }
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let target = "/[!-\"$-~]{0,20}|http://a(/[!-\"$-~]{0,9})?";
    ("(\r\n)?", "[A-Za-z!#~]{1,8}", target, 0..10_u8, section()).prop_map(
        |(before, method, target, minor, section)| {
            let mut bytes = format!("{before}{method} {target} HTTP/1.{minor}\r\nHost: a\r\n").into_bytes();
            bytes.extend(section);
            bytes
        },
    )
}

fn response() -> impl Strategy<Value = Vec<u8>> {
    ("[1-9][0-9]{2}", "( [ -~\t]{0,12})?", 0..10_u8, section()).prop_map(
        |(status, reason, minor, section)| {
            let mut bytes = format!("HTTP/1.{minor} {status}{reason}\r\n").into_bytes();
            bytes.extend(section);
            bytes
        },
    )
}

/// Up to eight field lines and the empty line; no name is one of those that may come only once.
fn section() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "x[A-Za-z0-9-]{0,12}",
        select(&["Cookie", "via", "ACCEPT", "Connection"][..]).prop_map_into()
    ];
    let value = vec(
        prop_oneof![8 => 0x20..0x7f_u8, 1 => Just(b'\t'), 1 => 0x80..=0xff_u8],
        0..40,
    );
    let line = (name, "[ \t]{0,2}", value)
        .prop_map(|(name, blank, value)| [name.as_bytes(), b":", blank.as_bytes(), &value, b"\r\n"].concat());
    vec(line, 0..8).prop_map(|lines| [lines.concat(), b"\r\n".to_vec()].concat())
}

/// Small enough that some heads go beyond.
const LIMITS: HeadLimits = HeadLimits {
    bytes_max: 300,
    fields_max: 7,
    target_max: 24,
};
