//! A store in one file of this machine, by redb.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};

use super::{Entry, Store, StoreError, Write, form};

/// `registry.redb` in the folder for state. Each commit is on the disk when it returns; a file that was not closed is
/// repaired when it is opened.
pub(crate) struct Embedded {
    folder: PathBuf,
    path: PathBuf,
    /// `None`: not made yet, or to be opened anew as it failed.
    database: Option<Database>,
}

impl Embedded {
    /// Opens the store in this folder. If there is none it is made now, or if `is_lazy` with the first commit: a proxy
    /// that nobody may join needs no folder to write to.
    ///
    /// A file that cannot be read is set aside under another name, which is logged, and a new one begins.
    ///
    /// # Errors
    /// The folder or the file cannot be used, or another process does.
    pub(crate) fn open(folder: &Path, is_lazy: bool) -> Result<(Self, Vec<Entry>), StoreError> {
        let mut store = Self {
            folder: folder.to_owned(),
            path: folder.join(FILE),
            database: None,
        };
        if is_lazy && !store.path.exists() {
            return Ok((store, Vec::new()));
        }
        let loaded = match store.load() {
            Err(StoreError::Corrupt { reason, .. }) => {
                store.set_aside(&reason)?;
                store.load()?
            }
            loaded => loaded?,
        };
        Ok((store, loaded))
    }

    fn set_aside(&mut self, reason: &str) -> Result<(), StoreError> {
        self.database = None;
        let aside = free_name(&self.path);
        fs::rename(&self.path, &aside).map_err(|source| self.io(source))?;
        tracing::error!(
            file = %self.path.display(),
            reason,
            set_aside_as = %aside.display(),
            "the store cannot be read: it starts empty, without the registrations, drains and tokens of before"
        );
        Ok(())
    }

    /// Opens the file if it is not open.
    fn opened(&mut self) -> Result<&Database, StoreError> {
        if self.database.is_none() {
            self.make_folder()?;
            let file = self.file()?;
            let database = spared(|| begin(file));
            self.database = Some(database.map_err(|fault| self.error(fault))?);
        }
        Ok(self.database.as_ref().expect("it is opened above"))
    }

    fn make_folder(&self) -> Result<(), StoreError> {
        let mut builder = DirBuilder::new();
        let made = builder.mode(0o700).recursive(true).create(&self.folder);
        made.map_err(|source| StoreError::Io {
            path: self.folder.clone(),
            source,
        })
    }

    fn file(&self) -> Result<File, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(&self.path);
        file.map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> StoreError {
        let path = self.path.clone();
        StoreError::Io { path, source }
    }

    fn error(&self, fault: Fault) -> StoreError {
        let path = self.path.clone();
        match fault {
            Fault::Unreadable(reason) => StoreError::Corrupt { path, reason },
            Fault::Redb(redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch) => {
                StoreError::Locked { path }
            }
            Fault::Redb(redb::Error::Io(source)) if !is_of_content(&source) => {
                StoreError::Io { path, source }
            }
            Fault::Redb(fault) => StoreError::Corrupt {
                path,
                reason: fault.to_string(),
            },
        }
    }
}

impl Store for Embedded {
    fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        let database = self.opened()?;
        let loaded = spared(|| entries(database));
        loaded.map_err(|fault| self.error(fault))
    }

    /// After an error redb takes no more: the file is opened anew the next time.
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let database = self.opened()?;
        let outcome = spared(|| Ok(commit(database, writes)?));
        outcome.map_err(|fault| {
            self.database = None;
            self.error(fault)
        })
    }
}

/// What redb says, or what we say of a file that it could read.
enum Fault {
    Redb(redb::Error),
    Unreadable(String),
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(fault: E) -> Self {
        Self::Redb(fault.into())
    }
}

/// Runs what may meet a file that nobody foresaw.
fn spared<T>(act: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let outcome = catch_unwind(AssertUnwindSafe(act));
    outcome.unwrap_or_else(|_| Err(Fault::Unreadable("its content makes redb panic".to_owned())))
}

/// Opens the file, which is locked from then on, and checks that it is ours or new.
fn begin(file: File) -> Result<Database, Fault> {
    let mut builder = Builder::new();
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    let database = builder.create_with_backend(FileBackend::new(file)?)?;
    match schema(&database)? {
        Some(SCHEMA) => {}
        Some(other) => {
            return Err(Fault::Unreadable(format!(
                "its schema is {other}, and this version reads {SCHEMA}: it was written by another version"
            )));
        }
        None => sign(&database)?,
    }
    Ok(database)
}

/// The schema of the content; `None` if there is no content.
fn schema(database: &Database) -> Result<Option<u64>, Fault> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(META) {
        Err(TableError::TableDoesNotExist(_)) if transaction.list_tables()?.next().is_none() => {
            return Ok(None);
        }
        table => table?,
    };
    let schema = table.get(SCHEMA_KEY)?.map(|value| value.value());
    schema
        .map(Some)
        .ok_or_else(|| Fault::Unreadable("it does not say what schema it has".to_owned()))
}

fn sign(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(SCHEMA_KEY, SCHEMA)?;
    transaction.open_table(ENTRIES)?;
    Ok(transaction.commit()?)
}

fn entries(database: &Database) -> Result<Vec<Entry>, Fault> {
    let table = database.begin_read()?.open_table(ENTRIES)?;
    let mut entries = Vec::new();
    for found in table.iter()? {
        let (key, value) = found?;
        let entry = form::read(value.value());
        entries.push(entry.map_err(|reason| Fault::Unreadable(format!("entry {}: {reason}", key.value())))?);
    }
    Ok(entries)
}

fn commit(database: &Database, writes: &[Write]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    let mut table = transaction.open_table(ENTRIES)?;
    for write in writes {
        let key = form::key(&write.key);
        match &write.entry {
            Some(entry) => table.insert(&*key, &*form::write(entry))?,
            None => table.remove(&*key)?,
        };
    }
    drop(table);
    Ok(transaction.commit()?)
}

/// Whether an error of reading speaks of the content and not of the disk.
fn is_of_content(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput
    )
}

/// A name beside `path` that says since when it is out of use, and that nothing has.
fn free_name(path: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    let named = |suffix: &str| path.with_file_name(format!("{FILE}.corrupt-{seconds}{suffix}"));
    let names = std::iter::once(named("")).chain((1..=u16::MAX).map(|count| named(&format!("-{count}"))));
    let mut free = names.filter(|name| !name.exists());
    free.next().unwrap_or_else(|| named("-last"))
}

const FILE: &str = "registry.redb";
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const SCHEMA_KEY: &str = "schema";
/// Of what is in the values of [`ENTRIES`]; see [`form`].
const SCHEMA: u64 = 1;
const ENTRIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("entries");
/// All of a store of some thousand registrations; redb takes 1 GiB otherwise.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
