//! The variables by which an instance knows who it is, and by which we know our own again.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use portreeve_model::plan::Name;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::birth::Birth;
use super::procfs::{self, Stat};
use crate::Secret;
use crate::id::is_id;

pub(super) const ID: &str = "PORTREEVE_ID";
pub(super) const POOL: &str = "PORTREEVE_POOL";
pub(super) const FLEET: &str = "PORTREEVE_FLEET";
pub(super) const TOKEN: &str = "PORTREEVE_TOKEN";
pub(super) const PORT: &str = "PORTREEVE_PORT";
pub(super) const ADDRESS: &str = "PORTREEVE_ADDRESS";
pub(super) const KEEPER: &str = "PORTREEVE_KEEPER";

/// Whose instances are meant.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) pool: Name,
    pub(super) fleet: Name,
    /// The mark of the folder of the proxy that started it.
    pub(super) keeper: String,
}

/// What an instance was given.
#[derive(Debug)]
pub(super) struct Marks {
    pub(super) id: String,
    pub(super) address: Option<SocketAddr>,
    pub(super) token: Secret,
}

impl Marks {
    /// `None`: it is not one of these, or we may not know.
    pub(super) fn read(pid: Pid, whose: &Whose) -> Option<Self> {
        Self::parse(&procfs::environment(pid)?, whose)
    }

    fn read_unless(is_stranger: bool, birth: Birth, whose: &Whose) -> Option<Self> {
        if is_stranger {
            None
        } else {
            Self::read(birth.pid, whose)
        }
    }

    fn parse(environment: &[u8], whose: &Whose) -> Option<Self> {
        let given = |name| variable(environment, name);
        let is_ours =
            given(KEEPER)? == whose.keeper && *given(POOL)? == *whose.pool && *given(FLEET)? == *whose.fleet;
        let id = given(ID).filter(|id| is_ours && is_id(id))?;
        Some(Self {
            id: id.to_owned(),
            address: given(ADDRESS).and_then(|address| address.parse().ok()),
            token: Secret::new(given(TOKEN).unwrap_or_default()),
        })
    }
}

fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a str> {
    let value = |line: &'a [u8]| line.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    let value = environment.split(|byte| *byte == 0).find_map(value)?;
    std::str::from_utf8(value).ok()
}

/// Processes that were looked at and are not ours: they need not be looked at again.
#[derive(Debug, Default)]
pub(super) struct Strangers(HashSet<Birth>);

impl Strangers {
    /// Those that lead their process groups and carry our marks, the oldest first. Others that carry them are descendants.
    pub(super) fn leaders(&mut self, whose: &Whose) -> Vec<(Birth, Marks)> {
        let mut strangers = HashSet::new();
        let mut found = Vec::new();
        for (birth, stat) in procfs::all().filter_map(leader) {
            match Marks::read_unless(self.0.contains(&birth), birth, whose) {
                Some(marks) => found.push((birth, marks)),
                None if self.0.contains(&birth) || is_settled(&stat) => {
                    strangers.insert(birth);
                }
                None => {}
            }
        }
        self.0 = strangers;
        found.sort_by_key(|(birth, _)| birth.start);
        found
    }
}

fn leader(pid: Pid) -> Option<(Birth, Stat)> {
    let stat = Stat::read(pid).filter(|stat| stat.group == pid.as_raw_pid())?;
    let start = stat.start;
    Some((Birth { pid, start }, stat))
}

/// One that is only just begun has its parent's environment, until it is the program that it is to be.
fn is_settled(stat: &Stat) -> bool {
    stat.age().is_some_and(|age| age > SETTLED_AFTER)
}

const SETTLED_AFTER: Duration = Duration::from_secs(30);

/// Kills all that carry the marks of this instance, wherever they went: an instance that is over leaves nobody behind.
pub(super) fn sweep(whose: &Whose, id: &str) {
    for pid in procfs::all() {
        if Marks::read(pid, whose).is_some_and(|marks| marks.id == id) {
            kill(pid, whose, id);
        }
    }
}

/// The look after the open makes sure that it is still the one that we mean.
fn kill(pid: Pid, whose: &Whose, id: &str) {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    if Marks::read(pid, whose).is_some_and(|marks| marks.id == id) {
        // It may be over by now, or another user's, whom we cannot kill.
        let _ = pidfd_send_signal(&process, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose() -> Whose {
        Whose {
            pool: "api".into(),
            fleet: "default".into(),
            keeper: "fd00:/state/instances".to_owned(),
        }
    }

    const OURS: &str = "A=b\0PORTREEVE_ADDRESS=127.0.0.1:8100\0PORTREEVE_FLEET=default\0PORTREEVE_ID=api-1\0\
                        PORTREEVE_KEEPER=fd00:/state/instances\0PORTREEVE_POOL=api\0PORTREEVE_TOKEN=ptv_1\0";

    #[test]
    fn ours_are_known_by_all_marks_together() {
        let marks = Marks::parse(OURS.as_bytes(), &whose()).unwrap();
        assert_eq!(marks.id, "api-1");
        assert_eq!(marks.address, Some("127.0.0.1:8100".parse().unwrap()));
        assert_eq!(marks.token.reveal(), "ptv_1");
        assert!(!format!("{marks:?}").contains("ptv_1"));
    }

    #[test]
    fn those_of_another_fleet_proxy_or_with_a_strange_id_are_not() {
        for (part, other) in [
            ("default", "eu"),
            ("=api\0", "=web\0"),
            ("fd00", "fd01"),
            ("api-1", "../x"),
            ("PORTREEVE_ID", "ID"),
        ] {
            let environment = OURS.replace(part, other);
            assert!(
                Marks::parse(environment.as_bytes(), &whose()).is_none(),
                "{other}"
            );
        }
        assert!(Marks::parse(b"", &whose()).is_none());
        assert!(Marks::parse(b"\xff=\xff\0PORTREEVE_POOL=\xff", &whose()).is_none());
    }
}
