//! What the registry's word and the passing of time make of the instances.

use std::sync::Arc;

use super::back_off::SETTLED;
use super::telling::REPEAT_MIN;
use super::{Fleet, FleetEventKind, Instance, InstanceState, Look, Looks};
use crate::standing::Standing;
use crate::tick::Tick;

/// What becomes of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It is there, though the driver has not said so.
    Began,
    /// It serves for the first time.
    Passed,
    /// It serves again.
    Rose,
    /// It serves no more.
    Fell,
    /// It has served for long enough.
    Settled,
    /// It drains, though we did not want that.
    Left,
    /// It drains no more, and we had not wanted it to.
    Stayed,
    /// It did not serve in time.
    TimedOut,
    /// It was down for too long.
    Hung,
    /// It has finished its requests, or its time to do so is over.
    Drained,
    /// It did not end when it was asked to.
    Resisted,
    /// The driver has not had it for a while, and it does not serve.
    Vanished,
}

impl Fleet {
    /// Until nothing more comes of it.
    pub(super) fn look_at_all(&mut self, look: Looks<'_>, now: Tick) {
        while self.look_once(look, now) {}
    }

    /// Whether something changed. No instance takes two turns back and forth on the same word at the same time.
    fn look_once(&mut self, look: Looks<'_>, now: Tick) -> bool {
        let turns = self.instances.values().filter_map(|one| {
            let turn = self.turn(one, look(&one.id), now)?;
            Some((Arc::clone(&one.id), turn))
        });
        let turns: Vec<_> = turns.collect();
        for (id, turn) in &turns {
            self.take_turn(id, *turn, now);
        }
        !turns.is_empty()
    }

    fn turn(&self, one: &Instance, look: Option<Look>, now: Tick) -> Option<Turn> {
        let standing = look.map(|look| look.standing);
        let is_serving = standing == Some(Standing::Serving);
        if one.unlisted >= UNLISTED_MAX && !is_serving {
            return Some(Turn::Vanished);
        }
        match one.state {
            InstanceState::Ordered | InstanceState::Starting => self.turn_of_new(one, standing, now),
            InstanceState::Serving => match standing {
                Some(Standing::Serving) => one.is_settling(now).then_some(Turn::Settled),
                Some(Standing::Draining) => Some(Turn::Left),
                _ => Some(Turn::Fell),
            },
            InstanceState::Down => match standing {
                Some(Standing::Serving) => Some(Turn::Rose),
                Some(Standing::Draining) => Some(Turn::Left),
                _ => one
                    .is_for(self.plan.lifecycle.replace_after, now)
                    .then_some(Turn::Hung),
            },
            InstanceState::Draining if is_serving && one.is_drained_by_others() => Some(Turn::Stayed),
            InstanceState::Draining => self.is_drained(one, look, now).then_some(Turn::Drained),
            InstanceState::Stopping => one
                .is_for(self.plan.lifecycle.stop_timeout, now)
                .then_some(Turn::Resisted),
            InstanceState::Killing => None,
        }
    }

    fn turn_of_new(&self, one: &Instance, standing: Option<Standing>, now: Tick) -> Option<Turn> {
        let is_late = now >= self.start_deadline(one);
        match standing {
            Some(Standing::Serving) if one.is_just_recalled(now) => None,
            Some(Standing::Serving) if one.first_pass.is_some() => Some(Turn::Rose),
            Some(Standing::Serving) => Some(Turn::Passed),
            Some(Standing::Draining) if !one.is_recalled || is_late => Some(Turn::Left),
            Some(Standing::Draining) => None,
            _ if one.is_recalled => Some(Turn::Fell),
            _ if is_late => Some(Turn::TimedOut),
            Some(Standing::Unproved | Standing::Down) if one.state == InstanceState::Ordered => {
                Some(Turn::Began)
            }
            _ => None,
        }
    }

    /// It has nothing to finish, or no more time. As long as it may still be given requests it has not begun to drain.
    fn is_drained(&self, one: &Instance, look: Option<Look>, now: Tick) -> bool {
        one.is_for(self.plan.lifecycle.drain_timeout, now)
            || match look {
                None => true,
                Some(look) => match look.standing {
                    Standing::Gone => true,
                    Standing::Draining => look.in_flight == 0 && !one.is_just_recalled(now),
                    Standing::Serving | Standing::Unproved | Standing::Down => false,
                },
            }
    }

    fn take_turn(&mut self, id: &Arc<str>, turn: Turn, now: Tick) {
        match turn {
            Turn::Began => self.turn_to(id, InstanceState::Starting, FleetEventKind::Started, now),
            Turn::Passed => self.pass(id, now),
            Turn::Rose => self.turn_to(id, InstanceState::Serving, FleetEventKind::Up, now),
            Turn::Fell => self.turn_to(id, InstanceState::Down, FleetEventKind::Down, now),
            Turn::Settled => self.settle(id),
            Turn::Left => self.turn_to(id, InstanceState::Draining, FleetEventKind::Draining, now),
            Turn::Stayed => self.turn_to(id, InstanceState::Serving, FleetEventKind::Recalled, now),
            Turn::TimedOut => self.replace(id, FleetEventKind::StartTimedOut, now),
            Turn::Hung => self.replace(id, FleetEventKind::Hung, now),
            Turn::Drained => self.turn_to(id, InstanceState::Stopping, FleetEventKind::Stopping, now),
            Turn::Resisted => self.turn_to(id, InstanceState::Killing, FleetEventKind::Killed, now),
            Turn::Vanished => self.ended(id, now),
        }
    }

    /// It is in this state from now on, by this event.
    pub(super) fn turn_to(&mut self, id: &str, state: InstanceState, kind: FleetEventKind, now: Tick) {
        if let Some(one) = self.instances.get_mut(id) {
            one.enter(state, now);
            one.is_recalled = false;
            one.is_ours_to_recall = false;
            self.note(id, kind, now);
        }
    }

    /// How long one that was there before took to start is not known.
    fn pass(&mut self, id: &str, now: Tick) {
        let Some(one) = self.instances.get_mut(id) else {
            return;
        };
        one.first_pass = Some(now);
        let took = now.since(one.ordered_at);
        if one.is_adopted {
            self.turn_to(id, InstanceState::Serving, FleetEventKind::Up, now);
        } else {
            self.back_off.passed();
            self.turn_to(id, InstanceState::Serving, FleetEventKind::Serving { took }, now);
        }
    }

    fn settle(&mut self, id: &str) {
        if let Some(one) = self.instances.get_mut(id) {
            one.is_settled = true;
            self.back_off.settled();
        }
    }
}

impl Instance {
    fn is_settling(&self, now: Tick) -> bool {
        !self.is_settled && self.first_pass.is_some_and(|pass| now.since(pass) >= SETTLED)
    }

    /// It is recalled, or leaves though it was, and what it was told before may come about only now.
    fn is_just_recalled(&self, now: Tick) -> bool {
        self.is_recalled && !self.is_for(REPEAT_MIN, now)
    }

    /// By the operator, or by its own word: who began it may end it.
    fn is_drained_by_others(&self) -> bool {
        !self.is_ours_to_recall && !self.is_ended_by_others
    }
}

/// So many lists, one after the other, must lack one that was not told to end.
const UNLISTED_MAX: u8 = 2;
