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

    /// The text without this secret, wherever it stands in it.
    pub(crate) fn hidden_in(&self, text: String) -> String {
        match self.0.len() < LENGTH_MIN || !text.contains(&self.0) {
            true => text,
            false => text.replace(&self.0, "…"),
        }
    }
}

/// What is shorter hides nothing, and would be found everywhere.
const LENGTH_MIN: usize = 4;

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

    #[test]
    fn it_is_hidden_in_what_others_wrote() {
        let secret = Secret::new("ptv_1_abc");
        let text = "token=ptv_1_abc, again ptv_1_abc";
        assert_eq!(secret.hidden_in(text.into()), "token=…, again …");
        assert_eq!(Secret::new("").hidden_in(text.into()), text);
    }
}
