//! Policies, and where they come from.

use portreeve_model::Policies;
use portreeve_model::plan::{DemandPlan, PolicySource, SanPattern};

use super::said::{Said, inline, one_or_list};
use crate::place::{quoted, written};

/// What stands under `policy` of a route; nothing if nothing is demanded.
pub(super) fn demands(demands: &[DemandPlan]) -> Vec<String> {
    demands.iter().flat_map(demand).collect()
}

/// One policy, or a list of them.
pub(super) fn policies(policies: &Policies) -> String {
    one_or_list(&names(policies))
}

fn demand(demand: &DemandPlan) -> Vec<String> {
    let mut said = Said::default();
    match &demand.from {
        PolicySource::Fixed(always) => return names(always),
        PolicySource::Header(name) => said.value("header", quoted(name)),
        PolicySource::Cookie(name) => said.value("cookie", quoted(name)),
        PolicySource::Query(name) => said.value("query", quoted(name)),
        PolicySource::HostLabel(place) => said.value("host_label", place.to_string()),
        PolicySource::PathSegment(place) => said.value("path_segment", place.to_string()),
        PolicySource::Certificate(names) => said.value("certificate", certificates(names)),
    }
    for (key, named) in [("accept", &demand.accepts), ("default", &demand.otherwise)] {
        if !named.is_empty() {
            said.value(key, policies(named));
        }
    }
    said.on("optional", demand.is_optional);
    vec![said.table()]
}

/// The names of certificates, and the policies that each stands for.
fn certificates(names: &[(SanPattern, Policies)]) -> String {
    let pair = |(name, named): &(SanPattern, Policies)| {
        format!("{} = {}", written(&name.to_string()), policies(named))
    };
    inline(&names.iter().map(pair).collect::<Vec<_>>())
}

fn names(policies: &Policies) -> Vec<String> {
    policies.iter().map(|policy| quoted(policy.as_str())).collect()
}
