//! Who comes first: backends in the proxy's own zone, then those of others, then backups.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::manner::Manner;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::balance::Balance;
use crate::balance::extent::Extent;
use crate::balance::shares::{scale, weight};
use crate::cursor::Cursor;
use crate::digest::mix;
use crate::gate::Room;
use crate::standing::Standing;
use crate::tick::Tick;

/// How near a backend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// In the proxy's zone.
    Near,
    /// In another, or nobody knows where; all of them where the proxy does not know where it is itself.
    Far,
    /// For when nobody else is left, wherever it is.
    Backup,
}

impl Rank {
    pub(super) fn of(backend: &Backend, manner: &Manner) -> Self {
        if backend.is_backup {
            Self::Backup
        } else if manner.zone.is_some() && backend.zone == manner.zone {
            Self::Near
        } else {
            Self::Far
        }
    }
}

/// The tiers of a group, the nearest first; nearly always one.
#[derive(Debug)]
pub(super) struct Tiers {
    first: Tier,
    further: Vec<Tier>,
}

impl Tiers {
    /// Of `backends`, which are sorted by rank; `others` are those that may not serve now. With `before` turns go on.
    pub(super) fn lay_out(
        backends: &[Arc<Backend>],
        others: &[Arc<Backend>],
        (manner, extent): (&Manner, Extent),
        before: Option<(&Self, &[Arc<Backend>])>,
    ) -> Self {
        let ranks = [Rank::Near, Rank::Far, Rank::Backup];
        let begin = |rank| backends.partition_point(|backend| Rank::of(backend, manner) < rank);
        let end = |rank| backends.partition_point(|backend| Rank::of(backend, manner) <= rank);
        let lay_out = |rank: Rank, range: Range<usize>| {
            let missing = others.iter().filter(|other| Rank::of(other, manner) == rank);
            let missing = missing.map(|backend| weight(backend)).sum();
            Tier::lay_out(rank, range, (backends, missing), (manner, extent), before)
        };
        let mut tiers = ranks
            .map(|rank| (rank, begin(rank)..end(rank)))
            .into_iter()
            .filter(|(_, range)| !range.is_empty())
            .map(|(rank, range)| lay_out(rank, range));
        let first = tiers.next().unwrap_or_else(|| lay_out(Rank::Far, 0..0));
        Self {
            first,
            further: tiers.collect(),
        }
    }

    pub(super) fn first(&self) -> &Tier {
        &self.first
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Tier> + Clone {
        std::iter::once(&self.first).chain(&self.further)
    }

    /// Whether somebody nearer than this one could be asked.
    pub(super) fn is_further(&self, tier: &Tier) -> bool {
        tier.rank != self.first.rank
    }

    /// Where this request should go: to the first tier, as long as enough of it serves; a share of the requests to the
    /// next one otherwise. Backups are not asked here.
    pub(super) fn nearest(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> &Tier {
        let mut next = self.further.iter().filter(|tier| tier.rank != Rank::Backup);
        let mut nearest = &self.first;
        let mut dice = ask.dice;
        for tier in &mut next {
            dice = mix(dice);
            if nearest.keeps(backends, ask.now, dice) {
                break;
            }
            nearest = tier;
        }
        nearest
    }
}

/// Backends of one rank.
#[derive(Debug)]
pub(super) struct Tier {
    pub(super) rank: Rank,
    range: Range<usize>,
    pub(super) balance: Balance,
    /// Lives on from snapshot to snapshot.
    cursor: Arc<Cursor>,
    /// The weight of those that may not serve now.
    missing: u64,
    need: Need,
}

impl Tier {
    fn lay_out(
        rank: Rank,
        range: Range<usize>,
        (backends, missing): (&[Arc<Backend>], u64),
        (manner, extent): (&Manner, Extent),
        before: Option<(&Tiers, &[Arc<Backend>])>,
    ) -> Self {
        let own = &backends[range.clone()];
        let mut balance = Balance::new(&manner.balance, own, extent, manner.slow_start());
        let before = before.and_then(|(tiers, backends)| {
            let same = tiers.iter().find(|tier| tier.rank == rank)?;
            Some((same, same.of(backends)))
        });
        if let Some((before, those)) = before {
            balance.go_on(own, &before.balance, those, &before.cursor);
        }
        Self {
            rank,
            range,
            balance,
            cursor: before
                .map(|(before, _)| Arc::clone(&before.cursor))
                .unwrap_or_default(),
            missing,
            need: Need::default(),
        }
    }

    /// Its own, of all in the group.
    pub(super) fn of<'b>(&self, backends: &'b [Arc<Backend>]) -> &'b [Arc<Backend>] {
        &backends[self.range.clone()]
    }

    /// The place, among its own, of one untried backend.
    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        self.balance.choose(self.of(backends), ask, &self.cursor)
    }

    /// Whether this request stays here, for all that those are busy with who still serve.
    fn keeps(&self, backends: &[Arc<Backend>], now: Tick, dice: u64) -> bool {
        let met = self.need.met(now, || self.met(backends, now));
        scale(dice, Need::WHOLE) < met
    }

    /// How much of what should be done here can be done here, in 65,536ths.
    fn met(&self, backends: &[Arc<Backend>], now: Tick) -> u64 {
        let weigh = |is_asked: fn(&Backend, Tick) -> bool| -> u64 {
            let asked = self.of(backends).iter().filter(|backend| is_asked(backend, now));
            asked.map(|backend| weight(backend)).sum()
        };
        let whole = self.missing + weigh(|backend, _| backend.standing() != Standing::Gone);
        let serving = weigh(is_healthy);
        // What each can carry beyond its share: 1.4 times, as Envoy has it.
        (serving * Need::WHOLE * 7 / 5)
            .checked_div(whole)
            .map_or(0, |met| met.min(Need::WHOLE))
    }
}

fn is_healthy(backend: &Backend, now: Tick) -> bool {
    backend.standing() == Standing::Serving && backend.room(now) != Room::Out
}

/// How much of a need is met, as of the last hundredth of a second: looking at everybody for each request would cost
/// more than it is worth.
#[derive(Debug, Default)]
struct Need(AtomicU64);

impl Need {
    const WHOLE: u64 = 1 << 16;

    /// What `look` says, up to 10 ms ago.
    fn met(&self, now: Tick, look: impl FnOnce() -> u64) -> u64 {
        let (period, known) = (now.micros() / PERIOD_US + 1, self.0.load(Relaxed));
        if known / SCALE == period {
            return known % SCALE;
        }
        let met = look();
        self.0.store(period * SCALE + met, Relaxed);
        met
    }
}

const PERIOD_US: u64 = 10_000;
/// A power of two above [`Need::WHOLE`].
const SCALE: u64 = 1 << 17;
