//! `[listener.NAME.limits]` and `[pool.NAME.limits]`.

use std::time::Duration;

use portreeve_model::plan::{BackendLimits, ClientLimits};

use crate::quantity::{bytes, count, time};
use crate::section::Section;
use crate::size;

/// What clients may use up, and the keys of the section.
pub(crate) fn client(mut section: Section<'_>) -> (ClientLimits, Vec<&'static str>) {
    let mut limits = ClientLimits::default();
    heads(&mut section, &mut limits);
    section.quantity(
        "keep_alive_timeout",
        &time(MS..=DAY),
        &mut limits.keep_alive_timeout,
    );
    section.quantity(
        "body_idle_timeout",
        &time(MS..=DAY),
        &mut limits.body_idle_timeout,
    );
    section.quantity_or_off("rate_min", &bytes(1..=1 << 30), &mut limits.rate_min);
    section.quantity_or_off(
        "body_bytes_max",
        &bytes(0..=BODY_BYTES_MAX),
        &mut limits.body_bytes_max,
    );
    connections(&mut section, &mut limits);
    section.quantity("full_wait", &time(Duration::ZERO..=MINUTE), &mut limits.full_wait);
    section.quantity_or_off(
        "requests_per_connection_max",
        &count(1..=1_000_000_000),
        &mut limits.requests_per_connection_max,
    );
    section.quantity(
        "tunnel_idle_timeout",
        &time(MS..=DAY * 30),
        &mut limits.tunnel_idle_timeout,
    );
    (limits, section.finish(&[]))
}

/// How long backends may take and how connections to them are kept, and the keys of the section.
pub(crate) fn backend(mut section: Section<'_>) -> (BackendLimits, Vec<&'static str>) {
    let mut limits = BackendLimits::default();
    times(&mut section, &mut limits);
    section.quantity("head_bytes_max", &bytes(HEAD_BYTES), &mut limits.head_bytes_max);
    section.quantity("fields_max", &count(FIELDS), &mut limits.fields_max);
    section.quantity("attempts_max", &count(1..=8), &mut limits.attempts_max);
    section.switch("keep_alive", &mut limits.keep_alive);
    section.quantity(
        "keep_alive_timeout",
        &time(MS..=DAY),
        &mut limits.keep_alive_timeout,
    );
    section.quantity(
        "idle_connections_max",
        &count(0..=100_000),
        &mut limits.idle_connections_max,
    );
    (limits, section.finish(&[]))
}

fn heads(section: &mut Section<'_>, limits: &mut ClientLimits) {
    section.quantity("head_bytes_max", &bytes(HEAD_BYTES), &mut limits.head_bytes_max);
    section.quantity("fields_max", &count(FIELDS), &mut limits.fields_max);
    limits.target_bytes_max = limits.target_bytes_max.min(limits.head_bytes_max);
    section.quantity(
        "target_bytes_max",
        &bytes(64..=60 << 10),
        &mut limits.target_bytes_max,
    );
    section.quantity("head_timeout", &time(MS..=HOUR), &mut limits.head_timeout);
    if limits.target_bytes_max > limits.head_bytes_max {
        let allowed = format!(
            "at most head_bytes_max, which is {}",
            size::show(limits.head_bytes_max.into())
        );
        section.misfit(
            "target_bytes_max",
            size::show(limits.target_bytes_max.into()),
            allowed,
        );
    }
}

fn connections(section: &mut Section<'_>, limits: &mut ClientLimits) {
    section.quantity(
        "connections_max",
        &count(1..=1_000_000),
        &mut limits.connections_max,
    );
    let default = limits.connections_per_client_max;
    section.quantity_or_off(
        "connections_per_client_max",
        &count(1..=1_000_000),
        &mut limits.connections_per_client_max,
    );
    let per_client = limits.connections_per_client_max;
    if let Some(per_client) =
        per_client.filter(|count| *count > limits.connections_max && per_client != default)
    {
        let allowed = format!(
            "at most connections_max, which is {}, or \"off\"",
            limits.connections_max
        );
        section.misfit("connections_per_client_max", per_client.to_string(), allowed);
    }
}

fn times(section: &mut Section<'_>, limits: &mut BackendLimits) {
    section.quantity(
        "connect_timeout",
        &time(MS..=MINUTE * 5),
        &mut limits.connect_timeout,
    );
    section.quantity(
        "first_byte_timeout",
        &time(MS..=DAY),
        &mut limits.first_byte_timeout,
    );
    section.quantity("idle_timeout", &time(MS..=DAY), &mut limits.idle_timeout);
    section.quantity_or_off("total_timeout", &time(MS..=DAY * 7), &mut limits.total_timeout);
    let Some(total) = limits.total_timeout else { return };
    let parts = [
        ("connect_timeout", limits.connect_timeout),
        ("first_byte_timeout", limits.first_byte_timeout),
        ("idle_timeout", limits.idle_timeout),
    ];
    for (key, part) in parts {
        section.time_within(key, part, "total_timeout", total);
    }
}

/// A head must fit into one buffer, with room for what we add.
const HEAD_BYTES: std::ops::RangeInclusive<u32> = 1 << 10..=60 << 10;
const FIELDS: std::ops::RangeInclusive<u16> = 1..=10_000;
const BODY_BYTES_MAX: u64 = 1 << 50;
const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
