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

/// With every escape decoded (RFC 3986 section 2.1), reserved characters too; a `%` that begins none stays.
pub(crate) fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        let escaped = (*byte == b'%').then(|| escape(after)).flatten();
        let (value, after) = escaped.unwrap_or((*byte, after));
        decoded.push(value);
        rest = after;
    }
    Cow::Owned(decoded)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(path: &str) -> String {
        String::from_utf8(normalise(path.as_bytes()).into_owned()).unwrap()
    }

    fn prefix(prefix: &str) -> String {
        String::from_utf8(normalise_prefix(prefix.as_bytes())).unwrap()
    }

    #[test]
    fn a_plain_path_is_not_copied() {
        for path in ["/", "/a/b.c/", "/a.b/c..d", "*", "example.com:443", ""] {
            assert!(matches!(normalise(path.as_bytes()), Cow::Borrowed(_)), "{path}");
        }
    }

    #[test]
    fn what_is_written_in_other_ways_is_one_path() {
        for (written, meant) in [
            ("", "/"),
            ("//", "/"),
            ("/a//b///c", "/a/b/c"),
            ("/a/./b", "/a/b"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/a/b/../c", "/a/c"),
            ("/a/b/../../c", "/c"),
            ("/a//../b", "/b"),
            ("/%61%2D%7e", "/a-~"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e/b", "/b"),
            ("/.well-known/x", "/.well-known/x"),
            ("/...", "/..."),
        ] {
            assert_eq!(normal(written), meant, "{written}");
        }
    }

    #[test]
    fn nothing_leads_above_the_root() {
        for path in ["/..", "/../..", "/%2e%2e/", "//..//..", "/a/../../.."] {
            assert_eq!(normal(path), "/", "{path}");
        }
        assert_eq!(normal("/../../etc/passwd"), "/etc/passwd");
    }

    #[test]
    fn reserved_characters_stay_escaped_in_upper_case() {
        assert_eq!(normal("/a%2fb%3f%25"), "/a%2Fb%3F%25");
        assert_eq!(normal("/%2e%2e%2f"), "/..%2F");
        assert_eq!(normal("/%00%ff"), "/%00%FF");
    }

    #[test]
    fn a_percent_sign_that_escapes_nothing_is_one_itself() {
        assert_eq!(normal("/100%"), "/100%25");
        assert_eq!(normal("/%zz%4"), "/%25zz%254");
        assert_eq!(normal("/%%341"), "/%2541");
        assert_eq!(normal("/%4%31"), "/%2541");
    }

    #[test]
    fn what_is_no_path_is_left_alone() {
        assert_eq!(normal("*"), "*");
        assert_eq!(normal("example.com:443"), "example.com:443");
    }

    #[test]
    fn a_prefix_is_normalised_but_for_dots_at_its_end() {
        assert_eq!(prefix("/a//b/../"), "/a/");
        assert_eq!(prefix("/."), "/.");
        assert_eq!(prefix("/a/.."), "/a/..");
        assert_eq!(prefix("/a/im%61g"), "/a/imag");
        assert_eq!(prefix(""), "");
    }

    /// Paths full of what matters.
    fn paths() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "/", "//", ".", "..", "%2e", "%2E", "%2f", "%", "%4", "%41", "%25", "a", "b", "41", "~", "é",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn twice_is_the_same_as_once(path in paths()) {
            let once = normalise(path.as_bytes()).into_owned();
            let twice = normalise(&once).into_owned();
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn no_segment_is_empty_or_of_dots(path in paths()) {
            let normal = normal(&path);
            prop_assert!(normal.starts_with('/'));
            let segments: Vec<&str> = normal[1..].split('/').collect();
            let (last, before) = segments.split_last().unwrap();
            prop_assert!(before.iter().all(|segment| !matches!(*segment, "" | "." | "..")), "{}", normal);
            prop_assert!(!matches!(*last, "." | ".."), "{}", normal);
        }

        #[test]
        fn any_bytes_are_borne(path in prop::collection::vec(any::<u8>(), 0..40)) {
            let once = normalise(&path).into_owned();
            let twice = normalise(&once).into_owned();
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn escaping_unreserved_characters_changes_nothing(path in "/[a-z./~_-]{0,12}", upper: bool) {
            let escape = |character: char| match (character, upper) {
                ('/', _) => "/".to_owned(),
                (other, true) => format!("%{:02X}", other as u32),
                (other, false) => format!("%{:02x}", other as u32),
            };
            let escaped: String = path.chars().map(escape).collect();
            prop_assert_eq!(normal(&escaped), normal(&path));
        }
    }
}
