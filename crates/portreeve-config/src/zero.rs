//! What `serve` does when nobody names a backend: they register, and packets and HTTP reach them on one port.

use portreeve_model::Policies;
use portreeve_model::plan::{
    BalancePlan, DemandPlan, ListenerPlan, MembersPlan, Name, PacketPlan, PolicySource, PoolPlan, RoutePlan,
};

use crate::{defaults, whole};

/// The pool whose backends serve packets.
pub(crate) const PACKETS: &str = "packets";

/// A listener that also takes packets and registrations.
pub(crate) fn listener(plain: ListenerPlan) -> ListenerPlan {
    ListenerPlan {
        packets: Some(PacketPlan::new(Name::from(PACKETS))),
        registration: true,
        ..plain
    }
}

/// The route that takes every request, to whoever upholds what it asks for.
pub(crate) fn route(pool: Name) -> RoutePlan {
    RoutePlan {
        demands: vec![DemandPlan {
            from: PolicySource::Header(POLICY_HEADER.to_owned()),
            accepts: Policies::none(),
            otherwise: Policies::none(),
            is_optional: true,
        }],
        ..whole::route(pool)
    }
}

/// A pool of those who register.
pub(crate) fn pool(name: Name, balance: BalancePlan) -> PoolPlan {
    PoolPlan {
        balance,
        resolve_every: defaults::RESOLVE_EVERY,
        members: Some(MembersPlan::default()),
        ..PoolPlan::empty(name)
    }
}

/// In lower case, as plans have it.
const POLICY_HEADER: &str = "privacy-policy";
