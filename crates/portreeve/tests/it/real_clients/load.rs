use std::process::Command;

use portreeve_testkit::{Origin, Scratch};

use crate::real_clients::run::run;
use crate::real_clients::{before_origin, url};
use crate::shared::tool;

#[tokio::test]
async fn wrk_meets_no_error() {
    let Some(program) = tool::find("wrk", "wrk") else {
        return;
    };
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let mut wrk = Command::new(program);
    wrk.args(["--threads", "1", "--connections", "32", "--duration", "1s"])
        .arg(url(&portreeve, "/"));

    let report = run(wrk).await.text();

    assert!(!report.contains("Socket errors"), "{report}");
    assert!(!report.contains("Non-2xx"), "{report}");
    assert!(requests(&report) > 0, "{report}");
    portreeve.end();
}

/// Of the line `  1234 requests in 1.00s, 5.67MB read`.
fn requests(report: &str) -> u64 {
    let line = report.lines().find(|line| line.contains(" requests in "));
    let count = line.and_then(|line| line.split_whitespace().next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn h2load_gets_every_answer_over_http_1() {
    let Some(program) = tool::find("h2load", "nghttp2-client") else {
        return;
    };
    let origin = Origin::replying(200, "hello").start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    let mut h2load = Command::new(program);
    h2load
        .args(["--h1", "--requests", "3000", "--clients", "16"])
        .arg(url(&portreeve, "/"));

    let report = run(h2load).await.text();

    let all = "requests: 3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed, 0 errored, 0 timeout";
    assert!(report.contains(all), "{report}");
    assert!(
        report.contains("status codes: 3000 2xx, 0 3xx, 0 4xx, 0 5xx"),
        "{report}"
    );
    portreeve.end();
}
