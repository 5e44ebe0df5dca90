//! The rules of one host, by path.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::rule::Rule;
use crate::digest::Digests;
use crate::path::{normalise, normalise_prefix};
use crate::plan::PathPattern;
use crate::route::RequestView;

/// The rules of one host. Looking one up takes one step per distinct length of prefix, not per prefix.
#[derive(Debug, Default)]
pub(super) struct Paths {
    exact: Table,
    /// By prefix; the empty one stands for any path.
    prefixes: Table,
    /// The distinct lengths of prefixes, the longest first.
    lengths: Vec<usize>,
}

/// Places in the router's list of rules, the most specific first.
type Table = HashMap<Box<[u8]>, Vec<usize>, Digests>;

impl Paths {
    /// Takes in a rule for any of these paths, or any path at all if there are none.
    pub(super) fn add(&mut self, patterns: &[PathPattern], rule: usize) {
        if patterns.is_empty() {
            self.prefixes.entry(Box::default()).or_default().push(rule);
        }
        patterns
            .iter()
            .for_each(|pattern| self.rules_of(pattern).push(rule));
    }

    /// Sorts, once all rules are in.
    pub(super) fn settle(&mut self, rules: &[Rule]) {
        for places in self.exact.values_mut().chain(self.prefixes.values_mut()) {
            places.sort_by_key(|place| (rules[*place].generality(), *place));
            places.dedup();
        }
        self.lengths = self.prefixes.keys().map(|prefix| prefix.len()).collect();
        self.lengths.sort_by_key(|length| Reverse(*length));
        self.lengths.dedup();
    }

    /// The most specific rule that accepts this normalised path and the request.
    pub(super) fn find(&self, rules: &[Rule], path: &[u8], request: &dyn RequestView) -> Option<usize> {
        let fitting = self
            .lengths
            .iter()
            .filter_map(|length| self.prefixes.get(path.get(..*length)?));
        let mut candidates = self.exact.get(path).into_iter().chain(fitting).flatten();
        candidates.find(|place| rules[**place].accepts(request)).copied()
    }

    /// The one rule that takes every request, if there is no other to ask first.
    pub(super) fn always(&self, rules: &[Rule]) -> Option<usize> {
        let first = *self.prefixes.get(&b""[..])?.first()?;
        (!self.reads_path() && rules[first].accepts_all()).then_some(first)
    }

    /// Whether the path matters at all.
    pub(super) fn reads_path(&self) -> bool {
        !self.exact.is_empty() || self.lengths.iter().any(|length| *length > 0)
    }

    /// Whether there is no rule.
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    fn rules_of(&mut self, pattern: &PathPattern) -> &mut Vec<usize> {
        let (table, path) = match pattern {
            PathPattern::Exact(path) => (&mut self.exact, normalise(path.as_bytes()).into_owned()),
            PathPattern::Prefix(prefix) => (&mut self.prefixes, normalise_prefix(prefix.as_bytes())),
        };
        table.entry(path.into()).or_default()
    }
}
