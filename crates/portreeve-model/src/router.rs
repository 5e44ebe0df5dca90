//! Which route a request takes: the routes of one listener, laid out once for looking up.
//!
//! The most specific route wins. Host: exact, then the longest suffix, then any. Within a host, path: exact, then the
//! longest prefix, then any. Within a path: clients given, then more header fields, then a method given, then the order of the plan. Where
//! the best host has nothing that fits, less specific hosts are asked.

mod host;
mod paths;
mod rule;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use self::host::HostBuffer;
use self::host::suffixes;
use self::paths::Paths;
use self::rule::Rule;
use crate::digest::Digests;
use crate::path::normalise;
use crate::plan::{HostPattern, RoutePlan};
use crate::route::{RequestView, Route};

/// Where a request goes.
#[derive(Debug)]
pub enum Routed<'a> {
    /// To this route's pool.
    Found(&'a Arc<Route>),
    /// A route serves this host, but none with this path, method and fields: 404.
    NoPath,
    /// No route serves this host: 421.
    NoHost,
}

/// The routes of one listener.
#[derive(Debug, Default)]
pub(crate) struct Router {
    /// In the order of the plan.
    rules: Vec<Rule>,
    exact: Table,
    /// By `.example.com`.
    suffixes: Table,
    any: Paths,
    /// The one rule that takes every request, if there is no other to ask first.
    always: Option<usize>,
    reads_path: bool,
}

/// What to ask by host.
type Table = HashMap<Box<[u8]>, Paths, Digests>;

impl Router {
    /// Routes and what they ask, in the order of the plan.
    pub(crate) fn new<'a>(routes: impl Iterator<Item = (&'a RoutePlan, &'a Arc<Route>)>) -> Self {
        let mut router = Self::default();
        routes.for_each(|(plan, route)| router.add(plan, route));
        router.settle();
        router
    }

    pub(crate) fn route(&self, request: &dyn RequestView) -> Routed<'_> {
        match self.always {
            Some(rule) => Routed::Found(&self.rules[rule].route),
            None => self.search(request),
        }
    }

    /// Whether a rule, or its route's demands, look at the host.
    pub(crate) fn asks_host(&self) -> bool {
        let has_hosts = !(self.exact.is_empty() && self.suffixes.is_empty());
        has_hosts || self.rules.iter().any(|rule| rule.route.asks_host())
    }

    fn search(&self, request: &dyn RequestView) -> Routed<'_> {
        let path = if self.reads_path {
            normalise(request.path())
        } else {
            Cow::Borrowed(&b"/"[..])
        };
        let mut buffer = HostBuffer::default();
        let host = buffer.fold(request.host());
        let mut hosts = self.hosts(host).peekable();
        if hosts.peek().is_none() {
            return Routed::NoHost;
        }
        let found = hosts.find_map(|paths| paths.find(&self.rules, &path, request));
        found.map_or(Routed::NoPath, |rule| Routed::Found(&self.rules[rule].route))
    }

    /// What accepts this host, the most specific first.
    fn hosts<'a>(&'a self, host: &'a [u8]) -> impl Iterator<Item = &'a Paths> {
        let tails = suffixes(if self.suffixes.is_empty() { b"" } else { host });
        let by_suffix = tails.filter_map(|tail| self.suffixes.get(tail));
        let any = (!self.any.is_empty()).then_some(&self.any);
        self.exact.get(host).into_iter().chain(by_suffix).chain(any)
    }

    fn add(&mut self, plan: &RoutePlan, route: &Arc<Route>) {
        let rule = self.rules.len();
        self.rules.push(Rule::new(plan, route));
        if plan.hosts.is_empty() {
            self.any.add(&plan.paths, rule);
        }
        for host in &plan.hosts {
            self.paths_of(host).add(&plan.paths, rule);
        }
    }

    fn paths_of(&mut self, host: &HostPattern) -> &mut Paths {
        let (table, name) = match host {
            HostPattern::Exact(name) => (&mut self.exact, name),
            HostPattern::Suffix(name) => (&mut self.suffixes, name),
        };
        table
            .entry(name.to_ascii_lowercase().into_bytes().into())
            .or_default()
    }

    /// Sorts, once all rules are in.
    fn settle(&mut self) {
        let rules = &self.rules;
        let named = self.exact.values_mut().chain(self.suffixes.values_mut());
        named.chain([&mut self.any]).for_each(|paths| paths.settle(rules));
        let has_hosts = !(self.exact.is_empty() && self.suffixes.is_empty());
        self.always = self.any.always(rules).filter(|_| !has_hosts);
        let mut all = self
            .exact
            .values()
            .chain(self.suffixes.values())
            .chain([&self.any]);
        self.reads_path = all.any(Paths::reads_path);
    }
}

#[cfg(test)]
mod tests;
