//! The form of a path that routes are compared with. The target itself is forwarded untouched.

use std::borrow::Cow;

/// Brings a path (no query) into the one form that matching compares; no allocation if it has that form already.
///
/// Escapes of unreserved characters are decoded (RFC 3986 section 6.2.2.2; so `%2F` stays), others get upper-case
/// digits, a `%` that begins no escape becomes `%25`, runs of slashes become one, `.` and `..` segments are resolved
/// (section 5.2.4) and never lead above the root. An empty path is `/`. What does not begin with a slash (`*`, an
/// authority) is left alone. Twice gives the same as once.
#[must_use]
pub fn normalise(path: &[u8]) -> Cow<'_, [u8]> {
    match path.first() {
        None => Cow::Borrowed(b"/"),
        Some(b'/') if !is_normal(path) => Cow::Owned(resolve(&decode(path))),
        Some(_) => Cow::Borrowed(path),
    }
}

/// The same for a prefix: its last segment may be only the beginning of one, so dots there mean nothing yet.
pub(crate) fn normalise_prefix(prefix: &[u8]) -> Vec<u8> {
    let cut = prefix
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    let (whole, begun) = prefix.split_at(cut);
    if whole.is_empty() {
        return prefix.to_vec();
    }
    let mut normal = normalise(whole).into_owned();
    normal.extend(decode(begun));
    normal
}

/// Whether there is neither an escape nor a slash before a slash or dot.
fn is_normal(path: &[u8]) -> bool {
    let mut before = 0;
    path.iter().all(|byte| {
        let is_plain = *byte != b'%' && !(before == b'/' && matches!(byte, b'/' | b'.'));
        before = *byte;
        is_plain
    })
}

fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len() + 8);
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        rest = match (byte, escape(after)) {
            (b'%', Some((value, after))) => {
                push_decoded(&mut decoded, value);
                after
            }
            (b'%', None) => {
                decoded.extend(b"%25");
                after
            }
            _ => {
                decoded.push(*byte);
                after
            }
        };
    }
    decoded
}

/// The value of two hexadecimal digits, and what follows them.
fn escape(digits: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = digits.split_first_chunk()?;
    Some((hex(*high)? << 4 | hex(*low)?, rest))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn push_decoded(decoded: &mut Vec<u8>, value: u8) {
    if is_unreserved(value) {
        decoded.push(value);
    } else {
        decoded.extend([b'%', HEX[usize::from(value >> 4)], HEX[usize::from(value & 15)]]);
    }
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Slashes first, then dots: `/a//../b` is `/b`, as nginx and most backends see it.
fn resolve(path: &[u8]) -> Vec<u8> {
    let mut resolved = Vec::with_capacity(path.len());
    let mut ends_open = true;
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        ends_open = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop_segment(&mut resolved),
            _ => {
                resolved.push(b'/');
                resolved.extend(segment);
            }
        }
    }
    if ends_open {
        resolved.push(b'/');
    }
    resolved
}

fn drop_segment(resolved: &mut Vec<u8>) {
    let slash = resolved.iter().rposition(|byte| *byte == b'/');
    resolved.truncate(slash.unwrap_or(0));
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
