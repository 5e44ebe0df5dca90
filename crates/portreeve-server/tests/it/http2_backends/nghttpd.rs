//! Against nghttpd, a server that is not made of our own library.

use std::process::Stdio;
use std::time::Duration;

use portreeve_testkit::{PATIENCE, Proxy, Scratch, get, post};
use tokio::process::{Child, Command};

use crate::tls::Authority;

/// A running nghttpd, which serves one file and echoes what is sent to it; ends when this is dropped.
struct Nghttpd {
    port: u16,
    secured_by: Option<Authority>,
    _child: Child,
    _scratch: Scratch,
}

impl Nghttpd {
    /// `None`: a test that does not run says so.
    async fn start(more: &[&str]) -> Option<Self> {
        Self::launch(more, None).await
    }

    /// The same within TLS.
    async fn secured(more: &[&str]) -> Option<Self> {
        Self::launch(more, Some(Authority::new())).await
    }

    async fn launch(more: &[&str], secured_by: Option<Authority>) -> Option<Self> {
        let scratch = Scratch::new();
        let file = scratch.file("index.html");
        std::fs::write(&file, "a page").expect("the folder is ours");
        let folder = file.parent().expect("it is in the folder");
        let mut command = Command::new("nghttpd");
        command
            .args(["-a", "127.0.0.1", "--trailer=x-end: yes"])
            .args(more)
            .arg("-d")
            .arg(folder);
        let shown = secured_by
            .as_ref()
            .map(|authority| authority.issue_files("nghttpd", &["DNS:app.test"]));
        match &shown {
            None => command.args(["--no-tls", "0"]),
            Some(shown) => command.arg("0").arg(&shown.key).arg(&shown.certificate),
        };
        command.stdout(Stdio::null()).kill_on_drop(true);
        let Ok(child) = command.spawn() else {
            return skip();
        };
        let port = port_of(child.id().expect("it has just begun")).await;
        Some(Self {
            port,
            secured_by,
            _child: child,
            _scratch: scratch,
        })
    }

    async fn proxy(&self) -> Proxy {
        let setup = Proxy::before("app.test", &[]);
        let Some(authority) = &self.secured_by else {
            let backend = format!("\"h2c://127.0.0.1:{}\"", self.port);
            return setup.backends([backend]).start().await;
        };
        let tls = format!(
            "[pool.app.tls]\nauthorities = \"{}\"\nserver_name = \"app.test\"",
            authority.file().display()
        );
        let backend = format!("\"h2://127.0.0.1:{}\"", self.port);
        setup.backends([backend]).tables(&tls).start().await
    }
}

/// The port at which a process listens, which the kernel chose.
async fn port_of(process: u32) -> u16 {
    let found = async {
        loop {
            if let Some(port) = listens_at(process) {
                return port;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found)
        .await
        .expect("it listens soon")
}

/// What the kernel says of its sockets: of a line, the second word is the local address, the fourth the state, of which
/// 0A is listening, and the tenth the inode.
fn listens_at(process: u32) -> Option<u16> {
    let folder = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let sockets: Vec<String> = folder
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let table = std::fs::read_to_string(format!("/proc/{process}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_ours = *words.get(3)? == "0A" && sockets.contains(&format!("socket:[{}]", words.get(9)?));
        let (_, port) = words[1].split_once(':')?;
        is_ours.then(|| u16::from_str_radix(port, 16).ok()).flatten()
    })
}

#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn skip() -> Option<Nghttpd> {
    let must = std::env::var_os("CI").is_some();
    assert!(!must, "nghttpd is missing: apt-get install nghttp2-server");
    eprintln!("SKIPPED: nghttpd is not on PATH: apt-get install nghttp2-server");
    None
}

#[tokio::test]
async fn its_files_are_served_with_their_trailers() {
    let Some(server) = Nghttpd::start(&[]).await else {
        return;
    };
    let proxy = server.proxy().await;
    let mut client = proxy.connect().await;
    for _ in 0..100 {
        client
            .send("GET / HTTP/1.1\r\nHost: app.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
            .await;
        let answer = client.response().await;
        assert_eq!((answer.status(), answer.text().as_str()), (200, "a page"));
    }
    assert_eq!(proxy.answer(get("/nothing")).await.status(), 404);
}

#[tokio::test]
async fn it_echoes_bodies_of_any_size() {
    let Some(server) = Nghttpd::start(&["--echo-upload", "-m", "7"]).await else {
        return;
    };
    let proxy = server.proxy().await;
    for size in [1, 65_535, 1_000_000] {
        let body = "e".repeat(size);
        assert!(proxy.answer(post(&body)).await.text() == body, "{size} bytes");
    }
}

#[tokio::test]
async fn within_tls_it_serves_files_trailers_and_uploads_too() {
    let Some(server) = Nghttpd::secured(&["--echo-upload", "-m", "5", "-b", "100"]).await else {
        return;
    };
    let proxy = std::sync::Arc::new(server.proxy().await);
    let mut client = proxy.connect().await;
    client
        .send("GET / HTTP/1.1\r\nHost: app.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
        .await;
    let answer = client.response().await;
    assert_eq!((answer.status(), answer.text().as_str()), (200, "a page"));
    let mut asking = tokio::task::JoinSet::new();
    for size in [1, 100, 65_535, 65_536, 300_000, 2_000_000] {
        for is_chunked in [false, true] {
            let proxy = proxy.clone();
            asking.spawn(async move {
                let body = "u".repeat(size);
                let request = match is_chunked {
                    false => post(&body),
                    true => format!(
                        "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
                    ),
                };
                let answer = proxy.answer(request).await;
                assert!(answer.text() == body, "{size} bytes, {is_chunked}: {}", answer.status());
            });
        }
    }
    asking.join_all().await;
}

#[tokio::test]
async fn its_small_windows_hold_up_no_upload() {
    let Some(server) = Nghttpd::secured(&["--echo-upload", "-w", "10", "-W", "11"]).await else {
        return;
    };
    let proxy = server.proxy().await;
    for size in [1_022, 1_023, 1_024, 2_047, 100_000] {
        let body = "w".repeat(size);
        let request = format!(
            "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
        );
        let mut client = proxy.connect().await;
        client.send(&request[..request.len() - 5]).await;
        proxy.come_round().await;
        client.send("0\r\n\r\n").await;
        assert!(client.response().await.text() == body, "{size} bytes");
    }
}
