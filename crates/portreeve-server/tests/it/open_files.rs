//! Duty: over the open-file limit the proxy keeps serving. It runs in a process of its own, which may open few files.

use std::time::Duration;

use portreeve_testkit::{Client, Origin, Part, Proxy, get};
use rustix::process::{Resource, Rlimit, setrlimit};

const FILES_MAX: u64 = 64;

/// Not a test of its own: the proxy that the test below starves.
#[tokio::test]
async fn starved_proxy() {
    if Part::is_this("open_files::starved_proxy") {
        let backend = format!("\"{}\"", Part::argument());
        let proxy = Proxy::before("app.test", &[]).backends([backend]).start().await;
        let few = Rlimit {
            current: Some(FILES_MAX),
            maximum: Some(FILES_MAX),
        };
        setrlimit(Resource::Nofile, few).expect("a limit can be lowered");
        Part::play(&proxy.address()).await;
    }
}

async fn assert_served(client: &mut Client, who: &str) {
    client.send(get("/")).await;
    let response = client.response().await;
    assert_eq!(response.status(), 200, "{who}: {}", response.text());
}

#[tokio::test]
async fn the_proxy_serves_on_when_its_files_run_out() {
    let origin = Origin::replying(200, "hi").start().await;
    let part = Part::start_with("open_files::starved_proxy", &origin.address().to_string());
    let mut kept = Client::connect(part.address()).await;
    assert_served(&mut kept, "the first").await;
    let mut many = Vec::new();
    for _ in 0..2 * FILES_MAX {
        many.push(Client::connect(part.address()).await);
    }
    for _ in 0..3 {
        assert_served(&mut kept, "who is in").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(many);
    assert_served(
        &mut Client::connect(part.address()).await,
        "a newcomer when there is room again",
    )
    .await;
}

#[tokio::test]
async fn a_request_that_finds_no_file_for_its_backend_is_told_so() {
    let origin = Origin::replying(200, "hi").start().await;
    let part = Part::start_with("open_files::starved_proxy", &origin.address().to_string());
    let mut many = Vec::new();
    for _ in 0..2 * FILES_MAX {
        many.push(Client::connect(part.address()).await);
    }
    let mut told = 0;
    for client in many.iter_mut().take(20) {
        client.send(get("/")).await;
        let response = client.response().await;
        let is_told = response.status() == 503 && response.text().contains("\"open_files_exhausted\"");
        assert!(is_told || response.status() == 200, "{}", response.text());
        told += usize::from(is_told);
    }
    assert!(
        told > 0,
        "all files are taken by clients, so that none is left for a backend"
    );
}
