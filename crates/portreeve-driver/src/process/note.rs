//! What is noted of an instance in a file beside its output: an instance that writes over its own environment, as servers
//! do that change their title, is known again by it.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::birth::Birth;
use super::marks::Whose;
use super::procfs;
use crate::folder::Folder;
use crate::id::is_id;

/// `ID.run`: true as long as the machine runs that it was written on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) birth: Birth,
    pub(super) address: Option<SocketAddr>,
}

impl Note {
    pub(super) fn write(&self, folder: &Folder, whose: &Whose) -> io::Result<()> {
        let address = self
            .address
            .map_or_else(String::new, |address| address.to_string());
        let text = format!(
            "{}\n{}\n{}\n{}\n{address}\n",
            procfs::boot(),
            whose.pool,
            whose.fleet,
            self.birth
        );
        let new = folder.join(&format!("{}.new", self.id));
        fs::write(&new, text)?;
        fs::rename(new, path(folder, &self.id))
    }

    /// All notes of a fleet; those from before the machine's last start too, as `Err` with their ids.
    pub(super) fn all(folder: &Folder, whose: &Whose) -> Vec<Result<Self, String>> {
        let entries = fs::read_dir(folder.path()).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let id = entry.file_name().to_str()?.strip_suffix(".run")?.to_owned();
                Self::read(folder, whose, id)
            })
            .collect()
    }

    /// `None`: there is none, it is another fleet's, or it makes no sense.
    fn read(folder: &Folder, whose: &Whose, id: String) -> Option<Result<Self, String>> {
        let text = fs::read_to_string(path(folder, &id))
            .ok()
            .filter(|_| is_id(&id))?;
        let mut lines = text.lines();
        let boot = lines.next()?;
        if lines.next()? != &*whose.pool || lines.next()? != &*whose.fleet {
            return None;
        }
        if boot != procfs::boot() {
            return Some(Err(id));
        }
        Some(Ok(Self {
            id,
            birth: Birth::parse(lines.next()?)?,
            address: lines.next()?.parse().ok(),
        }))
    }

    /// That of one instance.
    pub(super) fn of(folder: &Folder, whose: &Whose, id: &str) -> Option<Self> {
        Self::read(folder, whose, id.to_owned())?.ok()
    }
}

fn path(folder: &Folder, id: &str) -> PathBuf {
    folder.join(&format!("{id}.run"))
}

/// Where it writes.
pub(super) fn output(folder: &Folder, id: &str) -> PathBuf {
    folder.join(&format!("{id}.out"))
}

/// Removes all files of an instance.
pub(super) fn remove(folder: &Folder, id: &str) {
    for path in [
        output(folder, id),
        path(folder, id),
        folder.join(&format!("{id}.new")),
    ] {
        // One that is not there is well, and one that cannot be removed is looked at again by the next list.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn whose(pool: &str) -> Whose {
        Whose {
            pool: pool.into(),
            fleet: "default".into(),
            keeper: String::new(),
        }
    }

    fn note() -> Note {
        Note {
            id: "api-1".to_owned(),
            birth: Birth::parse("77:4711").unwrap(),
            address: Some("[::1]:8100".parse().unwrap()),
        }
    }

    #[test]
    fn it_reads_back_for_its_fleet_alone() {
        let scratch = Scratch::new();
        let folder = Folder::open(scratch.path()).unwrap();
        note().write(&folder, &whose("api")).unwrap();

        assert_eq!(Note::all(&folder, &whose("api")), [Ok(note())]);
        assert_eq!(Note::of(&folder, &whose("api"), "api-1"), Some(note()));
        assert_eq!(Note::all(&folder, &whose("web")), []);

        remove(&folder, "api-1");
        assert_eq!(Note::all(&folder, &whose("api")), []);
    }

    #[test]
    fn one_from_before_the_machine_started_names_nobody_who_lives() {
        let scratch = Scratch::new();
        let folder = Folder::open(scratch.path()).unwrap();
        fs::write(path(&folder, "api-1"), "other-boot\napi\ndefault\n77:4711\n\n").unwrap();
        assert_eq!(Note::all(&folder, &whose("api")), [Err("api-1".to_owned())]);
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        let scratch = Scratch::new();
        let folder = Folder::open(scratch.path()).unwrap();
        fs::write(path(&folder, "a"), "").unwrap();
        fs::write(path(&folder, "b"), [0xff, 0xfe]).unwrap();
        fs::write(path(&folder, "C"), "x").unwrap();
        assert_eq!(Note::all(&folder, &whose("api")), []);
    }
}
