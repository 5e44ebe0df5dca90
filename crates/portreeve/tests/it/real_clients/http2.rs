//! HTTP/2 by prior knowledge: curl, nghttp and h2load.

use std::fs;
use std::process::{Command, Stdio};

use portreeve_testkit::{Origin, Scratch, answer};

use crate::real_clients::run::run;
use crate::real_clients::{before_origin, url};
use crate::shared::tool;

fn command(program: &str, package: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(tool::find(program, package)?);
    command.args(arguments).stdin(Stdio::null());
    Some(command)
}

const CURL: &[&str] = &[
    "-q",
    "-sS",
    "--noproxy",
    "*",
    "--max-time",
    "60",
    "--http2-prior-knowledge",
];

/// One page only: curl 7.88 breaks off its second request by prior knowledge, before nginx too.
#[tokio::test]
async fn curl_gets_a_page_over_http2() {
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let url = url(&portreeve, "/1");
    let said = [CURL, &["-w", " %{http_version}", &url]].concat();
    let Some(curl) = command("curl", "curl", &said) else {
        return;
    };

    assert_eq!(run(curl).await.text(), "hello 2");
    portreeve.end();
}

#[tokio::test]
async fn curl_uploads_a_file_over_http2_whatever_its_length() {
    let origin = Origin::answering(|request| answer("200 OK", &request.body.len().to_string()).into_bytes());
    let origin = origin.start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let file = folder.file("upload");
    for length in [0, 1, 16_384, 3_000_000] {
        fs::write(&file, vec![b'x'; length]).unwrap();
        let file = format!("@{}", file.display());
        let url = url(&portreeve, "/");
        let said = [CURL, &["--data-binary", &file, &url]].concat();
        let Some(curl) = command("curl", "curl", &said) else {
            return;
        };
        assert_eq!(run(curl).await.text(), length.to_string());
    }
    portreeve.end();
}

#[tokio::test]
async fn nghttp_gets_many_pages_at_once_with_its_priorities() {
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let url = url(&portreeve, "/");
    let Some(nghttp) = command("nghttp", "nghttp2-client", &["-m", "50", &url]) else {
        return;
    };

    assert_eq!(run(nghttp).await.text(), "hello".repeat(50));
    portreeve.end();
}

/// No more at once than the pool lets through on a machine that is busy: what waits too long is refused, by design.
#[tokio::test]
async fn h2load_is_answered_each_time() {
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let url = url(&portreeve, "/");
    let Some(h2load) = command("h2load", "nghttp2-client", &["-n2000", "-c4", "-m4", &url]) else {
        return;
    };

    let told = run(h2load).await.text();

    assert!(
        told.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"),
        "{told}"
    );
    assert!(told.contains("status codes: 2000 2xx"), "{told}");
    portreeve.end();
}
