//! `packets` of a listener.

use portreeve_model::plan::PacketPlan;

use super::said::{Said, bytes, time};
use crate::place::quoted;

/// The pool, or a table with it and the limits that are not as by default.
pub(super) fn packets(plan: &PacketPlan) -> String {
    let plain = PacketPlan::new(plan.pool.clone());
    if *plan == plain {
        return quoted(&plan.pool);
    }
    let mut said = Said::default();
    said.value("pool", quoted(&plan.pool));
    said.unless(
        "payload_bytes_max",
        plan.payload_bytes_max,
        plain.payload_bytes_max,
        bytes,
    );
    said.unless(
        "packet_bytes_max",
        plan.packet_bytes_max,
        plain.packet_bytes_max,
        bytes,
    );
    said.unless("idle_timeout", plan.idle_timeout, plain.idle_timeout, time);
    said.on("close_after_answer", plan.closes_after_answer);
    said.on("keep_alive", plan.keep_alive);
    said.table()
}
