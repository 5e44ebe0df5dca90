//! Any bytes as the frames of a connection: wherever they are cut, the same is counted, and a violation is one for good.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use portreeve_frames::{FrameWatch, Violation};
use portreeve_model::plan::Http2Plan;

fuzz_target!(|bytes: &[u8]| {
    let Some((&step, bytes)) = bytes.split_first() else {
        return;
    };
    let now = Instant::now();
    let plan = Http2Plan {
        resets_max: 2,
        idle_frames_max: 3,
        ..Http2Plan::default()
    };
    let whole = watched(&plan, now, bytes, bytes.len().max(1));
    let pieces = watched(&plan, now, bytes, usize::from(step).max(1));
    assert_eq!(whole, pieces);
});

/// What is found first in each direction, and how many faults were seen on the way out.
fn watched(
    plan: &Http2Plan,
    now: Instant,
    bytes: &[u8],
    step: usize,
) -> (Result<(), Violation>, Result<(), Violation>, u32) {
    let mut watch = FrameWatch::new(plan, 64);
    let came = bytes.chunks(step).try_for_each(|piece| watch.came(piece, || now));
    let mut watch = FrameWatch::new(plan, 64);
    let went = bytes.chunks(step).try_for_each(|piece| watch.went(piece, || now));
    (came, went, watch.take_faults())
}
