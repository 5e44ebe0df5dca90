//! `name=value` pairs, of which cookies and queries are made.

/// All pairs of a text, in order and as written; what has no `=` is no pair.
pub(crate) fn pairs(text: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
    let parts = text.split(move |byte| *byte == separator).map(<[u8]>::trim_ascii);
    parts.filter_map(|part| {
        let middle = part.iter().position(|byte| *byte == b'=')?;
        Some((&part[..middle], &part[middle + 1..]))
    })
}

/// The values of the cookies of that name in one line, in order (RFC 6265 section 4.2.1: `name=value; name=value`).
pub fn cookies<'a>(line: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = pairs(line, b';').filter(move |(own, _)| *own == name.as_bytes());
    named.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_equals_sign_parts_a_pair() {
        let found: Vec<_> = pairs(b"a=1 ; b ;c==2;=", b';').collect();
        assert_eq!(found, [(&b"a"[..], &b"1"[..]), (b"c", b"=2"), (b"", b"")]);
    }

    #[test]
    fn cookies_are_found_by_their_whole_name_as_it_is_written() {
        let found: Vec<_> = cookies(b"xsid=1; sid=2;sid ;SID=3; sidx=4; sid=5", "sid").collect();
        assert_eq!(found, [b"2", b"5"]);
    }
}
