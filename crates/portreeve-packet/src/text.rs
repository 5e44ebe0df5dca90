//! JSON strings (RFC 8259 section 7).

use std::borrow::Cow;
use std::ops::Range;

/// The text of a string: a stretch of the packet it stands in, or its own where escapes had to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    In(Range<usize>),
    Own(Box<str>),
}

impl Text {
    /// `raw`: the packet it was made for.
    pub(crate) fn of<'a>(&'a self, raw: &'a str) -> &'a str {
        match self {
            Self::In(range) => &raw[range.clone()],
            Self::Own(text) => text,
        }
    }
}

/// Half of a surrogate pair without the other: no text that UTF-8 could carry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LoneSurrogate;

/// The string without its quotes.
pub(crate) fn unquoted(string: &str) -> &str {
    debug_assert!(string.len() >= 2 && string.starts_with('"') && string.ends_with('"'));
    &string[1..string.len() - 1]
}

/// Resolves the escapes of a string without its quotes, whose grammar was checked before.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, LoneSurrogate> {
    let Some(first) = text.find('\\') else {
        return Ok(Cow::Borrowed(text));
    };
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(first);
    while let Some(place) = next {
        decoded.push_str(&rest[..place]);
        rest = push_escape(&rest[place + 1..], &mut decoded)?;
        next = rest.find('\\');
    }
    decoded.push_str(rest);
    Ok(Cow::Owned(decoded))
}

/// Appends `text` as a string with its quotes.
pub(crate) fn write(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            0..b' ' | 0x7f => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Resolves the escape that `rest` begins with, its backslash already gone; returns what follows it.
fn push_escape<'a>(rest: &'a str, decoded: &mut String) -> Result<&'a str, LoneSurrogate> {
    let (letter, behind) = rest.split_at(1);
    let plain = match letter {
        "u" => return push_unicode(behind, decoded),
        "b" => '\u{8}',
        "f" => '\u{c}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        other => {
            decoded.push_str(other);
            return Ok(behind);
        }
    };
    decoded.push(plain);
    Ok(behind)
}

/// Resolves `XXXX`, or `XXXX\uXXXX` where that is a surrogate pair.
fn push_unicode<'a>(rest: &'a str, decoded: &mut String) -> Result<&'a str, LoneSurrogate> {
    let (first, behind) = unit(rest)?;
    if let Some(plain) = char::from_u32(first) {
        decoded.push(plain);
        return Ok(behind);
    }
    let (second, behind) = unit(behind.strip_prefix("\\u").ok_or(LoneSurrogate)?)?;
    let pair = match (first, second) {
        (0xd800..0xdc00, 0xdc00..0xe000) => 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00),
        _ => return Err(LoneSurrogate),
    };
    decoded.push(char::from_u32(pair).ok_or(LoneSurrogate)?);
    Ok(behind)
}

/// The UTF-16 unit that four hexadecimal digits stand for.
fn unit(rest: &str) -> Result<(u32, &str), LoneSurrogate> {
    let (digits, behind) = rest.split_at_checked(4).ok_or(LoneSurrogate)?;
    let unit = u32::from_str_radix(digits, 16).map_err(|_| LoneSurrogate)?;
    Ok((unit, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let decoded = decode(r#"a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é"#).unwrap();
        assert_eq!(decoded, "a\"\\/\u{8}\u{c}\n\r\tAé\u{1f600}é");
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        assert!(matches!(decode("plain é"), Ok(Cow::Borrowed("plain é"))));
    }

    #[test]
    fn half_a_surrogate_pair_is_no_text() {
        for lone in [
            r"\ud83d",
            r"\ude00",
            r"\ud83dx",
            r"\ud83d\n",
            r"\ud83d\u0041",
            r"\ude00\ud83d",
        ] {
            assert_eq!(decode(lone), Err(LoneSurrogate), "{lone}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text: String = (0..0x500)
            .filter_map(char::from_u32)
            .chain(['\u{1f600}'])
            .collect();
        let mut out = Vec::new();
        write(&text, &mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!(decode(unquoted(&out)).unwrap(), text);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
