//! Namespaces for one engine, and what says that there can be none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// Where the engine lives, if we are inside already.
pub(crate) fn folder_inside() -> Option<OsString> {
    env::var_os(FOLDER)
}

/// Runs the same test once more, in namespaces of its own.
pub(crate) fn run_inside(test: &str) {
    if let Err(reason) = can_house() {
        return skip(&reason);
    }
    let folder = Folder::new();
    compile_app(&folder.0);
    let status = housed()
        .args(["sh", "-c", "\"$@\"; exit $?", "sh"]) // the shell reaps what containers leave to the first process
        .arg(env::current_exe().expect("the test's own path"))
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, &folder.0)
        .env("PATH", path())
        .status()
        .expect("it was there a moment ago");
    match status.code() {
        Some(NO_ENGINE) => skip(&folder.engines_last_words()),
        _ => assert!(
            status.success(),
            "inside: {status}\n{}",
            folder.engines_last_words()
        ),
    }
}

/// No engine can be had here, which only [`run_inside`] can tell.
pub(crate) fn end_without_engine() -> ! {
    std::process::exit(NO_ENGINE)
}

/// By which cgroup all of its containers are known.
pub(crate) fn cgroup(folder: &Path) -> String {
    let name = folder
        .file_name()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned();
    format!("/{name}")
}

/// Debian keeps servers in `/usr/sbin`.
fn path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

fn can_house() -> Result<(), String> {
    for program in [
        "setpriv",
        "unshare",
        "ip",
        "iptables",
        "dockerd",
        "containerd",
        "runc",
        "tar",
    ] {
        let found = env::split_paths(&path()).any(|folder| folder.join(program).is_file());
        if !found {
            return Err(format!(
                "{program} is not installed (Debian: docker.io iptables iproute2 util-linux)"
            ));
        }
    }
    let tried = housed().arg("true").output().map_err(|fault| fault.to_string())?;
    match tried.status.success() {
        true => Ok(()),
        false => Err(format!(
            "no namespaces: {}",
            String::from_utf8_lossy(&tried.stderr).trim()
        )),
    }
}

/// Ends with us, even if we are killed, and all that is inside with it.
fn housed() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]);
    command.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    command
}

fn skip(reason: &str) {
    let text = format!("\n*** SKIPPED: no Docker Engine to test with: {reason}\n");
    assert!(
        env::var_os("PORTREEVE_MUST_HAVE_DOCKER").is_none_or(|value| value != "1"),
        "{text}"
    );
    // Past the test's captured output, so that it is seen.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

/// A static program, and an archive of it.
fn compile_app(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/fixture/app.rs");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut compile = Command::new(rustc);
    compile.args([
        "--edition",
        "2024",
        "-C",
        "target-feature=+crt-static",
        "-C",
        "strip=symbols",
        "-o",
    ]);
    succeed(compile.arg(folder.join("app")).arg(source));
    let mut pack = Command::new("tar");
    succeed(
        pack.arg("-cf")
            .arg(folder.join("image.tar"))
            .arg("-C")
            .arg(folder)
            .arg("app"),
    );
}

fn succeed(command: &mut Command) {
    let Output { status, stderr, .. } = command.output().expect("it is installed");
    assert!(
        status.success(),
        "{command:?}: {status}\n{}",
        String::from_utf8_lossy(&stderr)
    );
}

/// All that the engine keeps; it goes with the test, and so do the cgroups that a killed engine leaves.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("portreeve-docker-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    fn engines_last_words(&self) -> String {
        let log = fs::read_to_string(self.0.join("dockerd.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!(
            "the engine's log ends with\n{}",
            lines[lines.len().saturating_sub(15)..].join("\n")
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let name = cgroup(&self.0);
        let _ = fs::remove_dir_all(&self.0);
        let controllers = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        for controller in controllers {
            remove_cgroup(&controller.path().join(&name[1..]));
        }
        remove_cgroup(&Path::new("/sys/fs/cgroup").join(&name[1..]));
    }
}

/// It has folders only that are empty as soon as nothing runs there.
fn remove_cgroup(path: &Path) {
    for inner in fs::read_dir(path).into_iter().flatten().flatten() {
        if inner.path().is_dir() {
            remove_cgroup(&inner.path());
        }
    }
    let _ = fs::remove_dir(path);
}

/// Set inside.
const FOLDER: &str = "PORTREEVE_DOCKER_TEST_FOLDER";

/// Exit code: the kernel or our rights forbid it.
const NO_ENGINE: i32 = 77;
