//! What is known of one name.

use std::time::{Duration, SystemTime};

use instant_acme::CertificateIdentifier;
use rustls::pki_types::CertificateDer;

use crate::AcmeFault;
use crate::figures::Name;
use crate::names::Proof;
use crate::pace::{Pace, dice};
use crate::renewal::Suggestion;
use crate::validity::Validity;

/// One name: its certificate, and when the next one is due.
#[derive(Debug)]
pub(super) struct Record {
    /// The best first; at least one.
    pub(super) proofs: Vec<Proof>,
    pub(super) is_ordering: bool,
    /// In a row.
    pub(super) failures: u32,
    pub(super) fault: Option<String>,
    held: Option<Held>,
    due: SystemTime,
}

/// A certificate that is in use.
#[derive(Debug)]
struct Held {
    leaf: CertificateDer<'static>,
    validity: Validity,
    /// When the authority is asked when it would renew; `None`: it is being asked.
    ask: Option<SystemTime>,
    /// Whether the authority told when it would renew: then it wants to know what is replaced.
    is_told: bool,
}

impl Record {
    /// Without a certificate: one is due.
    pub(super) fn new(proofs: &[Proof]) -> Self {
        Self {
            proofs: proofs.to_vec(),
            is_ordering: false,
            failures: 0,
            fault: None,
            held: None,
            due: SystemTime::UNIX_EPOCH,
        }
    }

    /// What worked last stays first, as long as it is among them.
    pub(super) fn prove_by(&mut self, proofs: &[Proof]) {
        let mut now = proofs.to_vec();
        let best = self.proofs.first().copied();
        now.sort_by_key(|proof| Some(*proof) != best);
        self.proofs = now;
    }

    /// The name was proved so.
    pub(super) fn proved_by(&mut self, proof: Option<Proof>) {
        if let Some(best) = proof {
            self.proofs.sort_by_key(|one| *one != best);
        }
    }

    /// This certificate is in use now.
    pub(super) fn holds(&mut self, leaf: &CertificateDer<'static>, renew_at: u8) {
        self.is_ordering = false;
        self.failures = 0;
        self.fault = None;
        let Some(validity) = Validity::of(leaf) else {
            return;
        };
        self.due = validity.renewal(renew_at, dice());
        self.held = Some(Held {
            leaf: leaf.clone(),
            validity,
            ask: Some(SystemTime::UNIX_EPOCH),
            is_told: false,
        });
    }

    /// An order brought none; how long to wait until the next.
    pub(super) fn failed(&mut self, fault: &AcmeFault, pace: &Pace, dice: f64) -> Duration {
        self.is_ordering = false;
        self.failures = self.failures.saturating_add(1);
        self.fault = Some(fault.to_string());
        let wait = pace.after(self.failures, dice);
        self.due = SystemTime::now() + wait;
        wait
    }

    /// When something is to be ordered; `None`: it is on order.
    pub(super) fn due(&self) -> Option<SystemTime> {
        (!self.is_ordering).then_some(self.due)
    }

    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Whether there is something to ask the authority.
    pub(super) fn needs_account(&self, now: SystemTime) -> bool {
        let ask = self.held.as_ref().and_then(|held| held.ask);
        self.is_due(now) || ask.is_some_and(|ask| ask <= now)
    }

    /// The certificate that the authority is to be asked about, if that is due and no order is about to replace it.
    pub(super) fn begin_asking(&mut self, now: SystemTime) -> Option<CertificateDer<'static>> {
        let is_free = !self.is_ordering && !self.is_due(now);
        let held = self.held.as_mut().filter(|_| is_free)?;
        if held.ask.is_none_or(|ask| ask > now) {
            return None;
        }
        held.ask = None;
        Some(held.leaf.clone())
    }

    /// What the authority says counts, unless an order failed since: then the wait does.
    pub(super) fn suggested(&mut self, suggestion: Suggestion) {
        let Some(held) = &mut self.held else { return };
        held.ask = Some(SystemTime::now() + suggestion.ask_again);
        if let Some(renewal) = suggestion.renewal {
            held.is_told = true;
            if self.failures == 0 {
                self.due = renewal.min(held.validity.not_after);
            }
        }
    }

    /// What an order names as replaced.
    pub(super) fn replaced(&self) -> Option<CertificateIdentifier<'static>> {
        let held = self.held.as_ref().filter(|held| held.is_told)?;
        CertificateIdentifier::try_from(&held.leaf)
            .ok()
            .map(CertificateIdentifier::into_owned)
    }

    pub(super) fn has_certificate(&self) -> bool {
        self.held.is_some()
    }

    pub(super) fn days_left(&self, now: SystemTime) -> u64 {
        let held = self.held.as_ref();
        let left = held.and_then(|held| held.validity.not_after.duration_since(now).ok());
        left.unwrap_or_default().as_secs() / (24 * 3_600)
    }

    pub(super) fn figures(&self) -> Name {
        Name {
            not_after: self.held.as_ref().map(|held| held.validity.not_after),
            next: self.due,
            failures: self.failures,
            fault: self.fault.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        made.cert.der().clone()
    }

    fn holding() -> Record {
        let mut record = Record::new(&[Proof::TlsAlpn01, Proof::Http01]);
        record.holds(&certificate(), 33);
        record
    }

    fn fault() -> AcmeFault {
        AcmeFault::Late { seconds: 1 }
    }

    #[test]
    fn a_name_without_a_certificate_is_due_at_once_and_only_once() {
        let mut record = Record::new(&[Proof::Http01]);
        let now = SystemTime::now();
        assert!(record.is_due(now));

        record.is_ordering = true;

        assert!(!record.is_due(now));
    }

    #[test]
    fn a_failed_renewal_keeps_the_certificate_and_waits() {
        let mut record = holding();
        let wait = record.failed(&fault(), &Pace::default(), 0.5);

        assert_eq!(wait, Pace::default().first);
        assert!(record.has_certificate() && !record.is_due(SystemTime::now()));
        assert!(record.is_due(SystemTime::now() + wait));
    }

    #[test]
    fn the_authoritys_wish_does_not_shorten_the_wait_after_a_failure() {
        let mut record = holding();
        record.failed(&fault(), &Pace::default(), 0.5);

        record.suggested(Suggestion {
            renewal: Some(SystemTime::UNIX_EPOCH),
            ask_again: Duration::from_secs(3_600),
        });

        assert!(!record.is_due(SystemTime::now()));
    }

    #[test]
    fn a_revoked_certificate_is_renewed_when_the_authority_says_so() {
        let mut record = holding();
        assert!(!record.is_due(SystemTime::now()));

        record.suggested(Suggestion {
            renewal: Some(SystemTime::UNIX_EPOCH),
            ask_again: Duration::from_secs(3_600),
        });

        assert!(record.is_due(SystemTime::now()));
    }

    #[test]
    fn the_authority_is_asked_again_only_when_it_is_time() {
        let mut record = holding();
        let now = SystemTime::now();
        assert!(record.begin_asking(now).is_some());
        assert!(record.begin_asking(now).is_none(), "it is being asked");

        record.suggested(Suggestion {
            renewal: None,
            ask_again: Duration::from_secs(3_600),
        });

        assert!(record.begin_asking(now).is_none());
        assert!(record.begin_asking(now + Duration::from_secs(3_700)).is_some());
    }

    #[test]
    fn what_proved_the_name_last_is_tried_first_next_time() {
        let mut record = holding();
        record.proved_by(Some(Proof::Http01));

        record.prove_by(&[Proof::TlsAlpn01, Proof::Http01]);

        assert_eq!(record.proofs, [Proof::Http01, Proof::TlsAlpn01]);
    }
}
