//! Programs that a test needs beside our own.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

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
