//! Pebble, an authority for tests, and the DNS server that tells it that every name is 127.0.0.1.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::authority::Authority;

/// A running authority; ended on drop.
pub(crate) struct Pebble {
    child: Child,
    dns: Child,
    manage: u16,
    port: u16,
    authority: Authority,
}

/// How it is to be.
pub(crate) struct Wanted {
    /// Where it asks for `http-01` and `tls-alpn-01`.
    pub(crate) http: u16,
    pub(crate) tls: u16,
    /// More of its configuration, put over ours.
    pub(crate) more: Value,
    /// More of its environment, put over ours.
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// Where it listens; `None`: anywhere.
    pub(crate) port: Option<u16>,
}

impl Wanted {
    pub(crate) fn asking(http: u16, tls: u16) -> Self {
        Self {
            http,
            tls,
            more: json!({}),
            env: Vec::new(),
            port: None,
        }
    }
}

/// Whether pebble is there; says so if it is not.
pub(crate) fn is_installed() -> bool {
    let has = |program: &str| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| folder.join(program).exists())
    };
    let is = has("pebble") && has("pebble-challtestsrv");
    if !is {
        let text = "\n*** SKIPPED: no pebble to test ACME with: apt-get install pebble\n";
        assert!(
            env::var_os("PORTREEVE_MUST_HAVE_PEBBLE").is_none_or(|value| value != "1"),
            "{text}"
        );
        // Past the test's captured output, so that it is seen.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    is
}

impl Pebble {
    /// Starts one whose own certificate `authority` vouches for.
    pub(crate) async fn start(folder: &Path, authority: &Authority, wanted: &Wanted) -> Self {
        // Ports are free when we look; if somebody takes one before the servers do, they end, and we look again.
        for _ in 0..ATTEMPTS {
            if let Some(pebble) = Self::attempt(folder, authority, wanted).await {
                return pebble;
            }
        }
        panic!(
            "pebble does not start: see {}",
            folder.join("pebble.log").display()
        );
    }

    async fn attempt(folder: &Path, authority: &Authority, wanted: &Wanted) -> Option<Self> {
        let [dns_port, dns_manage, manage, any] = free_ports();
        let port = wanted.port.unwrap_or(any);
        let dns = spawn(
            folder,
            "pebble-challtestsrv",
            &[
                "-dns01",
                &local(dns_port),
                "-management",
                &local(dns_manage),
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
            ],
            &[],
        );
        let config = write_config(folder, authority, wanted, (port, manage));
        let mut env = vec![
            ("PEBBLE_VA_NOSLEEP", "1"),
            ("PEBBLE_WFE_NONCEREJECT", "0"),
            ("PEBBLE_AUTHZREUSE", "0"),
        ];
        env.retain(|(name, _)| !wanted.env.iter().any(|(over, _)| over == name));
        env.extend(&wanted.env);
        let child = spawn(
            folder,
            "pebble",
            &[
                "-config",
                &config.display().to_string(),
                "-dnsserver",
                &local(dns_port),
            ],
            &env,
        );
        let mut pebble = Self {
            child,
            dns,
            manage,
            port,
            authority: authority.clone(),
        };
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let ended = |child: &mut Child| child.try_wait().expect("a child can be asked").is_some();
            if ended(&mut pebble.child) || ended(&mut pebble.dns) {
                return None;
            }
            if pebble.get(port, "/dir").await.is_some()
                && pebble.get(manage, "/roots/0").await.is_some()
                && tokio::net::TcpStream::connect(address(dns_port)).await.is_ok()
            {
                return Some(pebble);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    pub(crate) fn directory(&self) -> String {
        directory(self.port)
    }

    /// Who vouches for the certificates that it gives out.
    pub(crate) async fn root(&self) -> String {
        let answer = self.get(self.manage, "/roots/0").await;
        answer.expect("pebble shows its root")
    }

    /// Ends it: it forgets everything.
    pub(crate) fn end(self) -> u16 {
        self.port
    }

    async fn get(&self, port: u16, path: &str) -> Option<String> {
        self.authority.get(address(port), path).await
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in [&mut self.child, &mut self.dns] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn directory(port: u16) -> String {
    format!("https://localhost:{port}/dir")
}

/// Ports that nobody listens on at the moment.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind(address(0)).expect("there are free ports"));
    held.map(|listener| listener.local_addr().expect("it is bound").port())
}

fn write_config(
    folder: &Path,
    authority: &Authority,
    wanted: &Wanted,
    (port, manage): (u16, u16),
) -> PathBuf {
    let (certificate, key) = (folder.join("pebble.pem"), folder.join("pebble.key"));
    fs::write(&certificate, &authority.certificate).expect("the folder can be written to");
    fs::write(&key, &authority.key).expect("the folder can be written to");
    let mut config = json!({
        "listenAddress": local(port),
        "managementListenAddress": local(manage),
        "certificate": certificate,
        "privateKey": key,
        "httpPort": wanted.http,
        "tlsPort": wanted.tls,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": false,
    });
    for (name, value) in wanted.more.as_object().expect("an object") {
        config[name] = value.clone();
    }
    let path = folder.join("pebble.json");
    let text = json!({ "pebble": config }).to_string();
    fs::write(&path, text).expect("the folder can be written to");
    path
}

/// Ends with us, even if we are killed.
fn spawn(folder: &Path, program: &str, arguments: &[&str], env: &[(&str, &str)]) -> Child {
    let log = fs::File::create(folder.join(format!("{program}.log"))).expect("the folder can be written to");
    let errors = log.try_clone().expect("there are descriptors");
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", program])
        .args(arguments)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .expect("setpriv is there")
}

fn local(port: u16) -> String {
    address(port).to_string()
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const ATTEMPTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);
