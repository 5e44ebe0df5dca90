use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use super::*;
use crate::store::EntryKey;
use crate::testing::{Book, announcement, local, open_plan};
use crate::{ControlSettings, Controller};

/// A disk that tests fill up, and what it has.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Default)]
struct DiskState {
    entries: BTreeMap<EntryKey, Entry>,
    commits: usize,
    is_full: bool,
    /// How long each commit takes.
    delay: Duration,
}

impl Disk {
    fn set_full(&self, is_full: bool) {
        self.0.lock().unwrap().is_full = is_full;
    }

    fn commits(&self) -> usize {
        self.0.lock().unwrap().commits
    }

    fn labels(&self) -> Vec<String> {
        let keys = self.0.lock().unwrap().entries.keys().cloned().collect::<Vec<_>>();
        keys.into_iter().map(|key| label(&key)).collect()
    }
}

impl Store for Disk {
    fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.0.lock().unwrap().entries.values().cloned().collect())
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let delay = self.0.lock().unwrap().delay;
        thread::sleep(delay);
        let mut state = self.0.lock().unwrap();
        if state.is_full {
            let (path, source) = ("/full".into(), io::ErrorKind::StorageFull.into());
            return Err(StoreError::Io { path, source });
        }
        state.commits += 1;
        for write in writes {
            match &write.entry {
                Some(entry) => state.entries.insert(write.key.clone(), entry.clone()),
                None => state.entries.remove(&write.key),
            };
        }
        Ok(())
    }
}

fn label(key: &EntryKey) -> String {
    match key {
        EntryKey::Drained(_, label) => label.to_string(),
        other => panic!("{other:?}"),
    }
}

fn entry(label: &str) -> Entry {
    Entry::Drained("pool".into(), label.into())
}

fn put(label: &str) -> Write {
    Write::put(entry(label))
}

fn delete(label: &str) -> Write {
    Write::delete(entry(label).key())
}

fn keeper(disk: &Disk) -> Keeper {
    Keeper::start(Box::new(disk.clone()), Vec::new()).unwrap()
}

#[tokio::test]
async fn what_is_kept_is_on_the_disk_when_that_is_said() {
    let disk = Disk::default();
    let keeper = keeper(&disk);
    assert!(keeper.keep([put("a"), put("b")]).wait().await);
    assert_eq!(disk.labels(), ["a", "b"]);
    assert!(keeper.keep([delete("a")]).wait().await);
    assert_eq!(disk.labels(), ["b"]);
}

#[tokio::test]
async fn while_one_commit_runs_all_others_wait_for_one_more() {
    let disk = Disk::default();
    disk.0.lock().unwrap().delay = Duration::from_millis(50);
    let keeper = keeper(&disk);

    let first = keeper.keep([put("first")]);
    thread::sleep(Duration::from_millis(10));
    let rest: Vec<Saved> = (0..1_000)
        .map(|count| keeper.keep([put(&count.to_string())]))
        .collect();

    assert!(first.wait().await);
    for saved in rest {
        assert!(saved.wait().await);
    }
    assert_eq!(disk.labels().len(), 1_001);
    assert!(disk.commits() <= 3, "{} commits", disk.commits());
}

#[tokio::test]
async fn a_full_disk_is_said_and_made_good_when_there_is_room() {
    let disk = Disk::default();
    let keeper = keeper(&disk);
    assert!(keeper.keep([put("before"), put("gone")]).wait().await);
    disk.set_full(true);

    assert!(!keeper.keep([put("a")]).wait().await);
    let asked = Instant::now();
    assert!(!keeper.keep([put("b"), delete("gone")]).wait().await);
    assert!(
        asked.elapsed() < Duration::from_millis(500),
        "it is known, so nobody waits for the disk"
    );

    disk.set_full(false);
    let recovered = async {
        while disk.labels() != ["a", "b", "before"] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), recovered).await.unwrap();
    let saved = async {
        while !keeper.keep([]).wait().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), saved).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_no_answer_back_for_ever() {
    let disk = Disk::default();
    disk.0.lock().unwrap().delay = Duration::from_secs(4);
    let keeper = keeper(&disk);
    let asked = Instant::now();

    assert!(!keeper.keep([put("a")]).wait().await);

    let waited = asked.elapsed();
    assert!(
        waited >= SAVED_WAIT && waited < Duration::from_secs(4),
        "{waited:?}"
    );
}

#[tokio::test]
async fn closing_writes_what_is_left() {
    let disk = Disk::default();
    let keeper = keeper(&disk);
    drop(keeper.keep([put("a")]));
    keeper.close().await;
    assert_eq!(disk.labels(), ["a"]);
}

#[tokio::test]
async fn a_full_disk_does_not_hold_the_end_up() {
    let disk = Disk::default();
    let keeper = keeper(&disk);
    disk.set_full(true);
    assert!(!keeper.keep([put("a")]).wait().await);
    let before = Instant::now();
    keeper.close().await;
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn without_a_store_nothing_is_said_to_be_stored() {
    let keeper = Keeper::nowhere();
    assert!(!keeper.keep([put("a")]).wait().await);
    keeper.close().await;
}

#[tokio::test]
async fn a_full_disk_stops_no_registration() {
    let disk = Disk::default();
    disk.set_full(true);
    let (settings, book) = (ControlSettings::default(), Arc::<Book>::default());
    let controller =
        Controller::start_keeping(open_plan(), 1, settings, book, keeper(&disk), Vec::new()).await;
    let door = controller.door();
    let register = async |id| door.register(announcement(id, "127.0.0.1:1"), local()).await;

    let unkept = register("a").await.unwrap();
    assert!(unkept.is_new && !unkept.is_stored);
    assert_eq!(controller.snapshots().borrow().pools[0].backends.len(), 1);

    disk.set_full(false);
    let kept = async {
        while !register("a").await.unwrap().is_stored {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), kept).await.unwrap();
    controller.stop().await;
    assert_eq!(disk.0.lock().unwrap().entries.len(), 1);
}
