//! When the authority itself would have a certificate renewed (ARI, RFC 9773).

use std::time::{Duration, SystemTime};

use instant_acme::{Account, CertificateIdentifier};
use rustls::pki_types::CertificateDer;

/// What the authority said, and when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// A moment of the window that it named, chosen by chance.
    pub(crate) renewal: Option<SystemTime>,
    pub(crate) ask_again: Duration,
}

/// Asks about this certificate. Where the authority does not say, what we think ourselves counts.
pub(crate) async fn ask(account: &Account, certificate: &CertificateDer<'_>, dice: f64) -> Suggestion {
    let silent = Suggestion {
        renewal: None,
        ask_again: ASK_MOST,
    };
    let Ok(id) = CertificateIdentifier::try_from(certificate) else {
        return silent;
    };
    match account.renewal_info(&id).await {
        Ok((info, ask_again)) => {
            let window = info.suggested_window;
            Suggestion {
                renewal: Some(within(window.start.into(), window.end.into(), dice)),
                ask_again: ask_again.clamp(ASK_LEAST, ASK_MOST),
            }
        }
        Err(instant_acme::Error::Unsupported(_)) => silent,
        Err(error) => {
            tracing::debug!(%error, "the authority does not say when it would renew");
            Suggestion {
                ask_again: ASK_LEAST,
                ..silent
            }
        }
    }
}

fn within(start: SystemTime, end: SystemTime, dice: f64) -> SystemTime {
    start + end.duration_since(start).unwrap_or_default().mul_f64(dice)
}

const ASK_LEAST: Duration = Duration::from_secs(3_600);
const ASK_MOST: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn any_moment_of_the_window_is_as_good() {
        let (start, hour) = (UNIX_EPOCH + ASK_MOST, ASK_LEAST);

        assert_eq!(within(start, start + 2 * hour, 0.0), start);
        assert_eq!(within(start, start + 2 * hour, 0.5), start + hour);
        assert_eq!(
            within(start, start - hour, 0.5),
            start,
            "a window the wrong way round"
        );
    }
}
