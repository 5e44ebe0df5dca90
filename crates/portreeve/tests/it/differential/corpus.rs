//! The requests: text files of entries that a person can read.
//!
//! ```text
//! == CLASS: what is odd about it
//! => passed 1, refused
//! | GET /first HTTP/1.1
//! | Host: app.test
//! |
//! ```
//! A line behind `| ` is bytes of the request; CRLF follows unless the line ends with `\`. Escapes: `\r \n \t \0 \s`
//! (a space, where it could be overlooked), `\xHH`, `\\`, and `\{text*3}` for three times that text. Lines that begin
//! otherwise are for people. What must never be understood as a request of its own asks for `/smuggled`.

use std::fmt;

/// One odd request, with all that follows it on its connection.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(crate) bytes: Vec<u8>,
}

/// What becomes of it, by RFC 9112 and our own rules where that leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    /// So many whole requests are passed on.
    pub(crate) passed: usize,
    pub(crate) end: End,
}

/// What comes behind those that are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing, or what is not looked at because the connection ends.
    Clean,
    /// Something that we refuse.
    Refused,
    /// A body that goes wrong slowly: the server behind us may give it up before we do.
    RefusedByEither,
    /// A request whose rest does not come.
    Unfinished,
}

impl End {
    /// Whether somebody answers it.
    pub(crate) fn is_answered(self) -> bool {
        matches!(self, Self::Refused | Self::RefusedByEither)
    }

    /// Whether the server behind us may decline what comes last before it is whole.
    pub(crate) fn may_be_declined(self) -> bool {
        matches!(self, Self::Unfinished | Self::RefusedByEither)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.end {
            End::Clean => "",
            End::Refused => ", refused",
            End::RefusedByEither => ", refused by either",
            End::Unfinished => ", unfinished",
        };
        write!(f, "passed {}{end}", self.passed)
    }
}

/// Every entry of every file.
pub(crate) fn all() -> Vec<Case> {
    FILES.iter().flat_map(|file| read(file)).collect()
}

fn read(file: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in file.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            cases.push(titled(title));
        } else if let Some(expected) = line.strip_prefix("=> ") {
            last(&mut cases).expected = read_expected(expected);
        } else if let Some(text) = line.strip_prefix('|') {
            let text = text.strip_prefix(' ').unwrap_or(text);
            append(text, &mut last(&mut cases).bytes);
        }
    }
    cases
}

fn last(cases: &mut [Case]) -> &mut Case {
    cases.last_mut().expect("an entry begins with its title")
}

fn titled(title: &str) -> Case {
    let (class, name) = title.split_once(": ").expect("a title is CLASS: name");
    Case {
        class: class.to_owned(),
        name: name.to_owned(),
        expected: Expected {
            passed: 0,
            end: End::Clean,
        },
        bytes: Vec::new(),
    }
}

fn read_expected(text: &str) -> Expected {
    let mut expected = Expected {
        passed: 0,
        end: End::Clean,
    };
    for part in text.split(", ") {
        match part.split_once(' ') {
            Some(("passed", count)) => expected.passed = count.parse().expect("a number of requests"),
            None if part == "refused" => expected.end = End::Refused,
            Some(("refused", "by either")) => expected.end = End::RefusedByEither,
            None if part == "unfinished" => expected.end = End::Unfinished,
            _ => panic!("nobody expects {part:?}"),
        }
    }
    expected
}

/// Appends what a line stands for.
fn append(line: &str, bytes: &mut Vec<u8>) {
    let rest = unescape(line, bytes);
    if rest.is_empty() {
        bytes.extend_from_slice(b"\r\n");
    }
}

/// Appends `text` with its escapes resolved; returns what is left: a backslash at the end, or nothing.
fn unescape<'a>(mut text: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    while let Some(at) = text.find('\\') {
        bytes.extend_from_slice(&text.as_bytes()[..at]);
        if at + 1 == text.len() {
            return &text[at..];
        }
        text = resolve(&text[at + 1..], bytes);
    }
    bytes.extend_from_slice(text.as_bytes());
    ""
}

/// Appends what the escape at the start of `text` stands for; returns the rest.
fn resolve<'a>(text: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let (mark, rest) = text.split_at(1);
    match mark {
        "r" => bytes.push(b'\r'),
        "n" => bytes.push(b'\n'),
        "t" => bytes.push(b'\t'),
        "s" => bytes.push(b' '),
        "0" => bytes.push(0),
        "\\" => bytes.push(b'\\'),
        "x" => {
            bytes.push(u8::from_str_radix(&rest[..2], 16).expect("two hexadecimal digits"));
            return &rest[2..];
        }
        "{" => {
            let (repeated, rest) = rest.split_once('}').expect("a closing brace");
            let (inner, count) = repeated.rsplit_once('*').expect("text*count");
            let mut once = Vec::new();
            unescape(inner, &mut once);
            bytes.extend(once.repeat(count.parse().expect("a count")));
            return rest;
        }
        other => panic!("no such escape: \\{other}"),
    }
    rest
}

const FILES: &[&str] = &[
    include_str!("corpus/length_and_coding.txt"),
    include_str!("corpus/codings.txt"),
    include_str!("corpus/lengths.txt"),
    include_str!("corpus/chunks.txt"),
    include_str!("corpus/fields.txt"),
    include_str!("corpus/request_lines.txt"),
    include_str!("corpus/targets.txt"),
    include_str!("corpus/sequences.txt"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_entry_is_its_bytes_and_nothing_else() {
        let file = "# for people\n== A.B: odd\n=> passed 2, refused\n| G\\x41\\0\\s\n|  b\\{x\\r*2}\n|\n| end\\\n\nmore";

        let [case] = &read(file)[..] else {
            panic!("one entry")
        };

        assert_eq!((case.class.as_str(), case.name.as_str()), ("A.B", "odd"));
        assert_eq!(case.expected.to_string(), "passed 2, refused");
        assert_eq!(case.bytes, b"GA\0 \r\n bx\rx\r\r\n\r\nend");
    }

    #[test]
    fn the_corpus_is_large_and_no_entry_is_there_twice() {
        let cases = all();
        let names: BTreeSet<_> = cases.iter().map(|case| (&case.class, &case.name)).collect();
        let bytes: BTreeSet<_> = cases.iter().map(|case| &case.bytes).collect();
        let classes: BTreeSet<_> = cases.iter().map(|case| case.class.as_str()).collect();

        assert!(cases.len() >= 400, "{} entries", cases.len());
        assert_eq!((names.len(), bytes.len()), (cases.len(), cases.len()));
        for class in DOCUMENTED {
            assert!(classes.contains(class), "no entry of class {class}");
        }
    }

    const DOCUMENTED: &[&str] = &[
        "CL.TE",
        "TE.CL",
        "TE.TE",
        "CL.CL",
        "CL.0",
        "0.CL",
        "TE.0",
        "TERM.EXT",
        "EXT.TERM",
        "TERM.SPILL",
        "SPILL.TERM",
    ];
}
