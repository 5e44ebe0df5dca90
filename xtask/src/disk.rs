//! Whether the disk has room for what is built: linking that runs out of it fails after ten minutes, and does not say why.

use std::fs;
use std::path::Path;

use crate::program::{Failure, Program, target};

/// What the target folder holds counts as room: it is mostly the same build, and is written again in its place.
///
/// # Errors
/// When there is less than a build from nothing takes, with both figures.
pub(crate) fn check() -> Result<(), Failure> {
    let folder = target();
    fs::create_dir_all(&folder).map_err(|source| Failure::Start {
        program: format!("mkdir {}", folder.display()),
        source,
    })?;
    match free(&folder)? {
        enough if enough >= NEEDED_MB => Ok(()),
        free => judge(&folder, free, held(&folder)?),
    }
}

fn judge(folder: &Path, free: u64, held: u64) -> Result<(), Failure> {
    if free + held >= NEEDED_MB {
        return Ok(());
    }
    Err(Failure::Found(format!(
        "the disk of {} has {free} MB free, and the folder holds {held} MB of the {NEEDED_MB} MB that all builds \
         together take; make room, or set CARGO_TARGET_DIR to a folder on a larger disk",
        folder.display()
    )))
}

fn free(folder: &Path) -> Result<u64, Failure> {
    // POSIX: a headline, then device, size, used, available, share and place.
    number(Program::new("df").words("-P -m").arg(folder), 1, 3)
}

fn held(folder: &Path) -> Result<u64, Failure> {
    number(Program::new("du").words("-s -m").arg(folder), 0, 0)
}

/// The number in this line and column of what a program prints.
fn number(program: Program, line: usize, column: usize) -> Result<u64, Failure> {
    let printed = String::from_utf8_lossy(&program.stdout()?).into_owned();
    let word = printed
        .lines()
        .nth(line)
        .and_then(|line| line.split_whitespace().nth(column));
    word.and_then(|word| word.parse().ok()).ok_or_else(|| {
        Failure::Found(format!(
            "no number in line {line}, column {column} of:\n{printed}"
        ))
    })
}

/// From nothing and without incremental compilation: tests 1.6 GB, lints 0.2, the fuzzer's own build about 1; the rest is
/// for what linking takes meanwhile.
const NEEDED_MB: u64 = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_room_is_told_with_what_there_is_and_what_is_needed() {
        let told = judge(Path::new("/t"), 1_000, NEEDED_MB - 1_001)
            .unwrap_err()
            .to_string();
        for part in ["/t", "1000 MB free", &format!("{NEEDED_MB} MB")] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn what_is_built_already_needs_no_room() {
        assert!(judge(Path::new("/t"), 1_000, NEEDED_MB - 1_000).is_ok());
        assert!(judge(Path::new("/t"), NEEDED_MB, 0).is_ok());
    }

    #[test]
    fn the_disk_of_a_folder_can_be_asked() {
        let folder = std::env::temp_dir();
        assert!(free(&folder).is_ok());
    }
}
