use std::path::Path;
use std::process::{Command, Stdio};

use portreeve_testkit::{Message, Origin, Scratch};

use crate::real_clients::run::run;
use crate::real_clients::{before, before_origin, python, url};
use crate::shared::tool;

/// Chromium without a window, by an empty profile of its own, with nothing to say to anybody but us.
pub(super) fn chromium(folder: &Scratch) -> Option<Command> {
    let mut command = Command::new(tool::find("chromium", "chromium")?);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            "--virtual-time-budget=10000",
        ])
        .arg(format!("--user-data-dir={}", folder.file("profile").display()))
        .env("HOME", folder.path())
        .stdin(Stdio::null());
    Some(command)
}

/// The document as the browser has it in the end.
pub(super) async fn dom(mut chromium: Command, url: &str) -> String {
    chromium.args(["--dump-dom", url]);
    run(chromium).await.text()
}

/// A site: a page, its style sheet, script and image, and something that the script fetches.
fn site(request: &Message) -> Vec<u8> {
    let line = request.line();
    let (kind, body): (_, &[u8]) = match line.split(' ').nth(1).unwrap_or_default() {
        "/" => ("text/html", PAGE),
        "/style.css" => ("text/css", b"h1 { color: rgb(1, 2, 3) }"),
        "/script.js" => ("text/javascript", SCRIPT),
        "/image.svg" => ("image/svg+xml", IMAGE),
        "/data" => ("text/plain", request_body(request)),
        _ => return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn request_body(request: &Message) -> &[u8] {
    &request.body
}

#[tokio::test]
async fn a_browser_shows_a_page_with_all_that_belongs_to_it() {
    let origin = Origin::answering(site).start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let Some(chromium) = chromium(&folder) else {
        return;
    };

    let dom = dom(chromium, &url(&portreeve, "/")).await;

    assert!(
        dom.contains("<p>image 40x30, color rgb(1, 2, 3), fetched posted</p>"),
        "{dom}"
    );
    let requests = origin.requests().await;
    let get = |target: &str| {
        let line = format!("{target} HTTP/1.1");
        requests.iter().any(|request| request.line() == line)
    };
    for target in [
        "GET /",
        "GET /style.css",
        "GET /script.js",
        "GET /image.svg",
        "POST /data",
    ] {
        assert!(get(target), "{target} was not asked for");
    }
    portreeve.end();
}

#[tokio::test]
async fn a_browser_shows_our_error_page() {
    let nobody = Origin::refusing();
    let folder = Scratch::new();
    let portreeve = before_origin(&nobody, &folder);
    let Some(chromium) = chromium(&folder) else {
        return;
    };

    let dom = dom(chromium, &url(&portreeve, "/")).await;

    for part in ["<h1>502", "Bad Gateway", "connect_refused", "<style>"] {
        assert!(dom.contains(part), "{part} is missing: {dom}");
    }
    portreeve.end();
}

#[tokio::test]
async fn a_browser_paints_our_error_page() {
    let nobody = Origin::refusing();
    let folder = Scratch::new();
    let portreeve = before_origin(&nobody, &folder);
    let Some(mut chromium) = chromium(&folder) else {
        return;
    };
    let file = folder.file("page.png");
    chromium
        .arg(format!("--screenshot={}", file.display()))
        .arg("--window-size=800,600")
        .arg(url(&portreeve, "/"));

    let outcome = run(chromium).await;

    assert!(outcome.is_success, "{outcome}");
    assert!(is_png(&file), "{outcome}");
    portreeve.end();
}

fn is_png(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG\r\n"))
}

#[tokio::test]
async fn a_browser_speaks_websocket_through_us() {
    let Some((_server, backend)) = python::websocket_server() else {
        return;
    };
    let folder = Scratch::new();
    let portreeve = before(&backend, &folder);
    let Some(chromium) = chromium(&folder) else {
        return;
    };

    let dom = dom(chromium, &url(&portreeve, "/")).await;

    assert!(dom.contains("echo: from the browser"), "{dom}");
    assert!(dom.contains("<title>closed 1000 cleanly</title>"), "{dom}");
    portreeve.end();
}

const PAGE: &[u8] = b"<!doctype html><html><head><title>site</title><link rel=stylesheet href=/style.css></head>\
<body><h1>Hello</h1><img id=image src=/image.svg><p>nothing yet</p><script src=/script.js></script></body></html>";

const SCRIPT: &[u8] = b"addEventListener('load', async () => {
  const image = document.getElementById('image');
  const color = getComputedStyle(document.querySelector('h1')).color;
  const answer = await fetch('/data', { method: 'POST', body: 'posted' });
  const fetched = await answer.text();
  document.querySelector('p').textContent =
    `image ${image.naturalWidth}x${image.naturalHeight}, color ${color}, fetched ${fetched}`;
});";

const IMAGE: &[u8] =
    b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'><rect width='40' height='30'/></svg>";
