//! Python with grpcio, and its processes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use portreeve_model::plan::CertificatePlan;
use portreeve_testkit::PATIENCE;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// An interpreter that has grpcio.
pub(super) struct Python(PathBuf);

/// A server; ends when this is dropped.
pub(super) struct Peer {
    port: u16,
    _child: Child,
}

impl Python {
    /// On PATH, or where `cargo xtask test` installs it; `None`: a test that does not run says so.
    pub(super) fn find() -> Option<Self> {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .chain([ours])
            .find(|folder| has_grpcio(folder));
        found.map(|folder| Self(folder.join("python3"))).or_else(skip)
    }

    /// What a client that makes each kind of call says.
    pub(super) async fn call(&self, target: &str) -> Vec<String> {
        self.say(&["call", target]).await
    }

    /// The same within TLS, trusting this authority, of the host `app.test`.
    pub(super) async fn call_secured(&self, target: &str, authority: &Path) -> Vec<String> {
        let authority = authority.to_str().expect("the folder is ours");
        self.say(&["call", target, authority]).await
    }

    /// The same of a call that fails.
    pub(super) async fn failures(&self, target: &str) -> Vec<String> {
        self.say(&["fail", target]).await
    }

    /// The same of a call that takes 2 s.
    pub(super) async fn slow(&self, target: &str) -> Vec<String> {
        self.say(&["slow", target]).await
    }

    async fn say(&self, words: &[&str]) -> Vec<String> {
        let output = self.command().args(words).stderr(Stdio::inherit()).output();
        let output = tokio::time::timeout(PATIENCE * 3, output)
            .await
            .expect("calls have deadlines")
            .expect("Python starts");
        assert!(output.status.success(), "{words:?}: {output:?}");
        let text = String::from_utf8(output.stdout).expect("JSON is text");
        text.lines().map(str::to_owned).collect()
    }

    fn command(&self) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/grpc/peer.py");
        let mut command = Command::new(&self.0);
        command
            .arg("-B")
            .arg(script)
            .env_remove("http_proxy")
            .env_remove("https_proxy")
            .kill_on_drop(true);
        command
    }
}

impl Peer {
    pub(super) async fn serving(python: &Python) -> Self {
        Self::with(python, &[]).await
    }

    /// Within TLS.
    pub(super) async fn secured(python: &Python, shown: &CertificatePlan) -> Self {
        Self::with(python, &[&shown.certificate, &shown.key]).await
    }

    async fn with(python: &Python, files: &[&PathBuf]) -> Self {
        let mut command = python.command();
        command
            .arg("serve")
            .args(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line
            .expect("Python starts in time")
            .expect("it says something")
            .expect("it says a line");
        let port = line.strip_prefix("port ").expect("it says its port");
        Self {
            port: port.parse().expect("a port is a number"),
            _child: child,
        }
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn has_grpcio(folder: &Path) -> bool {
    let Ok(versions) = folder.join("../lib").read_dir() else {
        return false;
    };
    folder.join("python3").is_file()
        && versions
            .flatten()
            .any(|version| version.path().join("site-packages/grpc").is_dir())
}

#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn skip() -> Option<Python> {
    let must = std::env::var_os("PORTREEVE_MUST_HAVE_GRPCIO").is_some_and(|must| must == "1");
    assert!(
        !must,
        "no Python on PATH has grpcio; `cargo xtask test` installs it"
    );
    eprintln!("SKIPPED: grpcio is not installed, so gRPC is not tested; `cargo xtask test` installs it");
    None
}
