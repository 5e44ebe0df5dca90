//! Any registration, packets and ledger.

use std::path::{Path, PathBuf};

use portreeve_config::LedgerConfig;
use portreeve_model::plan::{LedgerMode, MembersPlan, Name, PacketPlan, Plan, RegistrationPlan};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ms, network, path};

pub(super) fn plan() -> impl Strategy<Value = RegistrationPlan> {
    let counts = (1..=1_000_000_u32, 1..=1_000_000_u32, 1..=1_000_000_u32);
    let switches = (any::<bool>(), any::<bool>());
    let plan = (vec(network(), 1..4), switches, counts).prop_map(|(mut networks, switches, counts)| {
        networks.sort_unstable_by_key(|network| (network.address, network.prefix));
        networks.dedup();
        RegistrationPlan {
            networks,
            is_insecure: switches.0,
            allows_link_local: switches.1,
            registrations_max: counts.0,
            per_source_max: counts.1.min(counts.0),
            per_token_max: counts.2.min(counts.0),
        }
    });
    prop_oneof![Just(RegistrationPlan::default()), plan]
}

pub(super) fn members() -> impl Strategy<Value = MembersPlan> {
    let times = (ms(100, 604_800_000), ms(100, 604_800_000), ms(0, 604_800_000));
    let members = times.prop_map(|(one, other, grace)| MembersPlan {
        ttl: one.min(other),
        ttl_max: one.max(other),
        grace,
    });
    prop_oneof![Just(MembersPlan::default()), members]
}

/// Into one of these pools, if there is one.
pub(super) fn packets(pools: &[Name]) -> BoxedStrategy<Option<PacketPlan>> {
    if pools.is_empty() {
        return Just(None).boxed();
    }
    let sizes = (1..=64_u32 << 10, 1_024..=64_u32 << 10);
    let limits = (sizes, ms(1, 86_400_000), any::<(bool, bool)>());
    let plan = (select(pools.to_vec()), option::of(limits)).prop_map(|(pool, limits)| {
        let plain = PacketPlan::new(pool);
        match limits {
            None => plain,
            Some(((payload, packet), idle_timeout, (closes_after_answer, keep_alive))) => PacketPlan {
                payload_bytes_max: payload.min(packet),
                packet_bytes_max: packet,
                idle_timeout,
                closes_after_answer,
                keep_alive,
                ..plain
            },
        }
    });
    option::of(plan).boxed()
}

/// A file other than by default, and a size.
pub(super) fn ledger() -> impl Strategy<Value = (Option<PathBuf>, u64)> {
    (
        option::of(path()),
        prop_oneof![Just(256 << 20), 64 << 10..=1_u64 << 40],
    )
}

/// The ledger with its default file in place; there is one in any case if the plan wants one.
pub(super) fn ledger_of(
    own: Option<(Option<PathBuf>, u64)>,
    plan: &Plan,
    state: &Path,
) -> Option<LedgerConfig> {
    let plain = LedgerConfig::in_state(state);
    let modes = plan.routes.iter().map(|route| route.ledger);
    let mut modes = modes.chain(plan.policies.iter().map(|policy| policy.ledger));
    match own {
        Some((file, rotate_bytes)) => Some(LedgerConfig {
            file: file.unwrap_or(plain.file),
            rotate_bytes,
        }),
        None => modes.any(|mode| mode != LedgerMode::Off).then_some(plain),
    }
}
