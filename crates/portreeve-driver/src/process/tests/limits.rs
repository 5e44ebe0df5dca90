//! A machine without room for another process, in a process of its own: the bound is the user's, and root has none.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

const FOLDER: &str = "DRIVER_TEST_LIMITED";

/// Not a test, unless another begins it.
#[tokio::test]
async fn a_user_without_processes_for_another_test() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let driver = ProcessDriver::new(
        "api".into(),
        "default".into(),
        script("exit 0"),
        Path::new(&folder),
    )
    .unwrap();
    let before = getrlimit(Resource::Nproc);
    let none = Rlimit {
        current: Some(1),
        ..before
    };
    setrlimit(Resource::Nproc, none).unwrap();
    let fault = driver.start(&order("never")).await.unwrap_err();
    setrlimit(Resource::Nproc, before).unwrap();

    let left = fs::read_dir(Path::new(&folder).join("instances"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
    fs::write(Path::new(&folder).join("said"), fault.to_string()).unwrap();
}

#[test]
fn a_bound_on_processes_that_is_reached_is_told_as_such() {
    const NOBODY: u32 = 65_534;
    let scratch = Scratch::new();
    let program = scratch.path().join("limited");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(scratch.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let ended = command
        .args([
            "--exact",
            "process::tests::limits::a_user_without_processes_for_another_test",
        ])
        .env(FOLDER, scratch.path())
        .current_dir("/")
        .output()
        .unwrap();

    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stdout)
    );
    let said = fs::read_to_string(scratch.path().join("said")).unwrap();
    assert!(
        said.starts_with("a limit is reached: no further process") && said.contains("is 1,"),
        "{said}"
    );
}
