//! What should be looked at, and when that was said last.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, SystemTime};

use portreeve_model::plan::CertificatePlan;

use super::kept::Kept;
use crate::certificate::{Certificate, CertificateFacts, CertificateSource};
use crate::fault::{Place, TlsWarning, Warning};
use crate::names::shown_by;

/// What was said, and when: each thing is said once a day.
#[derive(Debug, Default)]
pub(super) struct Told {
    said: HashMap<(Place, &'static str, String), SystemTime>,
    looked: Option<SystemTime>,
}

impl Told {
    /// Something has changed: the next look is due.
    pub(super) fn look_soon(&mut self) {
        self.looked = None;
    }

    /// Whether to look; once a minute is enough for dates.
    pub(super) fn is_time(&mut self, now: SystemTime) -> bool {
        let is_time = self
            .looked
            .is_none_or(|looked| has_passed(looked, LOOK_EVERY, now));
        if is_time {
            self.looked = Some(now);
        }
        is_time
    }

    /// Those that were not said for a day, which are now.
    pub(super) fn due(&mut self, found: Vec<TlsWarning>, now: SystemTime) -> Vec<TlsWarning> {
        self.said.retain(|_, said| !has_passed(*said, SAY_EVERY, now));
        let mut is_due = |warning: &TlsWarning| match self.said.entry(subject(warning)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(now);
                true
            }
        };
        found.into_iter().filter(|warning| is_due(warning)).collect()
    }
}

fn subject(warning: &TlsWarning) -> (Place, &'static str, String) {
    let (kind, whose) = match &warning.warning {
        Warning::Expired { origin, .. } => ("expired", origin.clone()),
        Warning::NotYetValid { origin, .. } => ("not yet valid", origin.clone()),
        Warning::ExpiresSoon { origin, .. } => ("expires soon", origin.clone()),
        Warning::NoNames { file } => ("no names", file.display().to_string()),
        Warning::KeyReadable { file, .. } => ("readable", file.display().to_string()),
        Warning::Insecure => ("insecure", String::new()),
    };
    (warning.place.clone(), kind, whose)
}

impl Warning {
    pub(super) fn at(self, place: &Place) -> TlsWarning {
        TlsWarning {
            place: place.clone(),
            warning: self,
        }
    }
}

/// What should be looked at in these files.
pub(super) fn of_files(kept: &Kept<CertificatePlan>, now: SystemTime) -> impl Iterator<Item = Warning> {
    let key = kept.seen().iter().find(|seen| seen.path() == kept.source.key);
    let open = key.and_then(|seen| Some((seen.path().to_owned(), seen.open_mode()?)));
    let readable = open.map(|(file, mode)| Warning::KeyReadable { file, mode });
    readable.into_iter().chain(of_certificate(&kept.value, now))
}

/// What should be looked at in a certificate that clients look for their host in.
pub(super) fn of_names(kept: &Kept<CertificatePlan>) -> Option<Warning> {
    let leaf = kept.value.key.cert.first()?;
    shown_by(leaf).names.is_empty().then(|| Warning::NoNames {
        file: kept.source.certificate.clone(),
    })
}

/// What should be looked at in its dates.
pub(super) fn of_certificate(certificate: &Certificate, now: SystemTime) -> Option<Warning> {
    let facts = &certificate.facts;
    let (names, origin) = (names(facts), origin(facts));
    if facts.not_before > now {
        return Some(Warning::NotYetValid { names, origin });
    }
    match facts.not_after.duration_since(now) {
        Err(past) => Some(Warning::Expired {
            names,
            origin,
            days: days(past.duration()),
        }),
        Ok(left) if left < soon(facts) => Some(Warning::ExpiresSoon {
            names,
            origin,
            days: days(left),
        }),
        Ok(_) => None,
    }
}

/// 14 days; for certificates that live shorter than 42, a third of their life.
fn soon(facts: &CertificateFacts) -> Duration {
    let life = facts
        .not_after
        .duration_since(facts.not_before)
        .unwrap_or_default();
    SOON.min(life / 3)
}

fn names(facts: &CertificateFacts) -> String {
    facts.hosts.first().map_or_else(
        || "nobody".to_owned(),
        |host| match facts.hosts.len() {
            1 => host.to_string(),
            several => format!("{host} and {} more", several - 1),
        },
    )
}

fn origin(facts: &CertificateFacts) -> String {
    match &facts.source {
        CertificateSource::File(file) => file.display().to_string(),
        CertificateSource::Managed(_) => "ACME".to_owned(),
    }
}

fn has_passed(since: SystemTime, time: Duration, now: SystemTime) -> bool {
    now.duration_since(since).is_ok_and(|passed| passed >= time)
}

fn days(time: Duration) -> u64 {
    time.as_secs() / (24 * 3_600)
}

const LOOK_EVERY: Duration = Duration::from_secs(60);
const SAY_EVERY: Duration = Duration::from_secs(24 * 3_600);
const SOON: Duration = Duration::from_secs(14 * 24 * 3_600);
