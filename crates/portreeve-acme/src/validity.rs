//! How long a certificate holds, and when it is to be renewed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

impl Validity {
    /// Of this certificate; `None` if it is none.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let validity = parsed.validity();
        Some(Self {
            not_before: at(validity.not_before.timestamp()),
            not_after: at(validity.not_after.timestamp()),
        })
    }

    /// When so many percent of its life are left, and up to a twentieth of its life earlier by chance (`dice`, at least 0
    /// and less than 1), so that many certificates of one day are not renewed in one moment.
    pub(crate) fn renewal(&self, renew_at: u8, dice: f64) -> SystemTime {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        let left = life.mul_f64(f64::from(renew_at) / 100.0);
        let early = life.mul_f64(JITTER * dice);
        (self.not_after - (left + early).min(life)).max(self.not_before)
    }
}

/// Seconds since 1970; what is before that is as good as 1970.
fn at(unix: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(unix).unwrap_or_default())
}

const JITTER: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    fn of_90_days() -> Validity {
        let not_before = UNIX_EPOCH + 1_000 * DAY;
        Validity {
            not_before,
            not_after: not_before + 90 * DAY,
        }
    }

    #[test]
    fn a_third_of_the_life_is_left_when_it_is_renewed() {
        let validity = of_90_days();

        let left = validity
            .not_after
            .duration_since(validity.renewal(33, 0.0))
            .unwrap();

        assert_eq!(left.as_secs() / DAY.as_secs(), 29);
    }

    #[test]
    fn chance_makes_it_earlier_and_never_later() {
        let validity = of_90_days();
        let latest = validity.renewal(33, 0.0);

        let earliest = validity.renewal(33, 0.999_999);

        let between = latest.duration_since(earliest).unwrap();
        assert!((4 * DAY..5 * DAY).contains(&between), "{between:?}");
    }

    #[test]
    fn it_is_never_due_before_it_holds() {
        let validity = of_90_days();

        assert!(validity.renewal(90, 0.999) >= validity.not_before);
        assert!(validity.renewal(100, 0.999) >= validity.not_before);
    }

    #[test]
    fn dates_are_read_from_the_certificate() {
        let mut params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 8);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();

        let validity = Validity::of(certificate.der()).unwrap();

        let life = validity.not_after.duration_since(validity.not_before).unwrap();
        assert_eq!(life, 7 * DAY);
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        assert_eq!(Validity::of(&CertificateDer::from(vec![1, 2, 3])), None);
    }
}
