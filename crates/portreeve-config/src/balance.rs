//! The names of the ways to choose a backend.

use portreeve_model::plan::{BalancePlan, HashKey};

use crate::item::Item;
use crate::matching::is_token;
use crate::word::Complaint;

/// A name, or `hash:` and a key in one word, or `{ hash = KEY }`.
pub(crate) fn read(item: &Item<'_>) -> Option<BalancePlan> {
    if !item.is_table() {
        return item.word(balance);
    }
    let mut section = item.section(Complaint::new(""));
    let key = section.need("hash", KEYS).and_then(|key| key.word(hash_key));
    section.finish(&[]);
    key.map(BalancePlan::Hash)
}

/// `round-robin`, `least-requests`, `random`, `two-choices`, `peak-ewma`, `prequal`, `reported-load`,
/// `first`, or `hash:` and a key.
pub(crate) fn balance(text: &str) -> Result<BalancePlan, Complaint> {
    if let Some(key) = text.strip_prefix("hash:") {
        return hash_key(key).map(BalancePlan::Hash);
    }
    match text {
        "round-robin" => Ok(BalancePlan::RoundRobin),
        "least-requests" => Ok(BalancePlan::LeastRequests),
        "random" => Ok(BalancePlan::Random),
        "two-choices" => Ok(BalancePlan::TwoChoices),
        "peak-ewma" => Ok(BalancePlan::PeakEwma),
        "prequal" => Ok(BalancePlan::Prequal),
        "reported-load" => Ok(BalancePlan::ReportedLoad),
        "first" => Ok(BalancePlan::First),
        _ => Err(complaint(text)),
    }
}

/// `header:NAME`, `cookie:NAME`, `address` or `path`.
pub(crate) fn hash_key(text: &str) -> Result<HashKey, Complaint> {
    match text.split_once(':') {
        Some(("header", name)) if is_token(name) => Ok(HashKey::Header(name.to_ascii_lowercase())),
        Some(("cookie", name)) if is_token(name) => Ok(HashKey::Cookie(name.to_owned())),
        None if text == "address" => Ok(HashKey::ClientAddress),
        None if text == "path" => Ok(HashKey::Path),
        _ => Err(Complaint::new(KEYS)),
    }
}

/// The word for a way to choose, as the flag takes it.
pub(crate) fn show(balance: &BalancePlan) -> String {
    match balance {
        BalancePlan::RoundRobin => "round-robin".to_owned(),
        BalancePlan::LeastRequests => "least-requests".to_owned(),
        BalancePlan::Random => "random".to_owned(),
        BalancePlan::TwoChoices => "two-choices".to_owned(),
        BalancePlan::PeakEwma => "peak-ewma".to_owned(),
        BalancePlan::Prequal => "prequal".to_owned(),
        BalancePlan::ReportedLoad => "reported-load".to_owned(),
        BalancePlan::First => "first".to_owned(),
        BalancePlan::Hash(key) => format!("hash:{}", show_key(key)),
    }
}

/// The word for a key.
pub(crate) fn show_key(key: &HashKey) -> String {
    match key {
        HashKey::Header(name) => format!("header:{name}"),
        HashKey::Cookie(name) => format!("cookie:{name}"),
        HashKey::ClientAddress => "address".to_owned(),
        HashKey::Path => "path".to_owned(),
    }
}

fn complaint(text: &str) -> Complaint {
    let elsewhere = ELSEWHERE.iter().find(|(word, _)| *word == text);
    match elsewhere {
        Some((_, ours)) => Complaint::one_of(NAMES, text).hint(format!("here it is called \"{ours}\"")),
        None => Complaint::one_of(NAMES, text),
    }
}

const NAMES: &[&str] = &[
    "round-robin",
    "least-requests",
    "random",
    "two-choices",
    "peak-ewma",
    "prequal",
    "reported-load",
    "first",
    "hash:header:NAME",
    "hash:cookie:NAME",
    "hash:address",
    "hash:path",
];

const KEYS: &str = "\"header:NAME\", \"cookie:NAME\", \"address\" or \"path\"";

/// What nginx, HAProxy, Caddy, Envoy and Traefik call them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("roundrobin", "round-robin"),
    ("wrr", "round-robin"),
    ("leastconn", "least-requests"),
    ("least_conn", "least-requests"),
    ("least_request", "least-requests"),
    ("p2c", "two-choices"),
    ("random_choose", "two-choices"),
    ("ewma", "peak-ewma"),
    ("peak_ewma", "peak-ewma"),
    ("p2c-ewma", "peak-ewma"),
    ("client_side_weighted_round_robin", "reported-load"),
    ("source", "hash:address"),
    ("ip_hash", "hash:address"),
    ("client_ip_hash", "hash:address"),
    ("uri", "hash:path"),
    ("uri_hash", "hash:path"),
    ("hash", "hash:address"),
];
