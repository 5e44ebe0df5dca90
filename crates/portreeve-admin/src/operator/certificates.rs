//! Which certificates are shown, and how long they are good for.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use portreeve_api::{CertificateList, CertificateState, rfc3339};

use super::Desk;
use super::answer::Answered;
use crate::CertificateFigures;

pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Answered<CertificateList> {
    let now = SystemTime::now();
    let mut shown = desk.happened.certificates();
    shown.sort_by(|one, other| one.listener.cmp(&other.listener)); // stable: otherwise in the listener's order
    let certificates = shown.into_iter().map(|one| state(one, now)).collect();
    Ok(CertificateList { certificates }).into()
}

fn state(one: CertificateFigures, now: SystemTime) -> CertificateState {
    CertificateState {
        expires_in_s: one.expires_in_s(now),
        listener: one.listener,
        hosts: one.hosts,
        issuer: one.issuer,
        serial: one.serial,
        key: one.key.to_owned(),
        source: if one.file.is_some() { "file" } else { "acme" }.to_owned(),
        file: one.file.map(|file| file.display().to_string()),
        not_before: written(one.not_before),
        not_after: written(one.not_after),
    }
}

fn written(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    rfc3339(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
