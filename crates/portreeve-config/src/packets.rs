//! `packets` of `[listener.NAME]`.

use std::time::Duration;

use portreeve_model::plan::PacketPlan;

use crate::item::Item;
use crate::known::Known;
use crate::quantity::{bytes, time};
use crate::section::Section;
use crate::size;
use crate::word::Complaint;

/// The pool whose backends serve them, or a table with it and with limits.
pub(crate) fn read(item: &Item<'_>, known: &Known) -> Option<PacketPlan> {
    if !item.is_table() {
        return known.pool(item).map(PacketPlan::new);
    }
    let mut section = item.section(Complaint::new(""));
    let pool = section
        .need("pool", &known.pools_allowed())
        .and_then(|item| known.pool(&item));
    let mut plan = PacketPlan::new(pool.clone().unwrap_or_default());
    limits(&mut section, &mut plan);
    section.finish(&[]);
    pool.is_some().then_some(plan)
}

fn limits(section: &mut Section<'_>, plan: &mut PacketPlan) {
    section.quantity(
        "payload_bytes_max",
        &bytes(1..=PACKET_BYTES_MAX),
        &mut plan.payload_bytes_max,
    );
    section.quantity(
        "packet_bytes_max",
        &bytes(1 << 10..=PACKET_BYTES_MAX),
        &mut plan.packet_bytes_max,
    );
    section.quantity("idle_timeout", &time(MS..=DAY), &mut plan.idle_timeout);
    section.switch("close_after_answer", &mut plan.closes_after_answer);
    section.switch("keep_alive", &mut plan.keep_alive);
    if plan.payload_bytes_max > plan.packet_bytes_max {
        let most = size::show(plan.packet_bytes_max.into());
        section.findings.add(
            &section.place_of("payload_bytes_max"),
            size::show(plan.payload_bytes_max.into()),
            Complaint::new(format!("at most packet_bytes_max, which is {most}")),
        );
    }
}

/// A packet is read whole into one buffer.
const PACKET_BYTES_MAX: u32 = 64 << 10;
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);
