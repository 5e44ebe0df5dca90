//! Commands and environments with what an instance got filled in.

/// The word with each `{name}` that is known replaced, once: what is put in is not looked through again. Others stay.
pub(crate) fn filled(word: &str, known: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let found = known.iter().find(|(name, _)| is_named(rest, name));
        let (length, value) = found.map_or((1, "{"), |(name, value)| (name.len() + 2, *value));
        out.push_str(value);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn is_named(text: &str, name: &str) -> bool {
    let inside = text.strip_prefix('{').and_then(|text| text.strip_prefix(name));
    inside.is_some_and(|text| text.starts_with('}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_filled_in_once_and_the_rest_stays() {
        let known = [("port", "8100"), ("id", "{port}")];
        assert_eq!(filled("--port={port}", &known), "--port=8100");
        assert_eq!(filled("{id}{port}", &known), "{port}8100");
        assert_eq!(
            filled("{ports} {{port}} {por {}", &known),
            "{ports} {8100} {por {}"
        );
        assert_eq!(filled("plain", &known), "plain");
    }
}
