//! The limits that are not as by default.

use portreeve_model::plan::{BackendLimits, ClientLimits};

use super::Text;
use super::said::{Said, bytes, number, or_off, time};

/// `[listener.NAME.limits]`, if there is anything to say.
pub(super) fn client(file: &mut Text, name: &str, limits: &ClientLimits) {
    let plain = ClientLimits::default();
    let mut said = Said::default();
    said.unless(
        "head_bytes_max",
        limits.head_bytes_max,
        plain.head_bytes_max,
        bytes,
    );
    said.unless("fields_max", limits.fields_max, plain.fields_max, number);
    said.unless(
        "target_bytes_max",
        limits.target_bytes_max,
        plain.target_bytes_max,
        bytes,
    );
    said.unless("head_timeout", limits.head_timeout, plain.head_timeout, time);
    said.unless(
        "keep_alive_timeout",
        limits.keep_alive_timeout,
        plain.keep_alive_timeout,
        time,
    );
    said.unless(
        "body_idle_timeout",
        limits.body_idle_timeout,
        plain.body_idle_timeout,
        time,
    );
    client_bounds(&mut said, limits, &plain);
    said.write(file, &["listener", name, "limits"]);
}

fn client_bounds(said: &mut Said, limits: &ClientLimits, plain: &ClientLimits) {
    said.unless("rate_min", limits.rate_min, plain.rate_min, |limit| {
        or_off(limit, bytes)
    });
    said.unless(
        "body_bytes_max",
        limits.body_bytes_max,
        plain.body_bytes_max,
        |limit| or_off(limit, bytes),
    );
    said.unless(
        "connections_max",
        limits.connections_max,
        plain.connections_max,
        number,
    );
    let (own, default) = (
        limits.connections_per_client_max,
        plain.connections_per_client_max,
    );
    said.unless("connections_per_client_max", own, default, |limit| {
        or_off(limit, number)
    });
    said.unless("full_wait", limits.full_wait, plain.full_wait, time);
    let (own, default) = (
        limits.requests_per_connection_max,
        plain.requests_per_connection_max,
    );
    said.unless("requests_per_connection_max", own, default, |limit| {
        or_off(limit, number)
    });
    said.unless(
        "tunnel_idle_timeout",
        limits.tunnel_idle_timeout,
        plain.tunnel_idle_timeout,
        time,
    );
}

/// `[pool.NAME.limits]`, if there is anything to say.
pub(super) fn backend(file: &mut Text, name: &str, limits: &BackendLimits) {
    let plain = BackendLimits::default();
    let mut said = Said::default();
    said.unless(
        "connect_timeout",
        limits.connect_timeout,
        plain.connect_timeout,
        time,
    );
    said.unless(
        "first_byte_timeout",
        limits.first_byte_timeout,
        plain.first_byte_timeout,
        time,
    );
    said.unless("idle_timeout", limits.idle_timeout, plain.idle_timeout, time);
    said.unless(
        "total_timeout",
        limits.total_timeout,
        plain.total_timeout,
        |limit| or_off(limit, time),
    );
    said.unless(
        "head_bytes_max",
        limits.head_bytes_max,
        plain.head_bytes_max,
        bytes,
    );
    said.unless("fields_max", limits.fields_max, plain.fields_max, number);
    said.unless("attempts_max", limits.attempts_max, plain.attempts_max, number);
    said.unless("keep_alive", limits.keep_alive, plain.keep_alive, |switch| {
        switch.to_string()
    });
    said.unless(
        "keep_alive_timeout",
        limits.keep_alive_timeout,
        plain.keep_alive_timeout,
        time,
    );
    said.unless(
        "idle_connections_max",
        limits.idle_connections_max,
        plain.idle_connections_max,
        number,
    );
    said.write(file, &["pool", name, "limits"]);
}
