//! What the calls of one driver and its watches share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portreeve_model::plan::ProcessPlan;
use tokio::sync::watch;

use super::birth::Birth;
use super::marks::{Marks, Strangers, Whose};
use super::watch::{Newcomer, Watched};
use crate::DriverFault;
use crate::folder::Folder;

/// As long as the driver is there, or one of its calls.
pub(super) struct Shared {
    pub(super) whose: Whose,
    pub(super) plan: ProcessPlan,
    pub(super) folder: Folder,
    table: Mutex<Table>,
    strangers: Mutex<Strangers>,
    /// Its end tells the watches that the driver is gone.
    alive: watch::Sender<()>,
}

impl Shared {
    pub(super) fn new(whose: Whose, plan: ProcessPlan, folder: Folder) -> Self {
        Self {
            whose,
            plan,
            folder,
            table: Mutex::default(),
            strangers: Mutex::default(),
            alive: watch::Sender::new(()),
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processes that carry our marks and lead their groups.
    pub(super) fn leaders(&self) -> Vec<(Birth, Marks)> {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.leaders(&self.whose)
    }

    pub(super) fn alive(&self) -> watch::Receiver<()> {
        self.alive.subscribe()
    }

    /// Watches it, once however often it is asked for; `None`: it is over.
    pub(super) fn watch(self: &Arc<Self>, newcomer: Newcomer) -> Result<Option<Arc<Watched>>, DriverFault> {
        let mut table = self.table();
        if let Some(known) = table.find(&newcomer.id, newcomer.birth) {
            return Ok(Some(known));
        }
        let watched = newcomer.watch(self)?;
        if let Some(watched) = &watched {
            table.running.insert(watched.id.clone(), watched.clone());
        }
        Ok(watched)
    }
}

/// Who is watched, and who was until lately.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) running: BTreeMap<Arc<str>, Arc<Watched>>,
    over: VecDeque<Arc<Watched>>,
}

impl Table {
    pub(super) fn find(&self, id: &str, birth: Birth) -> Option<Arc<Watched>> {
        let is_it = |watched: &&Arc<Watched>| *watched.id == *id && watched.birth == birth;
        let running = self.running.get(id).filter(is_it);
        running.or_else(|| self.over.iter().find(is_it)).cloned()
    }

    pub(super) fn is_over(&mut self, watched: &Arc<Watched>) {
        if self
            .running
            .get(&watched.id)
            .is_some_and(|known| known.birth == watched.birth)
        {
            self.running.remove(&watched.id);
        }
        self.over.push_back(watched.clone());
        if self.over.len() > OVER_MAX {
            self.over.pop_front();
        }
    }
}

/// Of so many it can still be said how they ended.
const OVER_MAX: usize = 256;
