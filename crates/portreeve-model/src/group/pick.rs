//! Choosing where the first choice cannot have the request.

use std::sync::Arc;

use super::Group;
use super::tier::{Rank, Tier};
use crate::ask::{Ask, NotPicked};
use crate::backend::Backend;
use crate::balance::shares::draw_of;
use crate::digest::mix;
use crate::gate::Room;
use crate::lease::Lease;
use crate::plan::FailMode;
use crate::standing::Standing;
use crate::why::Why;

impl Group {
    /// Where a sticky client has been, whether anybody else should be asked first or not: what it wants is there.
    pub(super) fn pick_known(&self, ask: &Ask<'_>) -> Option<Lease> {
        let places = self.places.find(ask.sticky?);
        let mut known = places.map(|place| &self.backends[place]).filter(|backend| {
            !ask.tried.contains(backend.id) && matches!(backend.room(ask.now), Room::Free | Room::Shy)
        });
        known.find_map(|backend| self.lease(backend, Why::Sticky, ask))
    }

    pub(super) fn choose(&self, tier: &Tier, ask: &Ask<'_>) -> Option<usize> {
        tier.choose(&self.backends, ask)
    }

    /// A lease on who was chosen, if nothing at all speaks against it.
    pub(super) fn take(&self, tier: &Tier, place: usize, ask: &Ask<'_>) -> Option<Lease> {
        let backend = &tier.of(&self.backends)[place];
        let is_warm = |backend| self.manner.slow_start().lets(backend, ask.now, ask.dice);
        if backend.room(ask.now) != Room::Free || !is_warm(backend) {
            return None;
        }
        let why = tier.balance.why(ask);
        self.lease(backend, self.why_there(tier, why), ask)
    }

    /// The one who was chosen cannot have it: somebody else who is free has, of this tier or another; else somebody who
    /// is shy. Backups are not asked while another is only full.
    #[cold]
    pub(super) fn pick_other(
        &self,
        nearest: &Tier,
        refused: Option<usize>,
        ask: &Ask<'_>,
    ) -> Result<Lease, NotPicked> {
        let refused = refused.map(|place| &nearest.of(&self.backends)[place]);
        let others = self.tiers.iter().filter(|tier| tier.rank != nearest.rank);
        let tiers = std::iter::once(nearest).chain(others);
        let is_backup = |tier: &Tier| tier.rank == Rank::Backup;
        let is_full = |tier: &Tier| self.has(tier, Room::Full, ask);
        let may_another = || tiers.clone().any(|tier| !is_backup(tier) && is_full(tier));
        let open = tiers.clone().filter(|tier| !is_backup(tier) || !may_another());
        if let Some(lease) = open.clone().find_map(|tier| self.pick_free(tier, refused, ask)) {
            return Ok(lease);
        }
        if let Some(lease) = open.clone().find_map(|tier| self.draw(tier, Room::Shy, ask)) {
            return Ok(lease);
        }
        // Whoever had no room a moment ago may have some by now: it is waited for, which takes no time then.
        match open.clone().any(|tier| self.has_any(tier, ask)) {
            true => Err(NotPicked::Full),
            false => self.pick_unhealthy(ask),
        }
    }

    /// One of the tier who is free: as it is balanced, else by chance.
    fn pick_free(&self, tier: &Tier, refused: Option<&Arc<Backend>>, ask: &Ask<'_>) -> Option<Lease> {
        if !self.has(tier, Room::Free, ask) {
            return None;
        }
        let mut tried = *ask.tried;
        let mut last = refused.map(|backend| backend.id);
        let mut dice = ask.dice;
        loop {
            if last.is_some_and(|id| !tried.insert(id)) {
                break;
            }
            dice = mix(dice);
            let ask = Ask {
                tried: &tried,
                dice,
                ..*ask
            };
            let Some(place) = self.choose(tier, &ask) else {
                break;
            };
            if let Some(lease) = self.take(tier, place, &ask) {
                return Some(lease);
            }
            last = Some(tier.of(&self.backends)[place].id);
        }
        self.draw(tier, Room::Free, ask)
    }

    /// One of the tier of whom `wanted` is true, by weight.
    fn draw(&self, tier: &Tier, wanted: Room, ask: &Ask<'_>) -> Option<Lease> {
        let own = tier.of(&self.backends).iter();
        let open = own.filter(|backend| self.is(backend, wanted, ask));
        let backend = draw_of(open, mix(ask.dice))?;
        self.lease(backend, self.why_there(tier, Why::Chance), ask)
    }

    /// Nobody is healthy. If the pool says so, one that is ejected serves, else one that is down.
    fn pick_unhealthy(&self, ask: &Ask<'_>) -> Result<Lease, NotPicked> {
        if self.manner.fail_mode != FailMode::UseAll {
            return Err(NotPicked::Nobody);
        }
        let known = self.backends.iter().chain(&self.others);
        let has_room = |backend: &Backend| backend.limit().is_none_or(|limit| backend.in_flight() < limit);
        let untried = known.filter(|backend| !ask.tried.contains(backend.id) && has_room(backend));
        let at = |standing| {
            untried
                .clone()
                .filter(move |backend| backend.standing() == standing)
        };
        let picked =
            draw_of(at(Standing::Serving), ask.dice).or_else(|| draw_of(at(Standing::Down), ask.dice));
        let lease = picked.map(|backend| Lease::take(backend, ask.now).because(Why::UseAll));
        lease
            .filter(|lease| lease.may_serve(&self.policies))
            .ok_or(NotPicked::Nobody)
    }

    fn has(&self, tier: &Tier, room: Room, ask: &Ask<'_>) -> bool {
        let mut own = tier.of(&self.backends).iter();
        own.any(|backend| self.is(backend, room, ask))
    }

    /// Whether one of the tier could have it but for room.
    fn has_any(&self, tier: &Tier, ask: &Ask<'_>) -> bool {
        let mut own = tier.of(&self.backends).iter();
        own.any(|backend| self.may(backend, ask) && backend.room(ask.now) != Room::Out)
    }

    /// Whether it is untried, may serve, and has this room.
    fn is(&self, backend: &Backend, room: Room, ask: &Ask<'_>) -> bool {
        self.may(backend, ask) && backend.room(ask.now) == room
    }

    fn may(&self, backend: &Backend, ask: &Ask<'_>) -> bool {
        !ask.tried.contains(backend.id) && backend.standing() == Standing::Serving
    }

    /// Counts the request in, and looks once more.
    fn lease(&self, backend: &Arc<Backend>, why: Why, ask: &Ask<'_>) -> Option<Lease> {
        let lease = Lease::try_take(backend, ask.now).ok()?.because(why);
        lease.may_serve(&self.policies).then_some(lease)
    }

    fn why_there(&self, tier: &Tier, why: Why) -> Why {
        if self.tiers.is_further(tier) {
            Why::Spill
        } else {
            why
        }
    }
}
