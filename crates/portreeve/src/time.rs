//! Stretches of time as they are typed.

use std::time::Duration;

/// Reads `30s`, `250ms`, `24h`; for clap.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    portreeve_api::duration(text).ok_or_else(|| {
        "allowed is a whole number with one of the units ms, s, m, h, d, such as 30s".to_owned()
    })
}
