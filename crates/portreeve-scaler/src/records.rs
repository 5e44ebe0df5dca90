//! What of the instances must survive a restart and is nowhere else: their tokens.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portreeve_driver::Secret;
use serde::{Deserialize, Serialize};

use crate::names::FleetKey;

/// The tokens of instances, by id; in a file that only we may read, written anew at each change.
#[derive(Debug, Default)]
pub(crate) struct Records {
    path: Option<PathBuf>,
    kept: Mutex<BTreeMap<Arc<str>, Record>>,
    /// Those of an earlier process: whether these are there still is to be found out.
    inherited: Mutex<Vec<(Arc<str>, FleetKey)>>,
    /// Held while the file is written: the last change is written last.
    writing: tokio::sync::Mutex<()>,
}

/// What is kept of one instance.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) key: FleetKey,
    pub(crate) token: Secret,
}

/// As it stands in the file.
#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    pool: String,
    fleet: String,
    token: String,
}

impl Records {
    /// Those in this folder, which is made when there is something to keep; `None`: nothing survives. What cannot be read is
    /// set aside and told.
    pub(crate) fn load(folder: Option<&Path>) -> Self {
        let path = folder.map(|folder| folder.join(FILE));
        let lines = path.as_deref().map(read).unwrap_or_default();
        let kept = lines.into_iter().map(|line| {
            let key = FleetKey {
                pool: line.pool.into(),
                fleet: line.fleet.into(),
            };
            let token = Secret::new(line.token);
            (line.id.into(), Record { key, token })
        });
        let records = Self {
            kept: Mutex::new(kept.collect()),
            path,
            ..Self::default()
        };
        *records.inherited() = records.all();
        records
    }

    /// Those of this fleet that an earlier process kept, once.
    pub(crate) fn take_inherited(&self, key: &FleetKey) -> Vec<Arc<str>> {
        let mut inherited = self.inherited();
        let taken = inherited.extract_if(.., |(_, of)| of == key);
        taken.map(|(id, _)| id).collect()
    }

    pub(crate) fn token(&self, id: &str) -> Option<Secret> {
        self.lock().get(id).map(|record| record.token.clone())
    }

    /// All, by id.
    pub(crate) fn all(&self) -> Vec<(Arc<str>, FleetKey)> {
        let kept = self.lock();
        let all = kept
            .iter()
            .map(|(id, record)| (Arc::clone(id), record.key.clone()));
        all.collect()
    }

    /// Keeps one; it is in the file when this returns, or a warning is in the log.
    pub(crate) async fn put(&self, id: &Arc<str>, record: Record) {
        self.lock().insert(Arc::clone(id), record);
        self.write().await;
    }

    /// Forgets one: its token.
    pub(crate) async fn take(&self, id: &str) -> Option<Secret> {
        let record = self.lock().remove(id)?;
        self.write().await;
        Some(record.token)
    }

    async fn write(&self) {
        let Some(path) = self.path.clone() else { return };
        let _writing = self.writing.lock().await;
        let lines: Vec<Line> = self.lock().iter().map(|(id, record)| line(id, record)).collect();
        let written = tokio::task::spawn_blocking(move || write(&path, &lines)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "cannot keep the tokens of instances: after a restart they get new ones");
        }
    }

    fn inherited(&self) -> MutexGuard<'_, Vec<(Arc<str>, FleetKey)>> {
        self.inherited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Record>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(id: &str, record: &Record) -> Line {
    Line {
        id: id.to_owned(),
        pool: record.key.pool.to_string(),
        fleet: record.key.fleet.to_string(),
        token: record.token.reveal().to_owned(),
    }
}

fn read(path: &Path) -> Vec<Line> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "cannot read the tokens of instances");
            return Vec::new();
        }
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        let aside = path.with_extension("broken");
        let moved = fs::rename(path, &aside).is_ok();
        tracing::warn!(path = %path.display(), %error, moved, "the tokens of instances cannot be read; the file is set aside as .broken");
        Vec::new()
    })
}

/// All of it or nothing.
fn write(path: &Path, lines: &[Line]) -> io::Result<()> {
    let text = serde_json::to_vec(lines).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

const FILE: &str = "instances/tokens.json";

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("portreeve-records-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn record() -> Record {
        Record {
            key: FleetKey {
                pool: "api".into(),
                fleet: "default".into(),
            },
            token: Secret::new("ptv_1_abc"),
        }
    }

    #[tokio::test]
    async fn what_is_put_is_there_after_a_restart_and_what_is_taken_is_not() {
        let folder = folder("restart");
        let records = Records::load(Some(&folder));
        records.put(&"a".into(), record()).await;
        records.put(&"b".into(), record()).await;
        assert!(records.take("a").await.is_some());
        assert!(records.take("a").await.is_none());

        let records = Records::load(Some(&folder));

        assert_eq!(records.all(), [("b".into(), record().key)]);
        assert_eq!(records.token("b").unwrap().reveal(), "ptv_1_abc");
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn only_we_may_read_the_file() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = folder("mode");
        Records::load(Some(&folder)).put(&"a".into(), record()).await;
        let mode = fs::metadata(folder.join(FILE)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_broken_file_is_set_aside() {
        let folder = folder("broken");
        fs::create_dir_all(folder.join("instances")).unwrap();
        fs::write(folder.join(FILE), "[{").unwrap();
        assert!(Records::load(Some(&folder)).all().is_empty());
        assert!(folder.join("instances/tokens.broken").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
