//! Starting other programs from the root of the workspace.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a command of xtask ended without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line was wrong.
    Usage(String),
    /// A program could not be started.
    Start { program: String, source: io::Error },
    /// A program ended with this status.
    Ended { program: String, status: ExitStatus },
    /// A check found something; the text says what.
    Found(String),
}

impl Failure {
    /// 2 for a wrong command line, 1 for everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) | Failure::Found(text) => out.write_str(text),
            Failure::Start { program, source } => write!(out, "cannot start `{program}`: {source}"),
            Failure::Ended { program, status } => write!(out, "`{program}` failed ({status})"),
        }
    }
}

/// A program to run in the root of the workspace, with our own tools at the end of its PATH.
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Program {
        let mut command = Command::new(name);
        command
            .current_dir(root())
            .env("PATH", search_path())
            .stdin(Stdio::null());
        Program(command)
    }

    /// The cargo that started us.
    pub(crate) fn cargo() -> Program {
        let cargo = Program::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        match std::env::var_os("CI") {
            Some(_) => cargo.env("CARGO_INCREMENTAL", "0"), // nobody builds there twice: it only costs disk and time
            None => cargo,
        }
    }

    /// Adds arguments, split at spaces.
    pub(crate) fn words(mut self, words: &str) -> Program {
        self.0.args(words.split_whitespace());
        self
    }

    /// Adds one argument as it is.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.0.arg(argument);
        self
    }

    /// Adds arguments as they are.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Program {
        self.0.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Program {
        self.0.env(name, value);
        self
    }

    /// Runs to the end; anything but exit 0 is a failure.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let status = self.0.status().map_err(|source| self.cannot_start(source))?;
        self.judge(status)
    }

    /// Runs to the end and returns what it printed on stdout.
    pub(crate) fn stdout(mut self) -> Result<Vec<u8>, Failure> {
        self.0.stderr(Stdio::inherit());
        let output = self.0.output().map_err(|source| self.cannot_start(source))?;
        self.judge(output.status).map(|()| output.stdout)
    }

    /// Runs to the end, passing each line of stdout and stderr on to our own and showing it to `see`.
    pub(crate) fn run_watching(mut self, see: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let (reader, writer) = io::pipe().map_err(|source| self.cannot_start(source))?;
        let second = writer.try_clone().map_err(|source| self.cannot_start(source))?;
        self.0.stdout(writer).stderr(second);
        let mut child = self.0.spawn().map_err(|source| self.cannot_start(source))?;
        self.0.stdout(Stdio::null()).stderr(Stdio::null()); // drops our ends of the pipe, so that reading ends
        for line in io::BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            see(&line);
        }
        let status = child.wait().map_err(|source| self.cannot_start(source))?;
        self.judge(status)
    }

    fn judge(&self, status: ExitStatus) -> Result<(), Failure> {
        match status.success() {
            true => Ok(()),
            false => Err(Failure::Ended {
                program: self.shown(),
                status,
            }),
        }
    }

    fn cannot_start(&self, source: io::Error) -> Failure {
        Failure::Start {
            program: self.shown(),
            source,
        }
    }

    fn shown(&self) -> String {
        let program = Path::new(self.0.get_program())
            .file_name()
            .unwrap_or(self.0.get_program());
        std::iter::once(program)
            .chain(self.0.get_args())
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("xtask is a folder of the workspace")
        .to_owned()
}

/// Where cargo builds: `CARGO_TARGET_DIR`, else `target` in the root.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// PATH with the folder of the tools that xtask installs put last: what the machine has, wins.
pub(crate) fn search_path() -> std::ffi::OsString {
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&machine).chain([crate::tools::folder()]);
    std::env::join_paths(folders).unwrap_or(machine)
}
