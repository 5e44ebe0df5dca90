//! What docs/REGISTRATION.md says, held against the code and the binary.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::registration_cli::fixture::{Scratch, eventually};
use crate::registration_cli::real::Real;

#[test]
fn the_tables_of_errors_have_every_cause_and_no_other() {
    assert_eq!(causes_in_tables(), causes_in_code());
}

#[test]
fn the_python_example_joins_stays_and_leaves() {
    let (real, listener) = (Real::start(), TcpListener::bind("127.0.0.1:0").unwrap());
    let folder = Scratch::new();
    let stop = folder.file("stop");
    let script = example("python", &real, &listener).replace(
        "# stop.set() at the end",
        &format!(
            "\nimport os, time\nwhile not os.path.exists({:?}): time.sleep(0.01)\nstop.set()",
            stop.display().to_string()
        ),
    );
    let mut running = Running::start("python3", &folder.write("example.py", &script));

    eventually("it has joined", || real.standing() == "serving");
    fs::write(stop, "").unwrap();

    eventually("it has left", || real.standing().is_empty());
    running.ends();
}

#[test]
fn the_shell_example_joins_and_leaves() {
    let (real, listener) = (Real::start(), TcpListener::bind("127.0.0.1:0").unwrap());
    let folder = Scratch::new();
    let script = example("sh", &real, &listener);
    let running = Running::start("bash", &folder.write("example.sh", &script));

    eventually("it has joined", || real.standing() == "serving");
    running.signal(Signal::TERM);

    eventually("it has left", || real.standing().is_empty());
}

/// The example that speaks to the API itself, for this proxy and a port that somebody listens on.
fn example(language: &str, real: &Real, listener: &TcpListener) -> String {
    let page = page();
    let mut blocks = page
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix(language));
    let block = blocks.find(|block| block.contains("/heartbeat")).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    block
        .replace("127.0.0.1:8080", &real.address().to_string())
        .replace("8001", &port)
}

/// An example in a process group of its own; killed with the value.
struct Running(Child);

impl Running {
    fn start(program: &str, script: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg(script).stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.process_group(0).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(Pid::from_child(&self.0), signal); // it has just ended
    }

    fn ends(&mut self) {
        eventually("it ends", || self.0.try_wait().unwrap().is_some());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.0.wait();
    }
}

fn causes_in_tables() -> BTreeSet<String> {
    let page = page();
    let errors = page.split("## Errors").nth(1).unwrap();
    let cells = errors.lines().filter(|line| line.starts_with("| `")).map(|row| {
        let cell = row.split('|').nth(1).unwrap();
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    cells.flatten().collect()
}

/// From the sources: this crate may not import those, not even in its tests.
fn causes_in_code() -> BTreeSet<String> {
    let mut causes = BTreeSet::new();
    for file in [
        "model/src/registry/fault.rs",
        "control/src/refused.rs",
        "api/src/fault.rs",
    ] {
        let source = source(file);
        let bodies = source
            .split("fn code(")
            .skip(1)
            .map(|rest| rest.split("\n    }\n").next().unwrap());
        let words = bodies.flat_map(|body| body.split('"').skip(1).step_by(2));
        causes.extend(words.map(str::to_owned));
    }
    for file in [
        "registrar.rs",
        "operator.rs",
        "operator/events.rs",
        "operator/backends.rs",
    ] {
        let source = source(&format!("admin/src/{file}"));
        let problems = source
            .split("Problem::new(")
            .skip(1)
            .map(|rest| rest.split(")").next().unwrap());
        let words = problems.filter_map(|arguments| arguments.split('"').nth(1));
        causes.extend(words.map(str::to_owned));
    }
    causes.extend(["body_unreadable".to_owned()]);
    assert!(causes.len() > 30, "{causes:?}");
    causes
}

fn page() -> String {
    fs::read_to_string(root().join("docs/REGISTRATION.md")).unwrap()
}

fn source(file: &str) -> String {
    fs::read_to_string(root().join(format!("crates/portreeve-{file}"))).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
