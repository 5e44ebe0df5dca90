//! What the ledger is told of one request: who was asked for, who could have served, who did.

use std::io::Write as _;
use std::time::SystemTime;

use portreeve_model::{Group, Policies};

use super::Record;
use super::text::{ended_by, shown, text};
use crate::date::Rfc3339;

/// What of a request's demand is remembered for the ledger.
pub(super) struct Entry {
    pub(super) is_required: bool,
    policies: Policies,
    candidates: usize,
}

impl Entry {
    /// `None`: the demand could not be met, whoever is there.
    pub(super) fn new(is_required: bool, group: Option<&Group>) -> Self {
        Self {
            is_required,
            policies: group.map(|group| group.policies().clone()).unwrap_or_default(),
            candidates: group.map_or(0, Group::candidates),
        }
    }

    /// One JSON object, without a line feed. Writing to memory cannot fail.
    pub(super) fn write(&self, record: &Record<'_>, at: SystemTime, out: &mut Vec<u8>) {
        let (time, id) = (Rfc3339(at), record.worker.next_id());
        let _ = write!(out, "{{\"at\":\"{time}\",\"id\":\"{id:016x}\"");
        text(out, "listener", record.listener.name.as_bytes());
        if let Some(route) = record.route {
            text(out, "route", route.name.as_bytes());
        }
        if let Some(pool) = record.pool() {
            text(out, "pool", pool.name.as_bytes());
        }
        self.write_policies(out);
        let _ = write!(
            out,
            ",\"snapshot\":{},\"candidates\":{}",
            record.listener.sequence, self.candidates
        );
        if let Some(backend) = &record.backend {
            out.extend_from_slice(b",\"backend\":\"");
            super::text::escape_text(out, &backend.label);
            out.push(b'"');
            shown(out, "backend_address", &backend.address);
        }
        let _ = write!(
            out,
            ",\"attempts\":{},\"status\":{},\"outcome\":\"{}\"",
            record.attempts,
            record.status,
            ended_by(record.ended_by())
        );
        if let Some(cause) = record.cause {
            text(out, "cause", cause.code().as_bytes());
        }
        out.push(b'}');
    }

    fn write_policies(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"policies\":[");
        for (place, policy) in self.policies.iter().enumerate() {
            out.extend_from_slice(if place > 0 { b",\"" } else { b"\"" });
            super::text::escape_text(out, policy.as_str());
            out.push(b'"');
        }
        out.push(b']');
    }
}
