//! That nothing is left over: of requests in the proxy, and of the proxy in the process.

use std::time::{Duration, Instant};

use portreeve_testkit::{Address, Client, Proxy};

/// What this process holds: it has to be this test's alone, as under nextest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Held {
    descriptors: Vec<String>,
    threads: Vec<String>,
    children: String,
    tasks: usize,
}

impl Held {
    pub(crate) fn now() -> Self {
        let mut threads: Vec<String> = entries("/proc/self/task")
            .map(|thread| read(&format!("/proc/self/task/{thread}/comm")))
            // They end some seconds after their last work, by themselves.
            .filter(|name| !name.starts_with("tokio-"))
            .collect();
        threads.sort();
        let mut descriptors: Vec<String> = entries("/proc/self/fd")
            .filter_map(|number| std::fs::read_link(format!("/proc/self/fd/{number}")).ok())
            .map(|target| target.display().to_string())
            .filter(|target| !target.starts_with("/proc/"))
            .collect();
        descriptors.sort();
        Self {
            descriptors,
            threads,
            children: entries("/proc/self/task")
                .map(|thread| read(&format!("/proc/self/task/{thread}/children")))
                .collect(),
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        }
    }
}

/// Returns once the process holds what it held before.
pub(crate) async fn until_as(before: &Held) {
    let begun = Instant::now();
    loop {
        let now = Held::now();
        if now == *before {
            return;
        }
        assert!(
            begun.elapsed() < AT_REST_WITHIN,
            "left over: {now:#?}\ninstead of {before:#?}"
        );
        tokio::time::sleep(POLL).await;
    }
}

/// Returns once every gauge of requests and connections has come back to 0.
pub(crate) async fn until_at_rest(proxy: &Proxy) {
    let begun = Instant::now();
    loop {
        let page = metrics(proxy).await;
        let busy: Vec<&str> = page.lines().filter(|line| is_restless(line)).collect();
        if busy.is_empty() {
            return assert_is_told(&page);
        }
        assert!(begun.elapsed() < AT_REST_WITHIN, "never at rest: {busy:#?}");
        tokio::time::sleep(POLL).await;
    }
}

fn is_restless(line: &str) -> bool {
    let series = line.split(['{', ' ']).next().unwrap_or_default();
    let is_zero = line.rsplit(' ').next() == Some("0");
    // One heartbeat may be under way.
    let is_heartbeat = series == "portreeve_connections_open" && line.ends_with(" 1");
    RESTING.contains(&series) && !is_zero && !is_heartbeat
}

/// What is not there is not at rest.
fn assert_is_told(page: &str) {
    for name in RESTING {
        assert!(page.contains(name), "/metrics does not tell {name}");
    }
}

async fn metrics(proxy: &Proxy) -> String {
    let admin = Address::Tcp(proxy.admin().expect("the storm has an admin listener"));
    let mut client = Client::connect(&admin).await;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    client.send(request).await;
    client.response().await.text()
}

fn entries(folder: &str) -> impl Iterator<Item = String> {
    let all = std::fs::read_dir(folder).expect("Linux has /proc/self");
    all.filter_map(|entry| entry.ok()?.file_name().into_string().ok())
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

const RESTING: [&str; 3] = [
    "portreeve_backend_requests_in_flight",
    "portreeve_connections_open",
    "portreeve_requests_waiting",
];
/// Ejections last 2 s at most, and idle connections are closed at once.
const AT_REST_WITHIN: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(20);
