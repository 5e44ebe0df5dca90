//! The steps of random histories.

use std::time::Duration;

use proptest::prelude::*;

use super::samples::*;
use crate::registration::{Announcement, PolicyScope, Sender, Term, Token};

/// One thing that happens; members and senders by their place in the lists below.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Register(Announcement, usize),
    Renew(usize, Option<bool>, usize),
    Deregister(usize, usize),
    Drain(usize, bool),
    Remove(usize),
    Revoke(bool),
    TakeProbes,
    Answer(usize, bool),
    Suspect(usize),
    TakeSuspects,
    SuspectOfFile(usize),
    DrainOfFile(usize, bool),
    Weigh(u16),
    Wait(u64),
    OpenWeb(bool),
    Restart,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (announcements(), 0..SENDERS).prop_map(|(said, by)| Step::Register(said, by)),
        4 => (0..KEYS.len(), any::<Option<bool>>(), 0..SENDERS).prop_map(|(key, wish, by)| Step::Renew(key, wish, by)),
        1 => (0..KEYS.len(), 0..SENDERS).prop_map(|(key, by)| Step::Deregister(key, by)),
        2 => (0..KEYS.len(), any::<bool>()).prop_map(|(key, is_drained)| Step::Drain(key, is_drained)),
        1 => (0..KEYS.len()).prop_map(Step::Remove),
        1 => any::<bool>().prop_map(Step::Revoke),
        4 => Just(Step::TakeProbes),
        6 => (0..9_usize, prop::bool::weighted(0.7)).prop_map(|(which, is_good)| Step::Answer(which, is_good)),
        3 => (0..KEYS.len()).prop_map(Step::Suspect),
        1 => Just(Step::TakeSuspects),
        2 => (0..4_usize).prop_map(Step::SuspectOfFile),
        1 => (0..4_usize, any::<bool>()).prop_map(|(which, is_drained)| Step::DrainOfFile(which, is_drained)),
        1 => (1..4_u16).prop_map(Step::Weigh),
        6 => prop_oneof![0..1_500_u64, 0..12_000_u64].prop_map(Step::Wait),
        1 => prop::bool::weighted(0.8).prop_map(Step::OpenWeb),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..80)
}

fn announcements() -> impl Strategy<Value = Announcement> {
    let terms = prop_oneof![
        3 => Just(Term::Heartbeats(None)),
        1 => (1..9_u64).prop_map(|seconds| Term::Heartbeats(Some(Duration::from_secs(seconds)))),
        2 => Just(Term::Probes),
    ];
    let upheld = prop_oneof![4 => Just(&["eu"][..]), 1 => Just(&[][..]), 1 => Just(&["eu", "us"][..])];
    let weights = prop_oneof![5 => Just(1_u16), 1 => Just(2_u16)];
    (0..KEYS.len(), 0..ADDRESSES.len(), upheld, weights, terms).prop_map(
        |(key, place, upheld, weight, term)| Announcement {
            policies: policies(upheld),
            weight,
            term,
            ..said(KEYS[key], ADDRESSES[place])
        },
    )
}

pub(super) fn sender(which: usize) -> Sender {
    let narrow = Token {
        pools: vec!["api".into()],
        policies: PolicyScope::These(policies(&["eu"])),
        networks: vec![network("10.0.0.1", 32)],
        weight_max: 1,
        ttl_max: Some(Duration::from_secs(5)),
        ..token("narrow")
    };
    match which {
        0 => local(),
        1 => from("10.0.0.1"),
        2 => with(narrow, "10.0.0.1"),
        3 => with(token("wide"), "10.0.0.2"),
        _ => from("192.168.0.1"),
    }
}

pub(super) const KEYS: [&str; 5] = ["api/a", "api/b@eu", "api/b@us", "web/a", "web/c"];
const ADDRESSES: [&str; 3] = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:81"];
const SENDERS: usize = 5;
