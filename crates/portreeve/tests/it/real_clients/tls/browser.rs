//! A browser within TLS: it agrees on HTTP/2 by itself.

use std::process::{Command, Stdio};

use portreeve_testkit::{Message, Origin, Scratch};

use super::{Site, issued};
use crate::real_clients::browser::{chromium, dom};
use crate::real_clients::python::websocket_server;
use crate::shared::{Portreeve, tool};

/// The SHA-256 of the site's public key, as Chromium wants to be told whom to trust; `None`: openssl is not installed.
fn fingerprint(folder: &Scratch) -> Option<String> {
    let openssl = tool::find("openssl", "openssl")?;
    let script = "$0 x509 -in \"$1\" -noout -pubkey | $0 pkey -pubin -outform der | $0 dgst -sha256 -binary | $0 base64";
    let told = Command::new("sh")
        .args(["-c", script])
        .arg(openssl)
        .arg(folder.file("app.pem"))
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    Some(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// Chromium, which takes the site's certificate.
fn trusting(folder: &Scratch) -> Option<Command> {
    let mut chromium = chromium(folder)?;
    let key = fingerprint(folder)?;
    chromium.arg(format!("--ignore-certificate-errors-spki-list={key}"));
    Some(chromium)
}

/// A page with a hundred images, which says what came of them, and how.
fn site(request: &Message) -> Vec<u8> {
    let line = request.line();
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (kind, body) = match target {
        "/" => ("text/html", PAGE),
        target if target.starts_with("/image") => ("image/svg+xml", IMAGE),
        _ => return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    };
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn a_browser_gets_a_page_with_a_hundred_images_over_one_connection_of_http2() {
    let origin = Origin::answering(site).start().await;
    let site = Site::before_origin(&origin);
    let Some(chromium) = trusting(&site.folder) else {
        return;
    };
    let dom = dom(chromium, &format!("https://localhost:{}/", site.port())).await;
    assert!(dom.contains("<p>100 images, all by h2</p>"), "{dom}");
    site.end();
}

#[tokio::test]
async fn a_browser_speaks_websocket_over_http2() {
    let Some((_server, backend)) = websocket_server() else {
        return;
    };
    let (_authority, folder) = issued();
    let log = folder.file("access.jsonl");
    let toml = format!(
        "admin = {{ bind = \"off\" }}\naccess_log = {{ to = \"{}\" }}\nstate = \"{}\"\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\ntls = {{ certificate = \"app.pem\", key = \"app.key\" }}\n\
         [pool.app]\nbackends = \"{backend}\"\n",
        log.display(),
        folder.file("state").display(),
    );
    let portreeve = Portreeve::serve_file(&folder.write("portreeve.toml", &toml));
    let Some(chromium) = trusting(&folder) else { return };
    let port = portreeve.address().rsplit(':').next().unwrap_or_default();

    let dom = dom(chromium, &format!("https://localhost:{port}/")).await;

    assert!(dom.contains("echo: from the browser"), "{dom}");
    assert!(dom.contains("<title>closed 1000 cleanly</title>"), "{dom}");
    portreeve.end();
    let records = folder.read("access.jsonl");
    let mut lines = records.lines();
    let socket = lines.find(|line| line.contains("\"target\":\"/echo\""));
    assert!(
        socket.is_some_and(|line| line.contains("\"version\":\"HTTP/2")),
        "{records}"
    );
}

const PAGE: &str = "<!doctype html><title>many</title><p>nothing yet</p><script>
for (let nth = 0; nth < 100; nth++) {
  const image = new Image();
  image.src = '/image' + nth + '.svg';
  document.body.append(image);
}
addEventListener('load', () => {
  const shown = [...document.images].filter(image => image.naturalWidth === 40).length;
  const entries = performance.getEntriesByType('resource');
  const by = new Set(entries.map(entry => entry.nextHopProtocol));
  document.querySelector('p').textContent = shown + ' images, all by ' + [...by];
});
</script>";

const IMAGE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'/>";
