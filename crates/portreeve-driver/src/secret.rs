//! What must not be seen in a log.

use std::fmt;

/// A text that its debug form does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_debug_form_says_nothing() {
        let secret = Secret::new("ptv_1_abc");
        assert_eq!(format!("{secret:?}"), "…");
        assert_eq!(secret.reveal(), "ptv_1_abc");
    }
}
