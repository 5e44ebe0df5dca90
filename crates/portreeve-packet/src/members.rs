use std::ops::Range;

use crate::key::Key;
use crate::scan::{is_space, skippable};
use crate::text;

/// The members of a JSON object, in order. The text must be one object, checked before.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    object: &'a [u8],
    at: usize,
}

/// Where a member stands in its object.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// With its quotes.
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
}

impl Member {
    /// The key, if it is one that we read; escapes in it make no difference.
    pub(crate) fn key(&self, object: &str) -> Option<Key> {
        let name = text::decode(text::unquoted(&object[self.name.clone()])).ok()?;
        Key::named(&name)
    }
}

impl<'a> Members<'a> {
    pub(crate) fn of(object: &'a str) -> Self {
        debug_assert!(object.starts_with('{'));
        Self {
            object: object.as_bytes(),
            at: 1,
        }
    }

    fn skip_space(&mut self) {
        self.at += skippable(&self.object[self.at..]);
    }

    fn skip_byte(&mut self, byte: u8) {
        self.skip_space();
        self.at += usize::from(self.object.get(self.at) == Some(&byte));
        self.skip_space();
    }

    /// The value that begins here, stepped over.
    fn value(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += match self.object[start] {
            b'"' => string_length(&self.object[start..]),
            b'{' | b'[' => nested_length(&self.object[start..]),
            _ => word_length(&self.object[start..]),
        };
        start..self.at
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        self.skip_space();
        if self.object[self.at] == b'}' {
            return None;
        }
        let name = self.value();
        self.skip_byte(b':');
        let value = self.value();
        self.skip_byte(b',');
        Some(Member { name, value })
    }
}

/// Bytes of the string that `text` begins with, quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Bytes of the object or array that `text` begins with.
fn nested_length(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    loop {
        match text[at] {
            b'"' => at += string_length(&text[at..]) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
}

/// Bytes of the number, `true`, `false` or `null` that `text` begins with.
fn word_length(text: &[u8]) -> usize {
    let is_behind = |&byte: &u8| is_space(byte) || matches!(byte, b',' | b'}' | b']');
    text.iter().position(is_behind).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(object: &str) -> Vec<(&str, &str)> {
        let members = Members::of(object);
        members
            .map(|member| (&object[member.name], &object[member.value]))
            .collect()
    }

    #[test]
    fn members_come_in_order_with_their_very_bytes() {
        let object = r#"{ "a" :1e5, "b\"}":"x\\" ,"c":{"d":[1,"]}"]} ,"e": [ ],"f":null}"#;
        let expected = [
            (r#""a""#, "1e5"),
            (r#""b\"}""#, r#""x\\""#),
            (r#""c""#, r#"{"d":[1,"]}"]}"#),
            (r#""e""#, "[ ]"),
            (r#""f""#, "null"),
        ];
        assert_eq!(read(object), expected);
        assert_eq!(read("{ }"), []);
    }
}
