//! `serve --domain` before a real authority, pebble, and curl. Where pebble is not installed these tests say so and pass,
//! unless `PORTREEVE_MUST_HAVE_PEBBLE=1`.

#[path = "../../../../portreeve-acme/tests/acme/authority.rs"]
mod authority;
#[path = "../../../../portreeve-acme/tests/acme/pebble.rs"]
mod pebble;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portreeve_testkit::{Origin, Scratch};
use rustix::process::Signal;

use self::authority::Authority;
use self::pebble::{Pebble, Wanted, free_ports, is_installed};
use super::run::{Outcome, run};
use crate::shared::{Program, tool};

/// An authority that is not there yet, an origin, and where the binary will listen and keep what it has.
struct Stage {
    folder: Scratch,
    authority: Authority,
    origin: Origin,
    http: u16,
    tls: u16,
}

impl Stage {
    async fn new() -> Self {
        let [http, tls] = free_ports();
        let (folder, authority) = (Scratch::new(), Authority::new());
        folder.write("root.pem", &authority.root);
        Self {
            folder,
            authority,
            origin: Origin::replying(200, "hi").start().await,
            http,
            tls,
        }
    }

    async fn pebble(&self, env: Vec<(&'static str, &'static str)>) -> Pebble {
        let mut wanted = Wanted::asking(self.http, self.tls);
        wanted.env = env;
        Pebble::start(self.folder.path(), &self.authority, &wanted).await
    }

    /// By flags alone.
    fn serve(&self, pebble: &Pebble) -> Program {
        self.serve_by(&pebble.directory())
    }

    fn serve_by(&self, directory: &str) -> Program {
        let path = |name: &str| self.folder.file(name).display().to_string();
        Program::start([
            "serve".to_owned(),
            format!("--listen=127.0.0.1:{}", self.tls),
            format!("--redirect=127.0.0.1:{}", self.http),
            "--domain=app.test".to_owned(),
            format!("--acme-directory={directory}"),
            format!("--acme-authorities={}", path("root.pem")),
            format!("--to={}", self.origin.address()),
            format!("--state={}", path("state")),
            "--admin=off".to_owned(),
        ])
    }

    /// What curl says, which trusts the authority that gave the certificate; `None`: it is not installed.
    async fn curl(&self, root: &str, arguments: &[&str]) -> Option<Outcome> {
        let root = self.folder.write("issuer.pem", root);
        let mut curl = Command::new(tool::find("curl", "curl")?);
        curl.args(["-q", "-sS", "--noproxy", "*", "--max-time", "60", "--cacert"])
            .arg(root)
            .args(["--resolve", &format!("app.test:{}:127.0.0.1", self.tls)])
            .args(["--resolve", &format!("app.test:{}:127.0.0.1", self.http)])
            .args(arguments)
            .stdin(Stdio::null());
        Some(run(curl).await)
    }

    /// Over both versions of HTTP, and where requests without TLS are sent to.
    async fn assert_serves(&self, root: &str) {
        let https = format!("https://app.test:{}/a?b=c", self.tls);
        for version in ["--http1.1", "--http2"] {
            let Some(outcome) = self.curl(root, &[version, &https]).await else {
                return;
            };
            assert_eq!(outcome.text(), "hi");
        }
        let http = format!("http://app.test:{}/a?b=c", self.http);
        let said = ["-w", "%{http_code} %{redirect_url}", &http];
        let Some(outcome) = self.curl(root, &said).await else {
            return;
        };
        assert_eq!(outcome.text(), format!("308 {https}"));
    }

    /// The files under `acme/` in the state folder.
    fn kept(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        gather(&self.folder.file("state").join("acme"), &mut found);
        found
    }

    fn kept_as(&self, end: &str) -> Option<PathBuf> {
        let mut kept = self.kept().into_iter();
        kept.find(|path| path.to_string_lossy().ends_with(end))
    }

    /// Waits until there is one.
    async fn until_kept(&self, end: &str) -> PathBuf {
        let begun = Instant::now();
        loop {
            if let Some(path) = self.kept_as(end) {
                return path;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "no {end} was kept");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The names of all that is kept, of which each is for the owner alone.
    fn names_kept(&self) -> Vec<String> {
        let kept = self.kept();
        for path in &kept {
            let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let mut names: Vec<_> = kept.iter().map(name).collect();
        names.sort();
        names
    }

    /// Whether the authority has one account, by its own word.
    fn has_one_account(&self) -> bool {
        let log = self.folder.read("pebble.log");
        let told: Vec<_> = log
            .lines()
            .filter(|line| line.contains("accounts in memory"))
            .collect();
        matches!(told.as_slice(), [one] if one.contains(" 1 accounts"))
    }
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => gather(&path, found),
            false => found.push(path),
        }
    }
}

fn kill(program: Program) {
    program.signal(Signal::KILL);
    assert_eq!(program.end().code, None);
}

#[tokio::test]
async fn a_domain_is_served_by_https_and_after_a_kill_at_once() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble(Vec::new()).await;
    let root = pebble.root().await;

    let mut portreeve = stage.serve(&pebble);
    portreeve.told("a new certificate is in use");
    stage.assert_serves(&root).await;
    assert_eq!(stage.names_kept(), ["account.json", "app.test.pem"]);

    // Whoever starts again needs no authority for what it has.
    let directory = pebble.directory();
    pebble.end();
    kill(portreeve);
    let mut portreeve = stage.serve_by(&directory);
    portreeve.told("listener=\"redirect\"");
    stage.assert_serves(&root).await;
    portreeve.signal(Signal::TERM);
    let outcome = portreeve.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!outcome.stderr.contains("ordering a certificate"), "{outcome:?}");
}

#[tokio::test]
async fn an_order_goes_on_where_a_kill_cut_it_off() {
    if !is_installed() {
        return;
    }
    for _ in 0..ATTEMPTS {
        if has_gone_on().await {
            return;
        }
    }
    panic!("no order went on");
}

/// Whether the order that a kill cut off was the one that gave the certificate. Pebble looks at a moment that it throws dice
/// for; if nobody was there just then, the order is void, and a new one is right.
async fn has_gone_on() -> bool {
    let stage = Stage::new().await;
    let env = vec![("PEBBLE_VA_NOSLEEP", "0"), ("PEBBLE_VA_SLEEPTIME", "3")];
    let pebble = stage.pebble(env).await;
    let mut portreeve = stage.serve(&pebble);
    portreeve.told("ordering a certificate");
    stage.until_kept("orders/app.test.json").await;
    kill(portreeve);
    let account = fs::read(stage.kept_as("account.json").unwrap()).unwrap();

    let mut portreeve = stage.serve(&pebble);
    portreeve.told("a new certificate is in use");

    stage.assert_serves(&pebble.root().await).await;
    assert_eq!(stage.names_kept(), ["account.json", "app.test.pem"]);
    assert_eq!(fs::read(stage.kept_as("account.json").unwrap()).unwrap(), account);
    assert!(stage.has_one_account());
    let said = portreeve.stderr.so_far();
    said.contains("the order that was under way goes on") && !said.contains("this proof did not do")
}

const ATTEMPTS: usize = 5;

#[tokio::test]
async fn kills_at_any_moment_leave_whole_files_and_one_account() {
    if !is_installed() {
        return;
    }
    let stage = Stage::new().await;
    let pebble = stage.pebble(Vec::new()).await;
    for pause in (0..12).map(|nth| Duration::from_millis(nth * nth * 3)) {
        let mut portreeve = stage.serve(&pebble);
        portreeve.told("listener=\"redirect\"");
        tokio::time::sleep(pause).await;
        kill(portreeve);
    }

    let portreeve = stage.serve(&pebble);
    stage.until_kept("app.test.pem").await;
    let root = pebble.root().await;
    let https = format!("https://app.test:{}/", stage.tls);
    let begun = Instant::now();
    while let Some(outcome) = stage.curl(&root, &[&https]).await {
        if outcome.is_success {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{outcome}");
    }
    stage.assert_serves(&root).await;
    portreeve.signal(Signal::TERM);
    let outcome = portreeve.end();
    assert!(!outcome.stderr.contains("damaged"), "{outcome:?}");
    assert_eq!(stage.names_kept(), ["account.json", "app.test.pem"]);
    assert!(stage.has_one_account());
}
