//! What process groups use, and what they may use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use super::birth::Birth;
use super::procfs::{self, Stat};
use crate::{Found, Usage};

/// Of each, in their order, with one look at all processes.
pub(super) fn of(instances: &[Found]) -> Vec<Usage> {
    let births: Vec<Option<Birth>> = instances
        .iter()
        .map(|found| Birth::parse(&found.handle))
        .collect();
    let mut groups: BTreeMap<i32, Group> = births
        .iter()
        .flatten()
        .map(|birth| (birth.raw(), Group::default()))
        .collect();
    for stat in procfs::all().filter_map(Stat::read) {
        if let Some(group) = groups.get_mut(&stat.group) {
            group.add(&stat);
        }
    }
    births
        .into_iter()
        .map(|birth| {
            birth
                .and_then(|birth| usage(birth, groups.get(&birth.raw())?))
                .unwrap_or_default()
        })
        .collect()
}

fn usage(birth: Birth, group: &Group) -> Option<Usage> {
    let stat = birth.stat()?;
    let bounds = Bounds::of(birth.pid);
    Some(Usage {
        cpu_total: Some(group.cpu),
        cpus_max: bounds.cpus,
        memory_bytes: Some(group.memory_bytes),
        memory_max: bounds.memory,
        uptime: stat.age(),
    })
}

/// Pages that several share are counted for each.
#[derive(Default)]
struct Group {
    cpu: Duration,
    memory_bytes: u64,
}

impl Group {
    fn add(&mut self, stat: &Stat) {
        self.cpu += stat.cpu();
        self.memory_bytes += stat.memory_bytes();
    }
}

/// What the control group of a process allows, version 2: the least of it and of those around it.
#[derive(Debug, Default, PartialEq)]
struct Bounds {
    cpus: Option<f64>,
    memory: Option<u64>,
}

impl Bounds {
    fn of(pid: Pid) -> Self {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let own = groups.lines().find_map(|line| line.strip_prefix("0::/"));
        own.map_or_else(Self::default, |own| {
            Self::under(Path::new("/sys/fs/cgroup"), Path::new(own))
        })
    }

    fn under(root: &Path, own: &Path) -> Self {
        let folders: Vec<PathBuf> = own.ancestors().map(|part| root.join(part)).collect();
        let read = |name: &'static str| {
            let texts = folders
                .iter()
                .map(move |folder| fs::read_to_string(folder.join(name)));
            texts.filter_map(Result::ok).collect::<Vec<String>>()
        };
        Self {
            cpus: read("cpu.max")
                .iter()
                .filter_map(|text| cpus(text))
                .reduce(f64::min),
            memory: read("memory.max")
                .iter()
                .filter_map(|text| text.trim().parse().ok())
                .min(),
        }
    }
}

/// `QUOTA PERIOD`, or `max PERIOD`.
fn cpus(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then_some(quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn the_narrowest_bound_of_all_groups_around_counts() {
        let scratch = Scratch::new();
        let inside = scratch.path().join("a/b");
        fs::create_dir_all(&inside).unwrap();
        fs::write(scratch.path().join("a/memory.max"), "1048576\n").unwrap();
        fs::write(inside.join("memory.max"), "max\n").unwrap();
        fs::write(scratch.path().join("a/cpu.max"), "max 100000\n").unwrap();
        fs::write(inside.join("cpu.max"), "150000 100000\n").unwrap();

        let bounds = Bounds::under(scratch.path(), Path::new("a/b"));
        assert_eq!(bounds.memory, Some(1 << 20));
        assert_eq!(bounds.cpus, Some(1.5));
        assert_eq!(Bounds::under(scratch.path(), Path::new("c")), Bounds::default());
    }
}
