//! What there is of a fleet: by the marks that its processes carry, and by the notes beside their output.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::birth::Birth;
use super::marks::{self, Marks};
use super::note::{self, Note};
use super::output::{Output, Writer};
use super::port::GivenPort;
use super::shared::Shared;
use super::watch::{Newcomer, Watched};
use crate::id::is_id;
use crate::{DriverFault, Found, FoundState, Secret};

/// All that run, each watched from now on; what is left of others is tidied up.
pub(super) fn list(shared: &Arc<Shared>) -> Result<Vec<Found>, DriverFault> {
    let notes = Note::all(&shared.folder, &shared.whose);
    for newcomer in newcomers(shared, &notes) {
        shared.watch(newcomer)?;
    }
    for note in notes {
        tidy(shared, note);
    }
    let running: Vec<_> = shared.table().running.values().cloned().collect();
    Ok(running.iter().filter_map(|watched| found(watched)).collect())
}

/// One that is not watched yet, if it is ours and runs.
pub(super) fn one(shared: &Arc<Shared>, id: &str, birth: Birth) -> Result<Option<Arc<Watched>>, DriverFault> {
    if let Some(known) = shared.table().find(id, birth) {
        return Ok(Some(known));
    }
    if birth.stat().is_none() || !is_id(id) {
        return Ok(None);
    }
    let note = Note::of(&shared.folder, &shared.whose, id).filter(|note| note.birth == birth);
    let marks = Marks::read(birth.pid, &shared.whose).filter(|marks| marks.id == id);
    match (note, marks) {
        (None, None) => Ok(None),
        (note, marks) => shared.watch(newcomer(id, birth, note.as_ref(), marks)),
    }
}

fn newcomer(id: &str, birth: Birth, note: Option<&Note>, marks: Option<Marks>) -> Newcomer {
    let given = marks.as_ref().and_then(|marks| marks.address);
    let address = note.and_then(|note| note.address).or(given);
    Newcomer {
        id: id.into(),
        birth,
        address,
        token: marks.map_or_else(|| Secret::new(""), |marks| marks.token),
        port: address.map(GivenPort::adopted),
    }
}

/// Of two with one id the one that was noted counts, or else the older: others are its descendants.
fn newcomers(shared: &Shared, notes: &[Result<Note, String>]) -> Vec<Newcomer> {
    let there = |note: &&Note| note.birth.stat().is_some();
    let mut births: BTreeMap<String, Birth> = notes
        .iter()
        .filter_map(|note| note.as_ref().ok())
        .filter(there)
        .map(|note| (note.id.clone(), note.birth))
        .collect();
    let mut marked = BTreeMap::new();
    for (birth, marks) in shared.leaders() {
        if *births.entry(marks.id.clone()).or_insert(birth) == birth {
            marked.insert(marks.id.clone(), marks);
        }
    }
    let noted = |id: &str| {
        notes
            .iter()
            .filter_map(|note| note.as_ref().ok())
            .find(|note| note.id == id)
    };
    let is_new = |id: &str| !shared.table().running.contains_key(id);
    births
        .into_iter()
        .filter(|(id, _)| is_new(id))
        .map(|(id, birth)| newcomer(&id, birth, noted(&id), marked.remove(&id)))
        .collect()
}

/// Ends what is left of an instance that ended when nobody looked, and passes on its last words.
fn tidy(shared: &Shared, note: Result<Note, String>) {
    let (id, birth) = match note {
        Ok(note) => (note.id, Some(note.birth)),
        Err(id) => (id, None),
    };
    let is_there = birth.is_some_and(|birth| birth.stat().is_some());
    if is_there || shared.table().running.contains_key(&*id) {
        return;
    }
    marks::sweep(&shared.whose, &id);
    let writer = Writer {
        pool: shared.whose.pool.clone(),
        fleet: shared.whose.fleet.clone(),
        id: id.as_str().into(),
        token: Secret::new(""),
    };
    Output::open(&note::output(&shared.folder, &id), writer).finish();
    note::remove(&shared.folder, &id);
}

/// Removes output that no note tells of, as a death between the two leaves behind.
pub(super) fn remove_strays(shared: &Shared) {
    let entries = fs::read_dir(shared.folder.path()).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if is_stray(&path) {
            // The next proxy tries again.
            let _ = fs::remove_file(path);
        }
    }
}

fn is_stray(path: &Path) -> bool {
    let is_lone = path.extension().is_some_and(|end| end == "out" || end == "new");
    let age = || fs::metadata(path).ok()?.modified().ok()?.elapsed().ok();
    is_lone && !path.with_extension("run").exists() && age().is_some_and(|age| age > STRAY_AGE)
}

/// Nobody needs so long from the one to the other.
const STRAY_AGE: Duration = Duration::from_secs(600);

fn found(watched: &Watched) -> Option<Found> {
    let stat = watched.birth.stat().filter(|stat| stat.is_alive())?;
    Some(Found {
        id: watched.id.clone(),
        handle: watched.birth.to_string(),
        address: watched.address,
        state: match watched.is_ending() {
            true => FoundState::Ending,
            false => FoundState::Running,
        },
        age: stat.age(),
    })
}
