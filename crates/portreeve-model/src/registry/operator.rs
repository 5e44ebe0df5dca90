//! The operator's word.

use std::sync::Arc;

use super::Registry;
use super::event::EventKind;
use super::fault::NotRegistered;
use super::kept::Change;
use super::member::Member;
use super::members::Slot;
use crate::backend::Backend;
use crate::plan::Name;
use crate::registration::{MemberKey, Moment};

impl Registry {
    /// A member gets no new requests until it is undrained, whatever its heartbeats say.
    ///
    /// # Errors
    /// Nobody is registered under that key.
    pub fn drain(&mut self, key: &MemberKey, at: Moment) -> Result<Arc<Backend>, NotRegistered> {
        self.order_drain(key, true, at)
    }

    /// A member gets requests again, if it serves and does not drain by its own word.
    ///
    /// # Errors
    /// Nobody is registered under that key.
    pub fn undrain(&mut self, key: &MemberKey, at: Moment) -> Result<Arc<Backend>, NotRegistered> {
        self.order_drain(key, false, at)
    }

    /// A member is no more; it may register again.
    ///
    /// # Errors
    /// Nobody is registered under that key.
    pub fn remove(&mut self, key: &MemberKey, at: Moment) -> Result<Arc<Backend>, NotRegistered> {
        self.tick(at);
        let slot = self.held(key)?;
        Ok(self.end(slot, EventKind::Removed, Some(OPERATOR.to_owned()), at))
    }

    /// Whether a backend of the file is drained.
    #[must_use]
    pub fn is_drained(&self, pool: &str, label: &str) -> bool {
        // The names come from the operator and are few: a tuple of Arcs cannot be looked up by a tuple of texts.
        !self.drained.is_empty() && self.drained.contains(&(pool.into(), label.into()))
    }

    /// Drains a backend of the file, which need not be there, or lifts that. Whether this changed anything.
    pub fn set_drained(&mut self, pool: &Name, label: &Arc<str>, is_drained: bool) -> bool {
        let named = (Name::clone(pool), Arc::clone(label));
        let is_change = match is_drained {
            true => self.drained.insert(named),
            false => self.drained.remove(&named),
        };
        if is_change {
            let (pool, label) = (Name::clone(pool), Arc::clone(label));
            self.members.touch(&pool);
            self.journal.change(match is_drained {
                true => Change::DrainPut(pool, label),
                false => Change::DrainDelete(pool, label),
            });
        }
        is_change
    }

    /// The backends of the file that are drained, by pool and label.
    pub fn drained(&self) -> impl Iterator<Item = (&Name, &Arc<str>)> {
        self.drained.iter().map(|(pool, label)| (pool, label))
    }

    fn order_drain(
        &mut self,
        key: &MemberKey,
        is_drained: bool,
        at: Moment,
    ) -> Result<Arc<Backend>, NotRegistered> {
        self.tick(at);
        let slot = self.held(key)?;
        if self.members.get(slot).is_drained != is_drained {
            self.redrain(slot, |member| member.is_drained = is_drained, OPERATOR, at);
        }
        Ok(Arc::clone(&self.members.get(slot).backend))
    }

    /// Changes who wants a member to drain, and what follows.
    pub(super) fn redrain(&mut self, slot: Slot, change: impl FnOnce(&mut Member), why: &str, at: Moment) {
        self.note_suspicion(slot, at);
        let member = self.members.get_mut(slot);
        let was_draining = member.is_draining();
        change(member);
        self.journal.put(member);
        if member.is_draining() == was_draining {
            return;
        }
        member.show();
        let kind = match was_draining {
            true => EventKind::Undrained,
            false => EventKind::Draining,
        };
        self.journal.note(kind, member, Some(why.to_owned()), at);
        self.members.touch_of(slot);
    }
}

const OPERATOR: &str = "by the operator's word";
