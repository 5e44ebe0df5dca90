//! How what was found is shown: quoted, short, without control characters.

use serde_json::Value;

/// A JSON value: scalars as they are, texts cut to a bound, the rest by its kind.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Null => "null (leave the field out instead)".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => cut(&number.to_string()),
        Value::String(words) => text(words),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A text in quotes.
pub(crate) fn text(words: &str) -> String {
    format!("\"{}\"", cut(words))
}

/// At most [`CHARS_MAX`] characters of it, escaped where they would not print.
pub(crate) fn cut(words: &str) -> String {
    let mut shown = String::new();
    for (place, letter) in words.chars().enumerate() {
        if place == CHARS_MAX {
            shown.push('…');
            break;
        }
        shown.extend(letter.escape_debug());
    }
    shown
}

const CHARS_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_prints() {
        let shown = text(&"\u{1b}\n".repeat(1_000));
        assert!(shown.len() < 600, "{shown}");
        assert!(!shown.contains(char::is_control), "{shown}");
        assert_eq!(text("soon"), "\"soon\"");
    }
}
