//! `[route.NAME]`.

use portreeve_model::plan::{HeaderPattern, HostPattern, LedgerMode, PathPattern, RoutePlan};

use super::said::inline;
use super::{Text, demand, ledger, registration, traffic};
use crate::place::{quoted, written};

/// The section of one route.
pub(super) fn section(file: &mut Text, route: &RoutePlan) {
    file.section(&["route", &route.name]);
    file.many("listener", &texts(&route.listeners));
    file.many("host", &route.hosts.iter().map(host).collect::<Vec<_>>());
    file.many("path", &route.paths.iter().map(path).collect::<Vec<_>>());
    let clients = route.clients.iter().map(registration::network);
    file.many("clients", &clients.collect::<Vec<_>>());
    file.many("method", &texts(&route.methods));
    if !route.headers.is_empty() {
        let headers: Vec<String> = route.headers.iter().map(header).collect();
        file.value("header", inline(&headers));
    }
    file.text("pool", &route.pool);
    file.many("policy", &demand::demands(&route.demands));
    if route.ledger != LedgerMode::Off {
        file.value("ledger", ledger::mode(route.ledger));
    }
    traffic::lines(file, route);
}

fn texts(texts: &[impl AsRef<str>]) -> Vec<String> {
    texts.iter().map(|text| quoted(text.as_ref())).collect()
}

fn host(host: &HostPattern) -> String {
    match host {
        HostPattern::Exact(host) => quoted(host),
        HostPattern::Suffix(suffix) => quoted(&format!("*{suffix}")),
    }
}

fn path(path: &PathPattern) -> String {
    match path {
        PathPattern::Exact(path) => quoted(path),
        PathPattern::Prefix(prefix) => quoted(&format!("{prefix}*")),
    }
}

fn header(header: &HeaderPattern) -> String {
    let value = header
        .value
        .as_ref()
        .map_or_else(|| "true".to_owned(), |value| quoted(value));
    format!("{} = {value}", written(&header.name))
}
