//! What the kernel says of processes, under `/proc`.

use std::fs::{self, File};
use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::Pid;

/// All processes that there are.
pub(super) fn all() -> impl Iterator<Item = Pid> {
    let found = fs::read_dir("/proc").into_iter().flatten().flatten();
    found.filter_map(|entry| pid(entry.file_name().to_str()?))
}

pub(super) fn pid(text: &str) -> Option<Pid> {
    let raw = text.parse().ok().filter(|raw: &i32| *raw > 0);
    raw.and_then(Pid::from_raw)
}

/// Of `/proc/PID/stat`: proc_pid_stat(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// `Z` and `X` are over.
    state: char,
    /// The process group.
    pub(super) group: i32,
    /// Of its own and of its children that it has waited for.
    cpu_ticks: u64,
    /// When it began, in clock ticks since the machine did.
    pub(super) start: u64,
    rss_pages: u64,
}

impl Stat {
    /// `None`: there is no such process.
    pub(super) fn read(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field, the program's name, may hold spaces and ends at the last `)`.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
        let ticks = |number| field::<u64>(&fields, number);
        Some(Self {
            state: field(&fields, 3)?,
            group: field(&fields, 5)?,
            cpu_ticks: ticks(14)? + ticks(15)? + ticks(16)? + ticks(17)?,
            start: ticks(22)?,
            rss_pages: ticks(24)?,
        })
    }

    /// Whether it runs, and is not only waited for.
    pub(super) fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    pub(super) fn cpu(&self) -> Duration {
        since(self.cpu_ticks)
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.rss_pages * page_size() as u64
    }

    pub(super) fn age(&self) -> Option<Duration> {
        Some(uptime()?.saturating_sub(since(self.start)))
    }
}

/// Of the machine.
fn uptime() -> Option<Duration> {
    let up = fs::read_to_string("/proc/uptime").ok()?;
    let up = up.split(' ').next()?.parse().ok()?;
    Duration::try_from_secs_f64(up).ok()
}

fn since(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1_000 / clock_ticks_per_second().max(1))
}

/// The field of this number, when `fields` begins with the third.
fn field<T: FromStr>(fields: &[&str], number: usize) -> Option<T> {
    fields.get(number - 3)?.parse().ok()
}

/// The environment with which a process was started; `None` if it is gone or we may not know.
pub(super) fn environment(pid: Pid) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(format!("/proc/{pid}/environ")).ok()?;
    file.take(ENVIRONMENT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// What Linux allows for arguments and environment together, by default.
const ENVIRONMENT_BYTES_MAX: u64 = 2 << 20;

/// Differs after each start of the machine.
pub(super) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_move_the_fields() {
        let stat = "7 (a) Z 3 (b) S 1 7 7 0 -1 0 0 0 0 0 10 5 2 1 20 0 1 0 4711 100 25 0";
        let stat = Stat::parse(stat).unwrap();
        assert_eq!((stat.group, stat.start, stat.cpu_ticks), (7, 4711, 18));
        assert!(stat.is_alive());
        assert_eq!(stat.memory_bytes(), 25 * page_size() as u64);
    }

    #[test]
    fn what_is_cut_off_says_nothing() {
        assert_eq!(Stat::parse("7 (sh) S 1 7"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn we_ourselves_are_there_and_young() {
        let own = rustix::process::getpid();
        assert!(all().any(|pid| pid == own));
        let stat = Stat::read(own).unwrap();
        assert!(stat.is_alive() && stat.age().unwrap() < Duration::from_secs(3_600));
        assert!(environment(own).unwrap().windows(5).any(|part| part == b"PATH="));
    }
}
