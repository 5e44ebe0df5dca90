use std::process::{Command, Stdio};

use portreeve_testkit::{Origin, answer};

use super::Site;
use crate::real_clients::run::run;
use crate::shared::tool;

fn command(program: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(tool::find(program, "nghttp2-client")?);
    command.args(arguments).stdin(Stdio::null());
    Some(command)
}

fn url(site: &Site) -> String {
    format!("https://localhost:{}/", site.port())
}

#[tokio::test]
async fn nghttp_gets_many_pages_at_once_within_tls() {
    let origin = Origin::replying(200, "hello").start().await;
    let site = Site::before_origin(&origin);
    let Some(nghttp) = command("nghttp", &["-m", "50", &url(&site)]) else {
        return;
    };
    assert_eq!(run(nghttp).await.text().matches("hello").count(), 50);
    site.end();
}

#[tokio::test]
async fn nghttp_uploads_with_trailers_within_tls() {
    let trailer = |request: &portreeve_testkit::Message| {
        let told = format!("{} {:?}", request.body.len(), request.trailers);
        answer("200 OK", &told).into_bytes()
    };
    let origin = Origin::answering(trailer).start().await;
    let site = Site::before_origin(&origin);
    let file = site
        .folder
        .write("upload", &"u".repeat(500_000))
        .display()
        .to_string();
    let said = [
        "-d",
        &file,
        "--no-content-length",
        "--trailer",
        "x-sum: 12",
        &url(&site),
    ];
    let Some(nghttp) = command("nghttp", &said) else {
        return;
    };
    let text = run(nghttp).await.text();
    assert!(text.contains("500000 [(\"x-sum\", \"12\")]"), "{text}");
    site.end();
}

#[tokio::test]
async fn h2load_is_answered_each_time_within_tls() {
    let origin = Origin::replying(200, "hello").start().await;
    let site = Site::before_origin(&origin);
    for said in [
        &["-n3000", "-c8", "-m32"][..],
        &["-n1000", "-c8", "--h1"],
        // A handshake for each.
        &["-n60", "-c60"],
    ] {
        let url = url(&site);
        let Some(h2load) = command("h2load", &[said, &[url.as_str()]].concat()) else {
            return;
        };
        let told = run(h2load).await.text();
        assert!(told.contains(" 0 failed, 0 errored, 0 timeout"), "{told}");
        let all = format!("status codes: {} 2xx, 0 3xx, 0 4xx, 0 5xx", &said[0][2..]);
        assert!(told.contains(&all), "{told}");
    }
    site.end();
}
