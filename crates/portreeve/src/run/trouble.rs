//! Troubles as they are told.

use crate::caller::CallError;
use crate::talk::say;

/// A trouble that lasts is told once, and once when it is over.
#[derive(Debug, Default)]
pub(super) struct Trouble(Option<String>);

impl Trouble {
    pub(super) fn is(&mut self, error: &CallError) {
        let what = error.to_string();
        if self.0.as_ref() != Some(&what) {
            say(format_args!("{what}; trying again and again"));
            self.0 = Some(what);
        }
    }

    pub(super) fn is_over(&mut self) {
        if self.0.take().is_some() {
            say("the proxy answers again");
        }
    }
}
