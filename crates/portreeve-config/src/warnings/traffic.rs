//! Settings of zones, shares and times that have no effect beside the others.

use portreeve_model::plan::{EjectionPlan, Plan, PoolPlan, RoutePlan, TargetAddress};

/// A sentence each.
pub(super) fn warnings(plan: &Plan) -> Vec<String> {
    let zones = [no_zone(plan), nobodys_zone(plan)];
    let shares = plan.pools.iter().filter_map(no_share);
    let timeouts = plan
        .routes
        .iter()
        .filter_map(|route| too_long(route, &plan.pools));
    zones
        .into_iter()
        .flatten()
        .chain(shares)
        .chain(timeouts)
        .collect()
}

/// Zones of backends, of which none is ours.
fn no_zone(plan: &Plan) -> Option<String> {
    let has_zones = |pool: &&PoolPlan| pool.targets.iter().any(|target| target.zone.is_some());
    let pool = plan
        .pools
        .iter()
        .find(has_zones)
        .filter(|_| plan.zone.is_none())?;
    Some(format!(
        "pool.{}.backends: their zones have no effect, as the top of the file does not say zone = \"...\"",
        pool.name
    ))
}

/// Our zone, where no backend is in any. One that registers may say where it is.
fn nobodys_zone(plan: &Plan) -> Option<String> {
    let may_differ =
        |pool: &PoolPlan| pool.members.is_some() || pool.targets.iter().any(|target| target.zone.is_some());
    let is_useless = plan.zone.is_some() && !plan.pools.iter().any(may_differ);
    is_useless.then(|| "zone: has no effect, as no backend says in which zone it is".to_owned())
}

/// A share of the pool that is less than one backend. How many a name stands for is not known here.
fn no_share(pool: &PoolPlan) -> Option<String> {
    let own = pool.ejection.share_max_percent;
    let is_chosen = own != EjectionPlan::default().share_max_percent && own > 0;
    let is_host = |address: &TargetAddress| matches!(address, TargetAddress::Host { .. });
    let is_closed = pool.members.is_none() && !pool.targets.iter().any(|target| is_host(&target.address));
    let count = pool.targets.len();
    (is_chosen && is_closed && count > 0 && count * usize::from(own) < 100).then(|| {
        format!(
            "pool.{}.ejection.share_max: ejects nobody, as {own}% of {count} is less than one backend",
            pool.name
        )
    })
}

/// A route's timeout behind which the pool's lies.
fn too_long(route: &RoutePlan, pools: &[PoolPlan]) -> Option<String> {
    let timeout = route.deadline.timeout?;
    let arms = route.split.iter().flat_map(|split| &split.arms);
    let mut names = std::iter::once(&route.pool).chain(arms.map(|(name, _)| name));
    let is_shorter = |pool: &PoolPlan| pool.limits.total_timeout.is_some_and(|total| total < timeout);
    let is_useless = names.all(|name| pools.iter().any(|pool| pool.name == *name && is_shorter(pool)));
    is_useless.then(|| {
        format!(
            "route.{}.timeout: has no effect, as limits.total_timeout of pool {} is shorter",
            route.name, route.pool
        )
    })
}
