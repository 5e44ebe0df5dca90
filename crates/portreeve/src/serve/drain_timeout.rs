//! `--drain-timeout`, by the grammar and bounds of the file's key `drain_timeout`.

use std::time::Duration;

use crate::failure::Failure;

/// Reads it as a file that says nothing else of note.
pub(super) fn parse(text: &str) -> Result<Duration, Failure> {
    let quotable = text.escape_default().to_string().replace('\'', "\u{2019}"); // a TOML literal ends at the first '
    let document = format!("drain_timeout = '{quotable}'\n[pool.app]\nbackends = ['127.0.0.1:1']\n");
    match portreeve_config::parse(&document) {
        Ok(config) => Ok(config.drain_timeout),
        Err(faults) => {
            let faults = faults
                .iter()
                .map(|fault| format!("--{fault}").replacen('_', "-", 1));
            Err(Failure::usage(faults.collect::<Vec<_>>().join("\n")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_in_the_file() {
        assert_eq!(parse("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(parse("0s").unwrap(), Duration::ZERO);
    }

    #[test]
    fn nonsense_is_refused_whatever_its_characters() {
        for text in ["", "soon", "10", "'", "1s'\nthreads = 1 #", "\\", "\0"] {
            let failure = format!("{:?}", parse(text).unwrap_err());
            assert!(failure.contains("--drain-timeout: found"), "{failure}");
        }
    }
}
