//! What policies a request demands, and who can meet that.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::cause::Cause;
use crate::group::Group;
use crate::pairs::{cookies, pairs};
use crate::path::{normalise, percent_decoded};
use crate::plan::{DemandPlan, PolicySource};
use crate::policy::{Policies, Policy};
use crate::pool::Pool;
use crate::route::RequestView;
use crate::router::HostBuffer;

/// The backends among which a request may be balanced.
#[derive(Debug)]
pub enum Demanded<'a> {
    /// Those of one policy, or everybody if none was demanded.
    Known(&'a Arc<Group>),
    /// Those of several.
    Several(Arc<Group>),
}

impl Deref for Demanded<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        match self {
            Self::Known(group) => group,
            Self::Several(group) => group,
        }
    }
}

/// Why a request's demand cannot be met, whoever is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// [`Cause::PolicyMissing`], [`Cause::PolicyNotAccepted`] or [`Cause::UnknownPolicy`].
    pub cause: Cause,
    /// One sentence about it that may be shown to anybody.
    pub detail: String,
}

/// Finds out what is demanded: of one policy, or of several that are kept from before, without any allocation.
pub(crate) fn demanded<'a>(
    demands: &[DemandPlan],
    pool: &'a Pool,
    request: &dyn RequestView,
) -> Result<Demanded<'a>, Unmet> {
    let mut wanted = Wanted::default();
    for demand in demands {
        read(demand, pool, request, &mut wanted)?;
    }
    if wanted.len > 1 {
        let policies = wanted.iter().flat_map(|group| group.policies());
        return Ok(Demanded::Several(pool.upholding_all(policies)));
    }
    let only = wanted.iter().next();
    Ok(Demanded::Known(only.unwrap_or_else(|| pool.everyone())))
}

/// The groups of the single policies that are demanded, each once.
#[derive(Default)]
struct Wanted<'a> {
    groups: [Option<&'a Arc<Group>>; Policies::DEMANDED_MAX],
    len: usize,
}

impl<'a> Wanted<'a> {
    fn add(&mut self, group: &'a Arc<Group>) -> Result<(), Unmet> {
        if self.iter().any(|known| Arc::ptr_eq(known, group)) {
            return Ok(());
        }
        let Some(place) = self.groups.get_mut(self.len) else {
            let detail = format!(
                "More than {} policies are demanded at once",
                Policies::DEMANDED_MAX
            );
            return Err(Unmet {
                cause: Cause::PolicyNotAccepted,
                detail,
            });
        };
        *place = Some(group);
        self.len += 1;
        Ok(())
    }

    fn iter(&self) -> impl Iterator<Item = &'a Arc<Group>> + Clone {
        self.groups.iter().copied().flatten()
    }
}

/// Adds what one place of the request names, or what stands in for it.
fn read<'a>(
    demand: &DemandPlan,
    pool: &'a Pool,
    request: &dyn RequestView,
    wanted: &mut Wanted<'a>,
) -> Result<(), Unmet> {
    let mut named = false;
    let mut fault = None;
    each_text(&demand.from, request, &mut |text| {
        for name in text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if name.is_empty() {
                continue;
            }
            named = true;
            fault = group(demand, pool, name)
                .and_then(|group| wanted.add(group))
                .err();
            if fault.is_some() {
                return true;
            }
        }
        false
    });
    match fault {
        Some(fault) => Err(fault),
        None if named => Ok(()),
        None => stand_in(demand, pool, wanted),
    }
}

fn stand_in<'a>(demand: &DemandPlan, pool: &'a Pool, wanted: &mut Wanted<'a>) -> Result<(), Unmet> {
    if demand.otherwise.is_empty() && !demand.is_optional {
        return Err(Unmet {
            cause: Cause::PolicyMissing,
            detail: format!("The request names no policy in {}", place_of(&demand.from)),
        });
    }
    for policy in &demand.otherwise {
        wanted.add(known(pool, policy.as_str())?)?;
    }
    Ok(())
}

fn group<'a>(demand: &DemandPlan, pool: &'a Pool, name: &[u8]) -> Result<&'a Arc<Group>, Unmet> {
    let name = str::from_utf8(name).map_err(|_| unknown(&String::from_utf8_lossy(name)))?;
    if !demand.accepts.is_empty() && !demand.accepts.contains(name) {
        return Err(Unmet {
            cause: Cause::PolicyNotAccepted,
            detail: format!(
                "The policy {} is not accepted here; {} would be",
                shown(name),
                demand.accepts
            ),
        });
    }
    known(pool, name)
}

fn known<'a>(pool: &'a Pool, name: &str) -> Result<&'a Arc<Group>, Unmet> {
    pool.upholding(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Unmet {
    Unmet {
        cause: Cause::UnknownPolicy,
        detail: format!("No backend here is known to uphold the policy {}", shown(name)),
    }
}

/// What a stranger wrote, fit to be shown: bounded, without what could be taken for markup or a control character.
fn shown(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|letter| !letter.is_control() && !matches!(letter, '<' | '>' | '&' | '"' | '\\'));
    format!("'{}'", letters.take(Policy::BYTES_MAX).collect::<String>())
}

/// Calls `take` with each text of the request that may name policies, until it says yes.
fn each_text(from: &PolicySource, request: &dyn RequestView, take: &mut dyn FnMut(&[u8]) -> bool) {
    match from {
        PolicySource::Fixed(policies) => {
            policies.iter().any(|policy| take(policy.as_str().as_bytes()));
        }
        PolicySource::Header(name) => {
            request.any_field(name, take);
        }
        PolicySource::Cookie(name) => {
            request.any_field("cookie", &mut |line| {
                cookies(line, name).any(|value| take(&percent_decoded(value)))
            });
        }
        PolicySource::Query(name) => {
            let mut values =
                pairs(request.query(), b'&').filter(|(key, _)| *percent_decoded(key) == *name.as_bytes());
            values.any(|(_, value)| take(&percent_decoded(value)));
        }
        PolicySource::HostLabel(nth) => {
            let mut buffer = HostBuffer::default();
            let host = buffer.fold(request.host());
            let mut labels = host.split(|byte| *byte == b'.');
            if let Some(label) = labels.nth(usize::from(*nth).saturating_sub(1)) {
                take(label);
            }
        }
        PolicySource::PathSegment(nth) => {
            let path: Cow<'_, [u8]> = normalise(request.path());
            let mut segments = path.split(|byte| *byte == b'/');
            if let Some(segment) = segments.nth(usize::from(*nth)) {
                take(&percent_decoded(segment));
            }
        }
        PolicySource::Certificate(known) => {
            request.any_certificate_name(&mut |name| {
                let meant = known.iter().filter(|(pattern, _)| pattern.matches(name));
                meant
                    .flat_map(|(_, policies)| policies)
                    .any(|policy| take(policy.as_str().as_bytes()))
            });
        }
    }
}

fn place_of(from: &PolicySource) -> String {
    match from {
        PolicySource::Fixed(_) => "the configuration".to_owned(),
        PolicySource::Header(name) => format!("the header field {name}"),
        PolicySource::Cookie(name) => format!("the cookie {name}"),
        PolicySource::Query(name) => format!("the query field {name}"),
        PolicySource::HostLabel(nth) => format!("label {nth} of its host"),
        PolicySource::PathSegment(nth) => format!("segment {nth} of its path"),
        PolicySource::Certificate(_) => "the client's certificate".to_owned(),
    }
}
