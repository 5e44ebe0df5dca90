//! Backends with slots and a queue, or none, asked in turn, and clients who come whether they are slow or not.

mod clients;
mod hold;
mod origin;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::clients::Outcome;
use self::clients::Patience;
use self::hold::Hold;
use self::origin::Origin;
use crate::backend::Backend;
use crate::digest::mix;
use crate::ejection::AttemptOutcome;
use crate::lease::Lease;
use crate::plan::{BalancePlan, InFlightPlan};
use crate::pool::Pool;
use crate::samples;
use crate::tick::Tick;

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) struct Simulation {
    pool: Arc<Pool>,
    /// Of each backend of the pool.
    origins: Vec<Origin>,
    turn: usize,
    service: Duration,
    varies: bool,
    /// Of a hundred, that take `slow_service`.
    slow_percent: u64,
    slow_service: Duration,
    rate: u64,
    by_chance: bool,
    circles: bool,
    /// Clients of the circle that are still to come.
    joining: usize,
    patience: Patience,
    dice: u64,
    next_arrival: u64,
    now: u64,
    /// When a client leaves, and the number of its request.
    leavings: BinaryHeap<Reverse<(u64, usize)>>,
    /// With the place of its backend, and when its client came.
    leases: Vec<Option<(Lease, usize, u64)>>,
    /// Who finds no room waits; else he is refused.
    hold: Option<Hold>,
    tunnels: Vec<Lease>,
}

/// What happens next.
enum Event {
    Arrival,
    Leaving,
    /// At the backend of that place.
    End(usize),
    /// At those who are held.
    Look,
}

impl Simulation {
    /// So many at a time, the others in a queue without end.
    pub(super) fn slots(slots: usize, service: Duration) -> Self {
        Self {
            origins: vec![Origin::with_slots(slots)],
            ..Self::delay(service)
        }
    }

    /// All at once.
    pub(super) fn delay(service: Duration) -> Self {
        Self {
            pool: adaptive(1),
            origins: vec![Origin::with_slots(usize::MAX)],
            turn: 0,
            service,
            varies: false,
            slow_percent: 0,
            slow_service: Duration::ZERO,
            rate: 0,
            by_chance: false,
            circles: false,
            joining: 0,
            patience: Patience::Endless,
            dice: 1,
            next_arrival: 1,
            now: 1,
            leavings: BinaryHeap::new(),
            leases: Vec::new(),
            hold: None,
            tunnels: Vec::new(),
        }
    }

    /// So many backends like this one, and as many times the requests.
    pub(super) fn times(mut self, number: usize) -> Self {
        self.pool = adaptive(number);
        self.origins = vec![self.origins[0].clone(); number];
        self.rate *= number as u64;
        self
    }

    pub(super) fn arriving(mut self, rate: u64) -> Self {
        self.rate = rate;
        self
    }

    pub(super) fn unlimited(self) -> Self {
        for backend in &self.pool.backends {
            backend.set_limit(InFlightPlan::Unlimited);
        }
        self
    }

    pub(super) fn seeded(mut self, seed: u64) -> Self {
        self.dice = mix(seed);
        self
    }

    /// Arrivals as a Poisson process.
    pub(super) fn by_chance(mut self) -> Self {
        self.by_chance = true;
        self
    }

    /// Service times between nothing and twice the mean.
    pub(super) fn varying(mut self) -> Self {
        self.varies = true;
        self
    }

    /// So many of a hundred take that long.
    pub(super) fn with_slow(mut self, percent: u64, service: Duration) -> Self {
        (self.slow_percent, self.slow_service) = (percent, service);
        self
    }

    /// Clients leave after so long.
    pub(super) fn leaving_after(mut self, patience: Duration) -> Self {
        self.patience = Patience::Of(patience);
        self
    }

    /// So many of a hundred leave within that time.
    pub(super) fn fickle(mut self, percent: u64, within: Duration) -> Self {
        self.patience = Patience::Fickle(percent, within);
        self
    }

    /// Whether the backend drops what nobody waits for, or works on.
    pub(super) fn noticing(mut self, notices: bool) -> Self {
        for origin in &mut self.origins {
            origin.notices = notices;
        }
        self
    }

    /// Who finds no room waits for it, as in the proxy.
    pub(super) fn holding(mut self) -> Self {
        self.hold = Some(Hold::default());
        self
    }

    /// So many clients come at once, and each asks again when it has its answer.
    pub(super) fn circling(mut self, clients: usize) -> Self {
        self.set_rate(0);
        self.circles = true;
        for _ in 0..clients {
            self.ask(&mut Outcome::default());
        }
        self
    }

    /// So many clients come, so many in a second, and each asks again when it has its answer, or was refused.
    pub(super) fn joining(mut self, clients: usize, rate: u64) -> Self {
        self.circles = true;
        self.joining = clients;
        self.set_rate(rate);
        self
    }

    /// Answered, and in flight for good.
    pub(super) fn with_tunnels(mut self, tunnels: usize) -> Self {
        for _ in 0..tunnels {
            let mut lease = Lease::take(&self.pool.backends[0], self.tick());
            lease.note_answer(self.service, self.tick());
            self.tunnels.push(lease);
        }
        self
    }

    /// The first.
    pub(super) fn backend(&self) -> &Backend {
        &self.pool.backends[0]
    }

    pub(super) fn serve_in(&mut self, service: Duration) {
        self.service = service;
    }

    pub(super) fn set_rate(&mut self, rate: u64) {
        self.rate = rate;
        self.next_arrival = self.now + self.gap();
    }

    /// Until nobody waits that came before.
    pub(super) fn drain(&mut self) {
        while let Some((end, place)) = self.next_end() {
            self.now = end;
            self.end(place, &mut Outcome::default());
        }
        self.set_rate(self.rate);
    }

    pub(super) fn run(&mut self, time: Duration) -> Outcome {
        let until = self.now + Tick::after_start(time).micros();
        let mut outcome = Outcome::default();
        loop {
            let (at, event) = self.next_event();
            self.now = at.min(until);
            if self.now == until {
                return outcome;
            }
            match event {
                Event::Arrival => self.arrive(&mut outcome),
                Event::Leaving => self.leave(&mut outcome),
                Event::End(place) => self.end(place, &mut outcome),
                Event::Look => self.look(&mut outcome),
            }
        }
    }

    fn next_event(&self) -> (u64, Event) {
        let leaving = self.leavings.peek().map(|Reverse((at, _))| *at);
        let look = self.hold.as_ref().and_then(Hold::next_look);
        let end = self.next_end();
        let events = [
            (
                end.map(|(at, _)| at),
                Event::End(end.map_or(0, |(_, place)| place)),
            ),
            (leaving, Event::Leaving),
            (look, Event::Look),
            (Some(self.next_arrival), Event::Arrival),
        ];
        let due = events
            .into_iter()
            .map(|(at, event)| (at.unwrap_or(u64::MAX), event));
        due.min_by_key(|(at, _)| *at).expect("there are four")
    }

    fn next_end(&self) -> Option<(u64, usize)> {
        let ends = self.origins.iter().enumerate();
        ends.filter_map(|(place, origin)| Some((origin.next_end()?, place)))
            .min()
    }

    /// The next in turn that has room.
    fn pick(&mut self) -> Option<(Lease, usize)> {
        self.turn += 1;
        let backends = &self.pool.backends;
        let places = (0..backends.len()).map(|step| (self.turn + step) % backends.len());
        let mut picked =
            places.filter_map(|place| Some((Lease::try_take(&backends[place], self.tick()).ok()?, place)));
        picked.next()
    }

    fn arrive(&mut self, outcome: &mut Outcome) {
        if self.circles {
            self.joining -= 1;
            self.rate = if self.joining == 0 { 0 } else { self.rate };
        }
        self.next_arrival = self.now + self.gap();
        self.ask(outcome);
    }

    fn ask(&mut self, outcome: &mut Outcome) {
        let number = self.leases.len();
        self.leases.push(None);
        match (self.pick(), &mut self.hold) {
            (Some(picked), _) => self.start(picked, number, self.now),
            (None, None) => outcome.refused += 1,
            (None, Some(hold)) => hold.push(number, self.now),
        }
        if let Some(patience) = self.patience() {
            self.leavings.push(Reverse((self.now + patience, number)));
        }
    }

    fn start(&mut self, (lease, place): (Lease, usize), number: usize, came: u64) {
        let service = self.service_time();
        self.leases[number] = Some((lease, place, came));
        self.origins[place].begin(number, service, self.now);
    }

    /// Whoever is done with the backend hands it to those who are held.
    fn offer(&mut self) {
        while self.hold.as_ref().is_some_and(|hold| hold.len() > 0)
            && let Some(picked) = self.pick()
        {
            let first = self.hold.as_mut().and_then(Hold::pop);
            let (number, came) = first.expect("somebody is held");
            self.start(picked, number, came);
        }
    }

    fn look(&mut self, outcome: &mut Outcome) {
        self.offer();
        let sum = |of: fn(&Backend) -> u64| self.pool.backends.iter().map(|backend| of(backend)).sum();
        let waiting = sum(|backend| backend.vitals.waiting().into());
        let served = sum(|backend| backend.vitals.answers_total());
        let refused = match &mut self.hold {
            Some(hold) => hold.look(waiting, served, self.now),
            None => 0,
        };
        outcome.refused += refused;
        let asking_again = if self.circles { refused } else { 0 };
        for _ in 0..asking_again {
            self.ask(outcome);
        }
    }

    fn end(&mut self, place: usize, outcome: &mut Outcome) {
        let Some(number) = self.origins[place].end() else {
            return;
        };
        let Some((mut lease, _, came)) = self.leases[number].take() else {
            return; // its client has left
        };
        let now = self.tick();
        lease.note_answer(now.since(lease.begun), now);
        let served = AttemptOutcome::Answered { is_failure: false };
        self.pool.note_attempt(lease.backend(), served, now);
        outcome.served += 1;
        outcome.latencies.push(self.now - came);
        drop(lease);
        self.offer();
        if self.circles {
            self.ask(outcome);
        }
    }

    fn leave(&mut self, outcome: &mut Outcome) {
        let Some(Reverse((_, number))) = self.leavings.pop() else {
            return;
        };
        if self.hold.as_mut().is_some_and(|hold| hold.leave(number)) {
            outcome.left += 1;
        }
        let Some((lease, place, _)) = self.leases[number].take() else {
            return; // it was answered or refused before, or held
        };
        let now = self.tick();
        lease.note_abandoned(now);
        self.pool.note_attempt(lease.backend(), AttemptOutcome::Left, now);
        self.origins[place].forget(number, self.now);
        outcome.left += 1;
        if let Some(hold) = &mut self.hold {
            hold.note_left();
        }
        drop(lease);
        self.offer();
    }

    fn tick(&self) -> Tick {
        Tick::of_micros(self.now)
    }

    fn gap(&mut self) -> u64 {
        if self.rate == 0 {
            return u64::MAX / 2;
        }
        let mean = 1_000_000 / self.rate;
        match self.by_chance {
            true => scaled(mean, -self.chance().ln()),
            false => mean,
        }
    }

    fn patience(&mut self) -> Option<u64> {
        match self.patience {
            Patience::Endless => None,
            Patience::Of(patience) => Some(Tick::after_start(patience).micros()),
            Patience::Fickle(percent, within) => {
                let leaves = self.chance() * 100.0 <= percent as f64;
                leaves.then(|| scaled(Tick::after_start(within).micros(), self.chance()))
            }
        }
    }

    fn service_time(&mut self) -> u64 {
        if self.slow_percent > 0 && self.chance() * 100.0 <= self.slow_percent as f64 {
            return Tick::after_start(self.slow_service).micros();
        }
        let mean = Tick::after_start(self.service).micros();
        match self.varies {
            true => scaled(mean, self.chance() * 2.0) + 1,
            false => mean,
        }
    }

    /// Above 0, at most 1.
    fn chance(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((mix(self.dice) >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

fn adaptive(backends: usize) -> Arc<Pool> {
    let pool = samples::pool(BalancePlan::RoundRobin, &vec![1; backends]);
    for backend in &pool.backends {
        backend.set_limit(InFlightPlan::Adaptive);
    }
    pool
}

fn scaled(mean: u64, times: f64) -> u64 {
    let mean = Duration::from_micros(mean);
    Tick::after_start(mean.mul_f64(times)).micros()
}
