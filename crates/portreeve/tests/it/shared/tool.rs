//! Programs that a test needs beside our own.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where `program` is, from Debian's `package`. Without it a test cannot be run, and says so loudly.
///
/// # Panics
/// If it is missing where `CI` is set: there nothing may be left out.
pub(crate) fn find(program: &str, package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    let found = folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    if found.is_none() {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let said = format!("SKIPPED {test}: {program} is not installed (Debian's package {package})");
        assert!(env::var_os("CI").is_none(), "{said}");
        // Past the harness, which shows what passing tests print to nobody.
        let _ = writeln!(io::stderr(), "\n{said}");
    }
    found
}

/// A Python 3 that has this module: on PATH, or where `cargo xtask test` installs it. Without it a test cannot be run, and
/// says so loudly.
///
/// # Panics
/// If there is none where `PORTREEVE_MUST_HAVE_CLIENTS` is set to 1, or `CI` is set.
pub(crate) fn python_with(module: &str) -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .chain([ours])
        .find(|folder| has_module(folder, module));
    if found.is_none() {
        let must = env::var_os("PORTREEVE_MUST_HAVE_CLIENTS").is_some_and(|must| must == "1");
        let said = format!("SKIPPED: no Python on PATH has {module}; `cargo xtask test` installs it");
        assert!(!must && env::var_os("CI").is_none(), "{said}");
        let _ = writeln!(io::stderr(), "\n{said}");
    }
    found.map(|folder| folder.join("python3"))
}

fn has_module(folder: &Path, module: &str) -> bool {
    let Ok(versions) = folder.join("../lib").read_dir() else {
        return false;
    };
    folder.join("python3").is_file()
        && versions
            .flatten()
            .any(|version| version.path().join("site-packages").join(module).is_dir())
}
