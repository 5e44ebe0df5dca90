//! How long certificates are good for.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::sheet::Sheet;
use crate::CertificateFigures;

pub(super) fn write(sheet: &mut Sheet<'_>, all: &[CertificateFigures], now: SystemTime) -> fmt::Result {
    sheet.gauges(
        "portreeve_certificate_expires_seconds",
        "Until a certificate that a listener shows expires, by the first of its hosts; below zero since then.",
        soonest(all, now)
            .into_iter()
            .map(|((listener, name, key), left)| ([("listener", listener), ("name", name), ("key", key)], left)),
    )
}

/// Of several of a listener with one name and kind of key, the one that expires first: a line may stand there once.
fn soonest(all: &[CertificateFigures], now: SystemTime) -> BTreeMap<(&str, &str, &str), i64> {
    let mut soonest = BTreeMap::new();
    for one in all {
        let left = one.expires_in_s(now);
        let known = soonest
            .entry((&*one.listener, one.name(), one.key))
            .or_insert(left);
        *known = left.min(*known);
    }
    soonest
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn one(name: &str, key: &'static str, not_after: SystemTime) -> CertificateFigures {
        CertificateFigures {
            listener: "web".to_owned(),
            hosts: vec![name.to_owned(), "other.test".to_owned()],
            issuer: String::new(),
            serial: String::new(),
            key,
            file: None,
            not_before: SystemTime::UNIX_EPOCH,
            not_after,
        }
    }

    #[test]
    fn each_has_one_line_and_of_two_alike_the_soonest() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let day = Duration::from_secs(86_400);
        let all = [
            one("a.test", "ecdsa", now + 2 * day),
            one("a.test", "ecdsa", now + day),
            one("a.test", "rsa", now - day),
        ];
        let found: Vec<_> = soonest(&all, now).into_iter().collect();
        assert_eq!(
            found,
            [
                (("web", "a.test", "ecdsa"), 86_400),
                (("web", "a.test", "rsa"), -86_400)
            ]
        );
    }
}
