//! How backends do, and what that keeps away from them.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::{
    Ask, AttemptOutcome, Backend, Group, Lease, NotPicked, Policies, Pool, Report, Room, Standing, Tick,
    Tried, Why,
};

use super::{History, name};

impl History {
    pub(super) fn tick(&self) -> Tick {
        Tick::after_start(self.naive.now)
    }

    /// Some backend does badly, or well again, or says something of itself.
    pub(super) fn change_room(&mut self) {
        let Some((pool, backend)) = self.any_backend() else {
            return;
        };
        let now = self.tick();
        let what = match self.dice.below(8) {
            0 | 1 => {
                pool.note_attempt(&backend, AttemptOutcome::Failed, now);
                "fails"
            }
            2 => {
                pool.note_attempt(&backend, AttemptOutcome::Answered { is_failure: false }, now);
                Lease::take(&backend, now).note_answer(Duration::from_millis(3), now);
                "answers"
            }
            3 => {
                pool.note_pass(&backend, now);
                "passes"
            }
            4 => {
                backend.pass_over(now.plus(Duration::from_secs(2)));
                "wants to be left alone"
            }
            5 => {
                let (load, in_flight) = (Some(0.9), Some(30));
                backend.report(Report { load, in_flight }, now);
                "reports"
            }
            _ if self.hung.is_empty() => {
                // Without an answer to any of them it is stalled some time later.
                self.hung.extend((0..9).map(|_| Lease::take(&backend, now)));
                "hangs"
            }
            _ => {
                self.hung.clear();
                return;
            }
        };
        self.note(format!("{} {what}: {:?}", name(&backend), backend.room(now)));
    }

    /// What came of an attempt, in the newest pool that has the backend, as the proxy's workers tell it.
    pub(super) fn tell(&self, backend: &Backend, outcome: AttemptOutcome) {
        let has = |pool: &&Arc<Pool>| pool.backends.iter().any(|one| one.id == backend.id);
        if let Some(pool) = self.latest.pools.iter().find(has) {
            pool.note_attempt(backend, outcome, self.tick());
        }
    }

    /// Another backend of the group, as the proxy asks for one.
    pub(super) fn pick(&mut self, group: &Group, tried: &Tried) -> Result<Lease, NotPicked> {
        let roll = self.dice.roll();
        let client_was_there = self.any_backend().filter(|_| roll.is_multiple_of(3));
        let picked = group.pick(&Ask {
            key: roll >> 32,
            dice: roll,
            tried,
            now: self.tick(),
            sticky: client_was_there.map(|(_, backend)| backend.sticky_key()),
        });
        match &picked {
            Err(NotPicked::Full) => self.sums.full += 1,
            Err(NotPicked::Nobody) => {}
            Ok(lease) if lease.why() == Why::UseAll => self.sums.last_resort += 1,
            Ok(lease) if lease.why() == Why::Trial => self.sums.trials += 1,
            Ok(lease) if lease.why() == Why::Sticky => self.sums.sticky += 1,
            Ok(lease) if lease.why() == Why::Spill => self.sums.spilled += 1,
            Ok(lease) if lease.backend().is_stalled(self.tick()) => self.sums.stalled += 1,
            Ok(_) => {}
        }
        picked
    }

    /// Why nobody may be found among those of the newest pool who may serve; `None` if somebody should have been.
    pub(super) fn excuse(&self, pool: &str, demanded: &Policies) -> Option<NotPicked> {
        let pools = self.latest.pools.iter().filter(|one| *one.name == *pool);
        let all = pools.flat_map(|pool| &pool.backends);
        let able =
            all.filter(|backend| backend.standing() == Standing::Serving && backend.may_serve(demanded));
        let (backups, others): (Vec<_>, Vec<_>) = able.partition(|backend| backend.is_backup);
        let is = |one: &&Arc<Backend>, room| one.room(self.tick()) == room;
        let asked = match others.iter().any(|one| is(one, Room::Full)) {
            true => others,
            false => others.into_iter().chain(backups).collect(),
        };
        let has = |room| asked.iter().any(|one| is(one, room));
        match has(Room::Free) || has(Room::Shy) {
            true => None,
            false if has(Room::Full) => Some(NotPicked::Full),
            false => Some(NotPicked::Nobody),
        }
    }

    fn any_backend(&mut self) -> Option<(Arc<Pool>, Arc<Backend>)> {
        let latest = Arc::clone(&self.latest);
        let pools: Vec<_> = latest
            .pools
            .iter()
            .filter(|pool| !pool.backends.is_empty())
            .collect();
        if pools.is_empty() {
            return None;
        }
        let pool = *self.dice.one_of(&pools);
        Some((Arc::clone(pool), Arc::clone(self.dice.one_of(&pool.backends))))
    }
}
