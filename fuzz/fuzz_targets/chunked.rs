//! Any bytes as a chunked body: read as a slow decoder over the whole of them reads it, however they are split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_fuzz::split_off_cut;
use portreeve_http1::Chunked;

fuzz_target!(|data: &[u8]| {
    let Some((cut, body)) = split_off_cut(data) else {
        return;
    };
    let expected = reference(body);
    let every: Vec<usize> = (0..=body.len()).collect();
    for cuts in [&[body.len()][..], &[cut, body.len()], &every] {
        let found = decode(body, cuts);
        assert_eq!(found, expected, "cuts {cuts:?}");
        assert_eq!(
            pass(body, cuts),
            expected
                .as_ref()
                .map(|d| (d.length, d.content.len() as u64, d.is_done))
        );
    }
});

#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    content: Vec<u8>,
    /// Bytes up to and including the last-chunk line, or all of them if it did not come.
    length: usize,
    is_done: bool,
}

fn decode(body: &[u8], cuts: &[usize]) -> Option<Decoded> {
    let mut chunked = Chunked::default();
    let mut decoded = Decoded {
        content: Vec::new(),
        length: 0,
        is_done: false,
    };
    for &cut in cuts {
        while decoded.length < cut && !decoded.is_done {
            let input = &body[decoded.length..cut];
            let event = chunked.next(input).ok()?;
            assert!(event.data.is_some() || event.last_chunk || event.consumed == input.len());
            decoded
                .content
                .extend(event.data.map_or(&[][..], |data| &input[data]));
            decoded.length += event.consumed;
            decoded.is_done = event.last_chunk;
        }
    }
    Some(decoded)
}

fn pass(body: &[u8], cuts: &[usize]) -> Option<(usize, u64, bool)> {
    let mut chunked = Chunked::default();
    let (mut length, mut data, mut is_done) = (0, 0, false);
    for &cut in cuts {
        let passed = chunked.pass(&body[length.min(cut)..cut]).ok()?;
        length += passed.bytes;
        data += passed.data;
        is_done = passed.last_chunk;
    }
    Some((length, data, is_done))
}

/// Chunk by chunk: find the line's end, read the line, take the content. A message that is cut may still be a valid
/// one's beginning; then each of its parts is.
fn reference(body: &[u8]) -> Option<Decoded> {
    let mut content = Vec::new();
    let mut at = 0;
    loop {
        let rest = &body[at..];
        let Some(length) = line_length(rest) else {
            return is_beginning_of_line(rest).then_some(Decoded {
                content,
                length: body.len(),
                is_done: false,
            });
        };
        let size = read_line(&rest[..length - 2]).filter(|_| length <= 4096)?;
        at += length;
        if size == 0 {
            return Some(Decoded {
                content,
                length: at,
                is_done: true,
            });
        }
        let rest = &body[at..];
        let present = rest
            .len()
            .min(usize::try_from(size).expect("64-bit machines only"));
        content.extend_from_slice(&rest[..present]);
        match &rest[present..] {
            _ if (present as u64) < size => {
                return Some(Decoded {
                    content,
                    length: body.len(),
                    is_done: false,
                });
            }
            [] | b"\r" => {
                return Some(Decoded {
                    content,
                    length: body.len(),
                    is_done: false,
                });
            }
            [b'\r', b'\n', ..] => at += present + 2,
            _ => return None,
        }
    }
}

/// Length of the first line with its CRLF; no CR or LF may stand alone in it, so the first CRLF ends it.
fn line_length(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .map(|place| place + 2)
}

/// Whether `bytes`, a line without its end, can be completed to a valid one.
fn is_beginning_of_line(bytes: &[u8]) -> bool {
    let (bytes, has_cr) = bytes
        .strip_suffix(b"\r")
        .map_or((bytes, false), |bytes| (bytes, true));
    if has_cr {
        return read_line(bytes).is_some() && bytes.len() + 2 <= 4096;
    }
    let endings: [&[u8]; 7] = [b"", b"0", b";a", b"a", b"\"", b"a\"", b"=a"];
    bytes.len() + 1 < 4096
        && endings
            .iter()
            .any(|ending| read_line(&[bytes, ending].concat()).is_some())
}

/// The size of a line without its CRLF (RFC 9112 sections 7.1 and 7.1.1).
fn read_line(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    if !(1..=16).contains(&digits) {
        return None;
    }
    let size = str::from_utf8(&line[..digits]).ok()?;
    let mut rest = &line[digits..];
    while !rest.is_empty() {
        rest = after_extension(rest)?;
    }
    u64::from_str_radix(size, 16).ok()
}

/// What follows one `;name` or `;name=value` at the start of `bytes`.
fn after_extension(bytes: &[u8]) -> Option<&[u8]> {
    let rest = after_blanks(after_blanks(bytes).strip_prefix(b";")?);
    let rest = after_token(rest)?;
    let Some(value) = after_blanks(rest).strip_prefix(b"=") else {
        return Some(rest);
    };
    let value = after_blanks(value);
    match value.strip_prefix(b"\"") {
        Some(text) => after_quoted(text),
        None => after_token(value),
    }
}

fn after_blanks(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().take_while(|b| b" \t".contains(b)).count();
    &bytes[count..]
}

fn after_token(bytes: &[u8]) -> Option<&[u8]> {
    let is_tchar = |b: &&u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    let count = bytes.iter().take_while(is_tchar).count();
    (count > 0).then(|| &bytes[count..])
}

fn after_quoted(mut bytes: &[u8]) -> Option<&[u8]> {
    let is_text = |b: u8| b == b'\t' || b == b' ' || b.is_ascii_graphic() || b >= 0x80;
    loop {
        bytes = match bytes {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', escaped, rest @ ..] if is_text(*escaped) => rest,
            [b'\\', ..] => return None,
            [b, rest @ ..] if is_text(*b) => rest,
            _ => return None,
        }
    }
}
