//! `[listener.NAME.http2]`: what a client may use up over HTTP/2.

use std::time::Duration;

use portreeve_model::plan::Http2Plan;

use crate::quantity::{bytes, count, time};
use crate::section::Section;
use crate::size;

/// Reads `true`, `false` or a section; and its keys.
pub(super) fn read(section: &mut Section<'_>) -> (Http2Plan, Vec<&'static str>) {
    let (mut http2, switch) = section.section_or_switch("http2");
    let mut plan = Http2Plan {
        is_on: switch.unwrap_or(true),
        ..Http2Plan::default()
    };
    http2.quantity("streams_max", &count(1..=1_000), &mut plan.streams_max);
    windows(&mut http2, &mut plan);
    http2.quantity("resets_max", &count(1..=1_000_000), &mut plan.resets_max);
    http2.quantity(
        "idle_frames_max",
        &count(10..=1_000_000),
        &mut plan.idle_frames_max,
    );
    plan.idle_timeout = http2
        .get("idle_timeout")
        .and_then(|item| time(MS..=DAY).read(&item));
    (plan, http2.finish(&[]))
}

fn windows(http2: &mut Section<'_>, plan: &mut Http2Plan) {
    http2.quantity(
        "connection_window",
        &bytes(CONNECTION),
        &mut plan.connection_window,
    );
    plan.stream_window = plan.stream_window.min(plan.connection_window);
    http2.quantity("stream_window", &bytes(STREAM), &mut plan.stream_window);
    if plan.stream_window > plan.connection_window {
        let most = size::show(plan.connection_window.into());
        http2.misfit(
            "stream_window",
            size::show(plan.stream_window.into()),
            format!("at most connection_window, which is {most}"),
        );
    }
}

const STREAM: std::ops::RangeInclusive<u32> = 16 << 10..=16 << 20;
/// It begins at 64 KiB and can only grow (RFC 9113 section 6.9.2).
const CONNECTION: std::ops::RangeInclusive<u32> = 64 << 10..=256 << 20;
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);
