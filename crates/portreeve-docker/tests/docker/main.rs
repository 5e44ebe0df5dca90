//! The driver against a real Docker Engine.
//!
//! The test starts an engine by hand, in namespaces of its own (network, processes, mounts): when the first process in
//! them ends, however it does, the kernel ends all others, so that nothing is left running. All scenarios share the
//! engine, in one test, since it is started once. Where an engine cannot be had the test says so and is skipped, unless
//! `PORTREEVE_MUST_HAVE_DOCKER=1`.

mod bench;
mod dockerd;
mod housing;
mod scenarios;

use std::path::Path;

#[test]
fn a_real_engine_starts_finds_and_ends_instances() {
    match housing::folder_inside() {
        Some(folder) => inside(Path::new(&folder)),
        None => housing::run_inside("a_real_engine_starts_finds_and_ends_instances"),
    }
}

fn inside(folder: &Path) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(scenarios::all(folder));
}
