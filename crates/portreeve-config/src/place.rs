//! Where something stands: its line and its whole key.

/// Where something stands in a file, or which flag it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// From 1; 0 for flags.
    pub(crate) line: usize,
    /// `listener.web.bind`, or `--listen`.
    pub(crate) key: String,
}

impl Place {
    /// The place of a flag.
    pub(crate) fn flag(name: &str) -> Self {
        Self {
            line: 0,
            key: name.to_owned(),
        }
    }

    /// A key below this one.
    pub(crate) fn child(&self, key: &str, line: usize) -> Self {
        let key = match self.key.as_str() {
            "" => written(key),
            above => format!("{above}.{}", written(key)),
        };
        Self { line, key }
    }

    /// The element with this index, from 0, of the list that stands here.
    pub(crate) fn element(&self, index: usize, line: usize) -> Self {
        Self {
            line,
            key: format!("{}[{index}]", self.key),
        }
    }
}

/// A key as TOML writes it: in quotes if it must be.
pub(crate) fn written(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

/// A text as a basic string of TOML.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
