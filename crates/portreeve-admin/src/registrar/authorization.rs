//! `Authorization: Bearer …` (RFC 6750 section 2.1).

/// What is shown, if the scheme is `Bearer` (in any case, RFC 9110 section 11.1) and something is.
pub(crate) fn bearer(field: &str) -> Option<&str> {
    let (scheme, shown) = field.trim().split_once(' ')?;
    let shown = shown.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_shows_something() {
        assert_eq!(bearer("Bearer a"), Some("a"));
        assert_eq!(bearer("bearer  a "), Some("a"));
        for wrong in ["", "Bearer", "Bearer ", "Basic a", "a", "Bearera"] {
            assert_eq!(bearer(wrong), None, "{wrong}");
        }
    }
}
