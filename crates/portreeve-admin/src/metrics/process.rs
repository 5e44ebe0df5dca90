//! Figures of the process, by the names that Prometheus libraries agree on. A figure that the system does not tell
//! (no `/proc`, say) is left out.

use std::fmt;
use std::fs;

use super::sheet::Sheet;

pub(super) fn write(sheet: &mut Sheet<'_>) -> fmt::Result {
    if let Some(times) = Times::read() {
        write_times(sheet, times)?;
    }
    if let Some(bytes) = resident_bytes() {
        sheet.gauge("process_resident_memory_bytes", "Memory in use.", bytes)?;
    }
    if let Some(count) = open_files() {
        sheet.gauge("process_open_fds", "Open file descriptors.", count)?;
    }
    match rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        Some(max) => sheet.gauge("process_max_fds", "Most file descriptors that may be open.", max),
        None => Ok(()),
    }
}

fn write_times(sheet: &mut Sheet<'_>, times: Times) -> fmt::Result {
    sheet.counter_s("process_cpu_seconds", "User and system time used.", times.cpu_s)?;
    sheet.gauge("process_threads", "Threads.", times.threads)?;
    match times.start_s {
        Some(start) => sheet.gauge(
            "process_start_time_seconds",
            "When the process began, since 1970.",
            start,
        ),
        None => Ok(()),
    }
}

/// What `/proc/self/stat` says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Times {
    cpu_s: f64,
    threads: u64,
    start_s: Option<f64>,
}

impl Times {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let ticks_per_s = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
        Self::parse(&stat, f64::from(ticks_per_s), boot_s())
    }

    /// Fields by proc_pid_stat(5); the second, the program's name, may hold spaces and ends at the last `)`.
    fn parse(stat: &str, ticks_per_s: f64, boot_s: Option<f64>) -> Option<Self> {
        let after_name = &stat[stat.rfind(')')? + 1..];
        let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
        let seconds = |number: usize| Some(field::<f64>(&fields, number)? / ticks_per_s);
        Some(Self {
            cpu_s: seconds(14)? + seconds(15)?,
            threads: field(&fields, 20)?,
            start_s: boot_s.zip(seconds(22)).map(|(boot, after)| boot + after),
        })
    }
}

/// The field of this number, when `fields` begins with the third.
fn field<T: std::str::FromStr>(fields: &[&str], number: usize) -> Option<T> {
    fields.get(number - 3)?.parse().ok()
}

/// When the machine started, in seconds since 1970.
fn boot_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// The size of `/proc/self/fd` is their number since Linux 6.2; before, they are counted one by one.
fn open_files() -> Option<u64> {
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok(),
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 99 0 0 0 250 50 0 0 20 0 3 0 1000 2000 300";

        let times = Times::parse(stat, 100.0, Some(5.0)).unwrap();

        assert_eq!(
            times,
            Times {
                cpu_s: 3.0,
                threads: 3,
                start_s: Some(15.0)
            }
        );
    }

    #[test]
    fn a_short_line_is_no_figure() {
        assert_eq!(Times::parse("7 (a) S 1", 100.0, None), None);
        assert_eq!(Times::parse("", 100.0, None), None);
    }

    #[test]
    fn this_machine_tells_every_figure() {
        let times = Times::read().unwrap();
        assert!(times.threads >= 1);
        assert!(times.start_s.unwrap() > 1_000_000_000.0);
        assert!(resident_bytes().unwrap() > 100_000);
    }

    #[test]
    fn an_opened_file_is_counted() {
        let before = open_files().unwrap();
        let files: Vec<_> = (0..64).map(|_| fs::File::open("/dev/null").unwrap()).collect();

        assert!(
            open_files().unwrap() >= before + 32,
            "other tests may close theirs meanwhile"
        );
        drop(files);
    }
}
