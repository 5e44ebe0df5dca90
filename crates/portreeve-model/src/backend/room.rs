//! Whether a backend that serves may be given one request more, and what changes that.

use std::time::Duration;

use super::Backend;
use crate::ejection::{Ejected, EjectedBy, Trial};
use crate::gate::Room;
use crate::plan::{EjectionPlan, InFlightPlan};
use crate::report::Report;
use crate::tick::Tick;

impl Backend {
    /// Whether it may be given one request more. Says nothing of its standing.
    #[must_use]
    pub fn room(&self, now: Tick) -> Room {
        self.room_for(self.in_flight().saturating_add(1), now)
    }

    /// The same for one of so many in flight, the asker's included.
    #[must_use]
    pub fn room_for(&self, in_flight: u32, now: Tick) -> Room {
        let others = in_flight.saturating_sub(1);
        let room = match self.gate.is_open_to(in_flight) {
            true => Room::Free,
            false => self.gate.look_closer(in_flight, &self.vitals, now),
        };
        match room {
            Room::Free if self.vitals.wants_peace(others, now) => Room::Shy,
            _ => room,
        }
    }

    /// How much of its share it should get: from 0.1 to 1 within `slow_start` after it came to serve or came back from
    /// an ejection. Who asks first after that begins it.
    #[must_use]
    pub fn warmth(&self, now: Tick, slow_start: Duration) -> f32 {
        self.warmth.get(now, slow_start)
    }

    /// The same for who only looks, as for a page: that begins nothing.
    #[must_use]
    pub fn warmth_seen(&self, now: Tick, slow_start: Duration) -> f32 {
        self.warmth.seen(now, slow_start)
    }

    /// It wants no requests until then (`Retry-After`): others are asked first. The caller bounds it.
    pub fn pass_over(&self, until: Tick) {
        self.gate.pass_over(until);
    }

    /// What it says of its own load. What cannot be true is ignored, and counted.
    pub fn report(&self, report: Report, now: Tick) {
        self.report.put(report, now);
    }

    /// What it said last of its own load, if that was not more than 30 s ago.
    #[must_use]
    pub fn reported(&self, now: Tick) -> Option<Report> {
        self.report.get(now)
    }

    /// How many reports said what cannot be true.
    #[must_use]
    pub fn reports_ignored_total(&self) -> u64 {
        self.report.ignored_total()
    }

    /// How many it may have in flight. What was found out stays if that is no news.
    pub fn set_limit(&self, plan: InFlightPlan) {
        if self.gate.limiter.follow(plan) {
            self.gate.settle();
        }
    }

    /// How many it may have in flight now, those left out that are answered if this was found out from latency; `None`:
    /// as many as come.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        let limit = self.gate.limiter.limit();
        (limit != u32::MAX).then_some(limit)
    }

    /// Whether it is ejected, and why; until a request or a probe has shown that it may serve again.
    #[must_use]
    pub fn ejection(&self) -> Option<Ejected> {
        self.gate.ejection.ejected()
    }

    /// Whether it has several requests in flight and answers none of them.
    #[must_use]
    pub fn is_stalled(&self, now: Tick) -> bool {
        self.vitals.is_stalled(self.in_flight(), now)
    }

    /// Whether it is stalled, and for so long that whoever left can have left because of that.
    pub(crate) fn is_silent(&self, now: Tick) -> bool {
        self.is_stalled(now) && self.vitals.is_silent(now)
    }

    pub(crate) fn is_ejected(&self) -> bool {
        !self.gate.ejection.is_admitted()
    }

    /// Whether one of so many in flight, the asker's included, may go to it. One that is ejected gives one request at a
    /// time the right to be its trial.
    pub(crate) fn enter(&self, in_flight: u32, now: Tick) -> Result<Option<Trial>, Room> {
        if self.gate.is_open_to(in_flight) {
            return Ok(None);
        }
        if !self.gate.limiter.allows(in_flight, &self.vitals, now) {
            return Err(Room::Full);
        }
        self.gate.ejection.claim(now).map_err(|()| Room::Out)
    }

    pub(crate) fn release(&self, trial: Trial) {
        self.gate.ejection.release(trial);
    }

    /// Ejects it; whether it was not already.
    pub(crate) fn eject(&self, by: EjectedBy, plan: &EjectionPlan, now: Tick) -> bool {
        let is_done = self.gate.ejection.eject(by, plan, now);
        if is_done {
            self.note_ejection(by);
        }
        is_done
    }

    /// A request failed; what it stays ejected by if that was its trial.
    pub(crate) fn fail_trial(&self, plan: &EjectionPlan, now: Tick) -> Option<EjectedBy> {
        if self.gate.ejection.is_admitted() {
            return None;
        }
        let by = self.gate.ejection.failed(plan, now)?;
        self.note_ejection(by);
        Some(by)
    }

    /// A request was answered well.
    pub(crate) fn note_success(&self, now: Tick) {
        self.vitals.note_success();
        self.learn(now);
        if self.is_ejected() && self.gate.ejection.succeeded(now) {
            self.come_back();
        }
    }

    /// A request that it had whole was given up after so long, without an answer.
    pub(crate) fn note_abandoned(&self, waited: Duration, now: Tick) {
        self.gate.limiter.note_abandoned(waited, now);
        self.learn(now);
    }

    fn learn(&self, now: Tick) {
        let limiter = &self.gate.limiter;
        if limiter.is_due(now) && limiter.learn(&self.vitals, now) {
            self.gate.settle();
        }
    }

    /// A probe passed.
    pub(crate) fn readmit(&self, plan: &EjectionPlan, now: Tick) -> bool {
        let is_done = self.gate.ejection.lift(plan, now);
        if is_done {
            self.come_back();
        }
        is_done
    }

    fn note_ejection(&self, by: EjectedBy) {
        self.vitals.note_success();
        self.vitals.note_ejection(by);
        self.gate.settle();
    }

    fn come_back(&self) {
        self.vitals.note_success();
        self.warmth.reset();
        self.gate.settle();
    }
}
