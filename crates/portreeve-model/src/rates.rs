//! How many of a route's requests are let through.

mod cell;
mod pace;
mod table;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use self::cell::{Cell, Said};
use self::pace::Pace;
use self::table::Table;
use crate::digest::digest;
use crate::plan::{RateKey, RatePlan};
use crate::route::RequestView;
use crate::tick::Tick;

/// The limits of one route; they live on for as long as the plan says the same of them.
///
/// Each is a token bucket, kept as in the generic cell rate algorithm (ITU-T I.371): `burst` requests at once, and one
/// more each `every / requests`. Exact over threads, without a lock, in bounded memory: 256 KiB for a limit that counts
/// by client or header, whoever comes.
#[derive(Debug, Default)]
pub struct RateLimits(Vec<Limit>);

/// A limit does not let a request through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateExceeded {
    /// When this one would be let through if no other came.
    pub retry_after: Duration,
    /// Which limit, by its place in the plan.
    pub limit: usize,
}

impl RateLimits {
    /// All of these hold.
    #[must_use]
    pub fn new(plans: &[RatePlan]) -> Self {
        Self(plans.iter().map(Limit::new).collect())
    }

    /// Counts a request against every limit, or, if one does not let it through, against none.
    ///
    /// # Errors
    /// The first limit that does not let it through.
    pub fn admit(&self, request: &dyn RequestView, now: Tick) -> Result<(), RateExceeded> {
        for (place, limit) in self.0.iter().enumerate() {
            if let Err(retry_after) = limit.charge(request, now) {
                let charged = &self.0[..place];
                charged.iter().for_each(|limit| limit.refund(request));
                return Err(RateExceeded {
                    retry_after,
                    limit: place,
                });
            }
        }
        Ok(())
    }

    /// Whether these are the limits of that plan.
    pub(crate) fn follow(&self, plans: &[RatePlan]) -> bool {
        self.0.iter().map(|limit| &limit.plan).eq(plans)
    }
}

#[derive(Debug)]
struct Limit {
    plan: RatePlan,
    pace: Pace,
    used: Used,
}

#[derive(Debug)]
enum Used {
    ByAll(Cell),
    ByEach(Table),
}

impl Limit {
    fn new(plan: &RatePlan) -> Self {
        Self {
            plan: plan.clone(),
            pace: Pace::new(plan),
            used: match plan.per {
                RateKey::Route => Used::ByAll(Cell::default()),
                RateKey::Client | RateKey::Header(_) => Used::ByEach(Table::new()),
            },
        }
    }

    /// How long it has to wait, if it has to.
    fn charge(&self, request: &dyn RequestView, now: Tick) -> Result<(), Duration> {
        let position = self.pace.position(now);
        let said = match &self.used {
            Used::ByAll(cell) => charge_all(cell, position, self.pace),
            Used::ByEach(table) => table.charge(hash(&self.plan.per, request), position, self.pace),
        };
        match said {
            Said::NotBefore(position) => Err(self.pace.until(position, now)),
            Said::Yes | Said::Changed => Ok(()),
        }
    }

    fn refund(&self, request: &dyn RequestView) {
        match &self.used {
            Used::ByAll(cell) => cell.refund(ALL),
            Used::ByEach(table) => table.refund(hash(&self.plan.per, request)),
        }
    }
}

fn charge_all(cell: &Cell, position: u64, pace: Pace) -> Said {
    loop {
        let said = cell.charge(cell.load(), ALL, position, pace);
        if said != Said::Changed {
            return said;
        }
    }
}

/// Who lacks what is counted by is counted with all others who do.
fn hash(key: &RateKey, request: &dyn RequestView) -> u64 {
    match key {
        RateKey::Route => 0,
        RateKey::Client => request.client().map_or(0, network_of),
        RateKey::Header(name) => {
            let mut found = 0;
            request.any_field(name, &mut |line| {
                found = digest(line);
                true
            });
            found
        }
    }
}

/// IPv4 addresses as such, however they came in; of IPv6 the /64, as a client has all of that.
fn network_of(client: IpAddr) -> u64 {
    match client.to_canonical() {
        IpAddr::V4(address) => digest(&address.octets()),
        IpAddr::V6(address) => digest(&address.octets()[..8]),
    }
}

/// The owner of a cell that counts everybody.
const ALL: u64 = 1;
