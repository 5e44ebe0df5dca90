//! What the states of the instances ask for.

use std::sync::Arc;
use std::time::Duration;

use super::{Act, Fleet, Instance, InstanceState, Looks};
use crate::plan::RegisteredBy;
use crate::standing::Standing;
use crate::tick::Tick;

impl Fleet {
    /// All that is due by now.
    pub(super) fn tell_all(&mut self, look: Looks<'_>, now: Tick, acts: &mut Vec<Act>) {
        let plan = &self.plan.lifecycle;
        for one in self.instances.values_mut() {
            let standing = look(&one.id).map(|look| look.standing);
            match one.state {
                InstanceState::Starting if one.is_recalled => acts.extend(one.undrain(standing, now)),
                InstanceState::Starting => acts.extend(one.register(plan.registered_by, standing, now)),
                InstanceState::Draining => acts.extend(one.drain(standing, now)),
                InstanceState::Stopping => {
                    acts.extend(one.deregister(standing, now));
                    acts.extend(one.stop(now));
                }
                InstanceState::Killing => {
                    acts.extend(one.deregister(standing, now));
                    acts.extend(one.kill(plan.stop_timeout, now));
                }
                InstanceState::Ordered | InstanceState::Serving | InstanceState::Down => {}
            }
        }
    }
}

/// Each gives what is to be done, if that is due and needed.
impl Instance {
    fn register(&mut self, by: RegisteredBy, standing: Option<Standing>, now: Tick) -> Option<Act> {
        if !self.telling.is_due(now) {
            return None;
        }
        self.telling.tell();
        let is_known = standing.is_some_and(|standing| standing != Standing::Gone);
        (by == RegisteredBy::Scaler && !is_known).then(|| Act::Register { id: self.id() })
    }

    fn undrain(&mut self, standing: Option<Standing>, now: Tick) -> Option<Act> {
        let is_needed = standing == Some(Standing::Draining) || self.telling.is_fresh();
        self.repeat(is_needed, now)
            .then(|| Act::Undrain { id: self.id() })
    }

    fn drain(&mut self, standing: Option<Standing>, now: Tick) -> Option<Act> {
        let is_needed = may_serve(standing) || self.is_recalled && self.telling.is_fresh();
        self.repeat(is_needed, now).then(|| Act::Drain { id: self.id() })
    }

    fn stop(&mut self, now: Tick) -> Option<Act> {
        if !self.telling.is_due(now) {
            return None;
        }
        self.telling.tell();
        (!self.is_ended_by_others).then(|| Act::Stop { id: self.id() })
    }

    fn kill(&mut self, every: Duration, now: Tick) -> Option<Act> {
        if !self.telling.is_due(now) {
            return None;
        }
        self.telling.tell_each(now, every);
        Some(Act::Kill { id: self.id() })
    }

    /// A registration that did not drain, or is made anew while the instance is stopped.
    fn deregister(&mut self, standing: Option<Standing>, now: Tick) -> Option<Act> {
        if !may_serve(standing) || !self.deregistering.is_due(now) {
            return None;
        }
        self.deregistering.tell_again(now);
        Some(Act::Deregister { id: self.id() })
    }

    fn repeat(&mut self, is_needed: bool, now: Tick) -> bool {
        let is_told = is_needed && self.telling.is_due(now);
        if is_told {
            self.telling.tell_again(now);
        }
        is_told
    }

    fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }
}

/// Whether it is given requests, or could be after its next pass.
fn may_serve(standing: Option<Standing>) -> bool {
    matches!(
        standing,
        Some(Standing::Serving | Standing::Unproved | Standing::Down)
    )
}
