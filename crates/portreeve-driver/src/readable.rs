//! What others wrote, as people may read it.

/// A line without what a terminal or another reader of the log would obey: control characters, but for tabs, are spelt
/// out.
#[must_use]
pub fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    if !text.chars().any(is_obeyed) {
        return text.to_owned();
    }
    let shown = |letter: char| match is_obeyed(letter) {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

fn is_obeyed(letter: char) -> bool {
    letter.is_control() && letter != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_spelt_out() {
        assert_eq!(readable(b"a\x1b[31m\tb\0\r"), "a\\u{1b}[31m\tb\\u{0}");
        assert_eq!(readable(b"\xff ok"), "\u{fffd} ok");
    }
}
