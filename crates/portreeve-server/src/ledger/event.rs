//! What happens to registrations, as the ledger tells it.

use std::time::{Duration, UNIX_EPOCH};

use portreeve_model::Event;
use serde_json::json;

/// One JSON object, without a line feed.
pub(crate) fn line(event: &Event) -> Vec<u8> {
    let policies: Vec<&str> = event
        .policies
        .iter()
        .map(portreeve_model::Policy::as_str)
        .collect();
    let at = UNIX_EPOCH + Duration::from_millis(event.unix_ms);
    let object = json!({
        "at": portreeve_proxy::rfc3339(at),
        "event": event.kind.code(),
        "sequence": event.sequence,
        "pool": &*event.key.pool,
        "backend": &*event.key.id,
        "backend_address": event.address.to_string(),
        "policies": policies,
        "reason": event.reason,
    });
    object.to_string().into_bytes()
}
