//! What the system refuses, in our words: which limit it was, and where it is set.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::DriverFault;

/// The system's words without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// A limit of the machine, if that is what the error says.
pub(crate) fn limit(error: &io::Error) -> Option<DriverFault> {
    let reason = match Errno::from_io_error(error)? {
        Errno::AGAIN => format!(
            "no further process may be started: RLIMIT_NPROC of this user is {}, pids.max of the control group is {}, \
             kernel.pid_max is {}",
            bound(Resource::Nproc),
            pids_max().unwrap_or_else(|| "unknown".to_owned()),
            setting("/proc/sys/kernel/pid_max").unwrap_or_else(|| "unknown".to_owned()),
        ),
        Errno::NOMEM => "there is no memory left for another process".to_owned(),
        Errno::MFILE => format!(
            "this process has as many open files as RLIMIT_NOFILE allows: {}",
            bound(Resource::Nofile)
        ),
        Errno::NFILE => "the machine has as many open files as fs.file-max allows".to_owned(),
        Errno::NOSPC => "the disk of the folder for state is full".to_owned(),
        Errno::DQUOT => "the disk quota of the folder for state is used up".to_owned(),
        _ => return None,
    };
    Some(DriverFault::LimitReached { reason })
}

/// Why a program could not be started.
pub(crate) fn not_started(program: &str, folder: Option<&Path>, error: &io::Error) -> DriverFault {
    if let Some(fault) = limit(error) {
        return fault;
    }
    if let Some(fault) = folder.and_then(unusable) {
        return fault;
    }
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR) => absent(program, folder),
        Some(Errno::ACCESS | Errno::PERM) => DriverFault::Denied {
            what: format!("to run {program}"),
            reason: format!("{}; it must be a file that {} may execute", plain(error), user()),
        },
        Some(Errno::NOEXEC) => failed(
            program,
            "it is no program for this machine, and does not begin with `#!`",
        ),
        Some(Errno::TOOBIG) => failed(
            program,
            "arguments and environment are longer than the system allows",
        ),
        _ => failed(program, &plain(error)),
    }
}

fn failed(program: &str, reason: &str) -> DriverFault {
    DriverFault::Failed {
        what: format!("starting {program}"),
        reason: reason.to_owned(),
    }
}

/// What is wrong with the folder that a program is to run in.
fn unusable(folder: &Path) -> Option<DriverFault> {
    let what = format!("the folder {}", folder.display());
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Some(DriverFault::NotFound {
            what,
            reason: "it is not a folder; make one, or mend `folder`".to_owned(),
        }),
        Ok(_) => rustix::fs::access(folder, rustix::fs::Access::EXEC_OK)
            .is_err()
            .then(|| DriverFault::Denied {
                reason: format!("{} may not enter it", user()),
                what,
            }),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(DriverFault::Denied {
            reason: format!("{} may not enter it", user()),
            what,
        }),
        Err(error) => Some(DriverFault::NotFound {
            what,
            reason: format!("{}; make it, or mend `folder`", plain(&error)),
        }),
    }
}

fn absent(program: &str, folder: Option<&Path>) -> DriverFault {
    let what = format!("the program {program}");
    let reason = match program.contains('/') {
        false => format!(
            "it is in no folder of PATH ({}); name it with its folder",
            std::env::var("PATH").unwrap_or_default()
        ),
        true if from(program, folder).exists() => {
            "its interpreter, in its first line or of its format, is not there".to_owned()
        }
        true => format!("there is no such file, seen from {}", seen_from(folder)),
    };
    DriverFault::NotFound { what, reason }
}

fn from(program: &str, folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(|| PathBuf::from(program), |folder| folder.join(program))
}

fn seen_from(folder: Option<&Path>) -> String {
    let here = || std::env::current_dir().unwrap_or_default();
    folder.map_or_else(here, Path::to_owned).display().to_string()
}

fn user() -> String {
    format!("user {}", rustix::process::geteuid().as_raw())
}

fn bound(resource: Resource) -> String {
    getrlimit(resource)
        .current
        .map_or_else(|| "unlimited".to_owned(), |bound| bound.to_string())
}

fn setting(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// Of our own control group, version 2.
fn pids_max() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    setting(&format!("/sys/fs/cgroup{own}/pids.max"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(errno: Errno) -> DriverFault {
        not_started("./api", None, &io::Error::from(errno))
    }

    #[test]
    fn each_limit_is_named_with_the_place_where_it_is_set() {
        let named = [
            (Errno::AGAIN, "RLIMIT_NPROC"),
            (Errno::AGAIN, "pids.max"),
            (Errno::NOMEM, "memory"),
            (Errno::MFILE, "RLIMIT_NOFILE"),
            (Errno::NFILE, "fs.file-max"),
            (Errno::NOSPC, "disk"),
            (Errno::DQUOT, "quota"),
        ];
        for (errno, word) in named {
            let fault = of(errno);
            assert_eq!(fault.code(), "limit_reached");
            assert!(fault.to_string().contains(word), "{fault}");
        }
    }

    #[test]
    fn what_is_no_limit_says_what_would_be_right() {
        assert_eq!(of(Errno::NOENT).code(), "not_found");
        assert_eq!(of(Errno::ACCESS).code(), "denied");
        assert!(of(Errno::NOEXEC).to_string().contains("#!"));
        let fault = not_started("no-such-program", None, &io::Error::from(Errno::NOENT));
        assert!(fault.to_string().contains("PATH (/"), "{fault}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_before_the_program() {
        let folder = Path::new("/no/such/folder");
        let fault = not_started("sh", Some(folder), &io::Error::from(Errno::NOENT));
        assert!(
            fault
                .to_string()
                .starts_with("the folder /no/such/folder does not exist")
        );
        let fault = not_started(
            "sh",
            Some(Path::new("/etc/passwd")),
            &io::Error::from(Errno::NOTDIR),
        );
        assert!(fault.to_string().contains("it is not a folder"), "{fault}");
    }

    #[test]
    fn a_program_without_its_interpreter_is_told_from_one_that_is_not_there() {
        let fault = not_started("/etc/passwd", None, &io::Error::from(Errno::NOENT));
        assert!(fault.to_string().contains("interpreter"), "{fault}");
        let fault = not_started("./none", Some(Path::new("/etc")), &io::Error::from(Errno::NOENT));
        assert!(fault.to_string().contains("seen from /etc"), "{fault}");
    }
}
