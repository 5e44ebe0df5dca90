use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use portreeve_testkit::{Message, Origin, Scratch, Script, answer};

use crate::real_clients::run::{Outcome, run};
use crate::real_clients::{before_origin, url};
use crate::shared::{Portreeve, tool};

/// curl without the user's settings.
fn curl<const N: usize>(arguments: [&str; N]) -> Option<Command> {
    let mut command = Command::new(tool::find("curl", "curl")?);
    command
        .args(["-q", "-sS", "--noproxy", "*", "--max-time", "60"])
        .args(arguments)
        .stdin(Stdio::null());
    Some(command)
}

/// Bytes that no line or text handling survives.
fn bytes(count: usize) -> Vec<u8> {
    (0..count)
        .map(|at| u8::try_from((at * 7 + at / 251) % 256).expect("below 256"))
        .collect()
}

/// Answers with the number of body bytes.
fn counting(request: &Message) -> Vec<u8> {
    answer("200 OK", &request.body.len().to_string()).into_bytes()
}

#[tokio::test]
async fn curl_gets_a_page() {
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let Some(curl) = curl(["-i", &url(&portreeve, "/a%20b?c=d")]) else {
        return;
    };

    let page = run(curl).await.text();

    assert!(page.starts_with("HTTP/1.1 200 Whatever\r\n"), "{page}");
    assert!(page.ends_with("\r\n\r\nhello"), "{page}");
    let request = origin.request().await;
    assert_eq!(request.line(), "GET /a%20b?c=d HTTP/1.1");
    assert_eq!(request.field("host").as_deref(), Some(portreeve.address()));
    assert!(request.field("user-agent").unwrap().starts_with("curl/"));
    portreeve.end();
}

#[tokio::test]
async fn curl_gets_several_pages_over_one_connection() {
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let (one, two, three) = (
        url(&portreeve, "/1"),
        url(&portreeve, "/2"),
        url(&portreeve, "/3"),
    );
    let Some(curl) = curl(["-w", " %{num_connects}\n", &one, &two, &three]) else {
        return;
    };

    assert_eq!(run(curl).await.text(), "hello 1\nhello 0\nhello 0\n");
    portreeve.end();
}

#[tokio::test]
async fn curl_posts_a_file() {
    let origin = Origin::answering(counting).start().await;
    let folder = Scratch::new();
    let body = bytes(700_000);
    fs::write(folder.file("body"), &body).unwrap();
    let data = format!("@{}", folder.file("body").display());
    let portreeve = before_origin(&origin, &folder);
    let Some(curl) = curl(["--data-binary", &data, &url(&portreeve, "/")]) else {
        return;
    };

    assert_eq!(run(curl).await.text(), "700000");
    let request = origin.request().await;
    assert!(request.body == body, "the body was altered");
    assert_eq!(request.field("content-length").as_deref(), Some("700000"));
    portreeve.end();
}

#[tokio::test]
async fn curl_uploads_what_it_reads_in_chunks() {
    let origin = Origin::answering(counting).start().await;
    let folder = Scratch::new();
    let body = bytes(300_000);
    fs::write(folder.file("body"), &body).unwrap();
    let portreeve = before_origin(&origin, &folder);
    let Some(mut curl) = curl(["-T", "-", &url(&portreeve, "/up")]) else {
        return;
    };
    curl.stdin(fs::File::open(folder.file("body")).unwrap());

    assert_eq!(run(curl).await.text(), "300000");
    let request = origin.request().await;
    assert_eq!(request.line(), "PUT /up HTTP/1.1");
    assert_eq!(request.field("transfer-encoding").as_deref(), Some("chunked"));
    assert!(request.body == body, "the body was altered");
    portreeve.end();
}

#[tokio::test]
async fn curl_asks_for_the_head_alone() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"x\"\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(head).forever())
        .start()
        .await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let (one, two) = (url(&portreeve, "/"), url(&portreeve, "/"));
    let Some(curl) = curl(["-I", "-w", "%{num_connects}", &one, &two]) else {
        return;
    };

    let text = run(curl).await.text();

    assert_eq!(text.matches("Content-Length: 12345\r\n").count(), 2, "{text}");
    assert!(text.ends_with('0'), "the connection was not kept: {text}");
    portreeve.end();
}

#[tokio::test]
async fn curl_speaks_http_1_0_and_gets_chunks_as_a_plain_body() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(chunked).forever())
        .start()
        .await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let Some(curl) = curl(["--http1.0", "-i", &url(&portreeve, "/")]) else {
        return;
    };

    let text = run(curl).await.text();

    assert!(text.ends_with("\r\n\r\nhello, world"), "{text}");
    assert!(!text.to_ascii_lowercase().contains("transfer-encoding"), "{text}");
    portreeve.end();
}

#[tokio::test]
async fn curl_waits_for_100_continue_before_a_large_post() {
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .read_body()
        .send_made(counting);
    let origin = Origin::scripted(script).start().await;
    let folder = Scratch::new();
    let body = bytes(5_000_000);
    fs::write(folder.file("body"), &body).unwrap();
    let data = format!("@{}", folder.file("body").display());
    let portreeve = before_origin(&origin, &folder);
    // Without an answer to its Expect curl would wait this long, and then the test would fail.
    let patience = ["--expect100-timeout", "50"];
    let url = url(&portreeve, "/");
    let Some(curl) = curl(["-v", patience[0], patience[1], "--data-binary", &data, &url]) else {
        return;
    };

    let outcome = run(curl).await;

    assert_eq!(outcome.text(), "5000000");
    let talk = outcome.talk();
    assert!(talk.contains("> Expect: 100-continue"), "{talk}");
    assert!(talk.contains("< HTTP/1.1 100 Continue"), "{talk}");
    assert!(origin.request().await.body == body, "the body was altered");
    portreeve.end();
}

#[tokio::test]
async fn curl_gets_compressed_bytes_as_the_backend_made_them() {
    let mut response = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 28\r\n\r\n".to_vec();
    response.extend_from_slice(HELLO_IN_GZIP);
    let origin = Origin::scripted(Script::new().read_request().send(response).forever())
        .start()
        .await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let (plain, packed) = (url(&portreeve, "/"), url(&portreeve, "/"));
    let Some(decoding) = curl(["--compressed", &plain]) else {
        return;
    };
    let Some(raw) = curl([&packed]) else { return };

    assert_eq!(run(decoding).await.text(), "hello gz");
    assert_eq!(run(raw).await.stdout, HELLO_IN_GZIP);
    let requests = origin.requests().await;
    assert!(requests[0].field("accept-encoding").unwrap().contains("gzip"));
    assert_eq!(requests[1].field("accept-encoding"), None);
    portreeve.end();
}

#[tokio::test]
async fn curl_comes_through_a_unix_socket() {
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let socket = folder.file("web.sock");
    let portreeve = on_socket(&socket, &origin, &folder);
    let path = socket.display().to_string();
    let Some(curl) = curl(["--unix-socket", &path, "http://app.test/there"]) else {
        return;
    };

    assert_eq!(run(curl).await.text(), "hello");
    assert_eq!(origin.request().await.field("host").as_deref(), Some("app.test"));
    portreeve.end();
}

fn on_socket(socket: &Path, origin: &Origin, folder: &Scratch) -> Portreeve {
    let listen = format!("unix:{}", socket.display());
    let (to, state) = (origin.address().to_string(), folder.file("state"));
    Portreeve::serve(&[
        "--listen",
        &listen,
        "--to",
        &to,
        "--state",
        &state.display().to_string(),
    ])
}

#[tokio::test]
async fn curl_downloads_a_large_body_whole() {
    let bytes = 256 * 1024 * 1024;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
    let origin = Origin::scripted(Script::new().read_request().send(head).flood(bytes))
        .start()
        .await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let url = url(&portreeve, "/");
    let Some(curl) = curl(["-o", "/dev/null", "-w", "%{size_download}", &url]) else {
        return;
    };

    assert_eq!(run(curl).await.text(), bytes.to_string());
    portreeve.end();
}

#[tokio::test]
async fn curl_is_told_that_a_body_was_cut() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(head))
        .start()
        .await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let Some(curl) = curl([&url(&portreeve, "/")]) else {
        return;
    };

    let outcome: Outcome = run(curl).await;

    assert!(!outcome.is_success, "{outcome}");
    assert_eq!(outcome.stdout, b"hello");
    portreeve.end();
}

/// `hello gz`, by gzip(1).
const HELLO_IN_GZIP: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0x48,
    0xaf, 0x02, 0x00, 0xbf, 0x96, 0x32, 0x5d, 0x08, 0x00, 0x00, 0x00,
];
