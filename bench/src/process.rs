//! Programs under measurement: started on given cores, measured by what the kernel keeps about them, always ended.

use std::fs;
use std::io::{BufRead, BufReader};
use std::iter::Sum;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::fault::Fault;

/// A running program, its children included; dropping it ends them.
pub(crate) struct Process {
    name: String,
    child: Child,
}

/// Where a program may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The core of the proxy.
    First,
    /// The core of the load and the backend.
    Second,
    /// Both: nothing is pinned.
    Both,
}

/// What the kernel's scheduler gave to a program.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CoreTime {
    /// On a core, user and system.
    pub(crate) used: Duration,
    /// Ready to run, but something else was on the core: a sign that the machine was not ours alone.
    pub(crate) waited: Duration,
}

impl CoreTime {
    /// From then until now.
    pub(crate) fn since(self, then: CoreTime) -> CoreTime {
        CoreTime {
            used: self.used.saturating_sub(then.used),
            waited: self.waited.saturating_sub(then.waited),
        }
    }

    fn read(schedstat: &str) -> Option<CoreTime> {
        let mut numbers = schedstat
            .split_whitespace()
            .map_while(|number| number.parse().ok())
            .map(Duration::from_nanos);
        Some(CoreTime {
            used: numbers.next()?,
            waited: numbers.next()?,
        })
    }
}

impl Sum for CoreTime {
    fn sum<I: Iterator<Item = CoreTime>>(times: I) -> CoreTime {
        times.fold(CoreTime::default(), |sum, time| CoreTime {
            used: sum.used + time.used,
            waited: sum.waited + time.waited,
        })
    }
}

impl Process {
    /// Starts `command` on these cores. If this process dies, so does that one.
    pub(crate) fn start(name: &str, cores: Cores, command: &Command) -> Result<Process, Fault> {
        let mut pinned = pinned(cores, command);
        let child = pinned.spawn().map_err(Fault::io(format!("starting {name}")))?;
        Ok(Process {
            name: name.to_owned(),
            child,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The next line that the program prints; it must have been started with a pipe for its stdout.
    pub(crate) fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        let stdout = self.child.stdout.as_mut().expect("started with a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(Fault::io(format!("reading from {}", self.name)))?;
        match line.trim() {
            "" => Err(Fault::Program(format!("{} ended before it was ready", self.name))),
            line => Ok(line.to_owned()),
        }
    }

    /// An error if the program has ended by itself.
    pub(crate) fn must_run(&mut self) -> Result<(), Fault> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(Fault::Program(format!(
                "{} ended by itself ({status})",
                self.name
            ))),
            Err(source) => Err(Fault::Io {
                doing: format!("waiting for {}", self.name),
                source,
            }),
        }
    }

    /// What all threads of the program and its children have had of the cores so far; of threads that ended, only the time
    /// used is known.
    pub(crate) fn core_time(&self) -> CoreTime {
        let mut sum = CoreTime::default();
        for pid in tree(self.child.id()) {
            let living: CoreTime = threads(pid).sum();
            sum.used += living.used.max(time_with_ended_threads(pid).unwrap_or_default());
            sum.waited += living.waited;
        }
        sum
    }

    /// What children that have ended had of the cores, in steps of 10 ms; only those of the program itself.
    pub(crate) fn ended_children_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let ticks = stat.ok().and_then(|stat| ticks(&stat, CHILDREN));
        Duration::from_millis(10 * ticks.unwrap_or_default())
    }

    /// Sends the program itself a signal; returns from a kill once the program has ended.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Fault> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).map_err(|errno| Fault::Io {
            doing: format!("sending a signal to {}", self.name),
            source: errno.into(),
        })?;
        let start = Instant::now();
        while signal == Signal::KILL && status_field(self.child.id(), "State:") != Some('Z') {
            if start.elapsed() > KILL_MAX {
                return Err(Fault::Program(format!("{} survived a kill", self.name)));
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Resident memory of the program and its children, in bytes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        tree(self.child.id()).iter().map(|&pid| memory_bytes(pid)).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pids = tree(self.child.id());
        // The root goes last: once it is waited for, its number may belong to another process.
        for pid in pids
            .iter()
            .rev()
            .filter_map(|&pid| Pid::from_raw(pid.cast_signed()))
        {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// `command` on these cores, its life tied to ours.
pub(crate) fn pinned(cores: Cores, command: &Command) -> Command {
    let mut pinned = Command::new("setpriv");
    pinned.args(["--pdeathsig", "KILL", "taskset", "--cpu-list"]);
    pinned.arg(match cores {
        Cores::First => "0",
        Cores::Second => "1",
        Cores::Both => "0,1",
    });
    pinned.arg(command.get_program()).args(command.get_args());
    pinned.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    pinned
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    pinned
}

/// A process and all that descend from it, parents first.
fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = every_process()
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&pid) = tree.get(next) {
        tree.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == pid)
                .map(|(child, _)| *child),
        );
        next += 1;
    }
    tree
}

fn every_process() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    status_field(pid, "PPid:")
}

fn memory_bytes(pid: u32) -> u64 {
    status_field::<u64>(pid, "VmRSS:").unwrap_or(0) * 1024
}

/// The number after `name` in `/proc/PID/status`.
fn status_field<N: std::str::FromStr>(pid: u32, name: &str) -> Option<N> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// For each thread of a process, the first two numbers of `schedstat`, in nanoseconds; `stat` counts in ticks of 10 ms,
/// which is too coarse.
fn threads(pid: u32) -> impl Iterator<Item = CoreTime> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    threads.filter_map(|thread| CoreTime::read(&fs::read_to_string(thread.path().join("schedstat")).ok()?))
}

/// User and system time of a process, its ended threads included, in the ticks of 10 ms of `stat`. They are rounded down,
/// so this is more than its living threads had only if others have ended.
fn time_with_ended_threads(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks(&stat, OWN).map(|ticks| Duration::from_millis(10 * ticks))
}

/// User and system time together. The second field, the program's name, may contain anything, but ends with the last bracket.
fn ticks(stat: &str, skipped: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(skipped);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// Fields after the name before the 14th and 15th.
const OWN: usize = 11;
/// The same before the 16th and 17th.
const CHILDREN: usize = 13;
/// A kill is carried out when the kernel comes to it.
const KILL_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("sh", Cores::Both, &command).unwrap()
    }

    #[test]
    fn the_work_of_children_counts() {
        let mut busy =
            shell("sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; sleep 60' & wait");
        assert_eq!(busy.line().unwrap(), "done");
        assert!(
            busy.core_time().used > Duration::from_millis(20),
            "{:?}",
            busy.core_time()
        );
        assert!(busy.memory_bytes() > 500_000);
    }

    #[test]
    fn user_and_system_time_are_found_whatever_the_program_is_called() {
        let stat = "12 (a) b 1 2) S 1 12 12 0 -1 4194560 1000 0 0 0 30 12 4 3 20 0 1 0 100 1 1";
        assert_eq!(ticks(stat, OWN), Some(42));
        assert_eq!(ticks(stat, CHILDREN), Some(7));
        assert_eq!(ticks("12 (a) S 1", OWN), None);
    }

    #[test]
    fn the_work_of_threads_that_ended_counts() {
        let mut command = Command::new("python3");
        let script = "import os, threading\nt = threading.Thread(target=lambda: sum(range(5_000_000)))\nt.start()\nt.join()\n\
                      while len(os.listdir('/proc/self/task')) > 1: pass\n\
                      print('done', flush=True)\nthreading.Event().wait()";
        command.args(["-c", script]);
        let mut busy = Process::start("python3", Cores::Both, &command).unwrap();
        busy.line().unwrap();
        let living: CoreTime = threads(busy.child.id()).sum();
        assert!(busy.core_time().used > living.used + Duration::from_millis(20));
    }

    #[test]
    fn dropping_ends_children_too() {
        let mut parent = shell("sleep 60 & echo $!; wait");
        let child: u32 = parent.line().unwrap().parse().unwrap();
        assert!(Path::new(&format!("/proc/{child}")).exists());
        drop(parent);
        let is_gone = || {
            matches!(
                status_field::<String>(child, "State:").as_deref(),
                None | Some("Z")
            )
        };
        let start = Instant::now();
        while !is_gone() && start.elapsed() < Duration::from_secs(5) {
            std::thread::yield_now(); // the kernel carries out a kill when it comes to it
        }
        assert!(is_gone());
    }

    #[test]
    fn a_program_that_ended_is_noticed() {
        let mut ended = shell("exit 3");
        assert!(matches!(ended.line(), Err(Fault::Program(_))));
        ended.child.wait().unwrap();
        assert!(ended.must_run().is_err());
    }
}
