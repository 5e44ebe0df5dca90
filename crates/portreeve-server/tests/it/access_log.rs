//! Duty: one access record per request at its end: phases, bytes, route, pool, backend, attempts, who ended it and why.

use std::time::Duration;

use portreeve_testkit::{Gate, Origin, Proxy, Scratch, Script, answer, get, post};
use serde_json::Value;

async fn recording(origins: &[&Origin]) -> Proxy {
    Proxy::before("app.test", origins)
        .recording("json")
        .pool("balance = \"first\"")
        .start()
        .await
}

async fn record(proxy: &Proxy) -> Value {
    parsed(&proxy.records(1).await[0])
}

#[track_caller]
fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[track_caller]
fn assert_ended(record: &Value, by: &str, cause: Option<&str>) {
    assert_eq!(
        (record["ended_by"].as_str(), record["cause"].as_str()),
        (Some(by), cause),
        "{record}"
    );
}

#[tokio::test]
async fn a_json_record_says_what_happened() {
    let script = Script::new()
        .read_request()
        .pause(Duration::from_millis(50))
        .send(answer("201 Created", "hello"));
    let origin = Origin::scripted(script.forever()).start().await;
    let proxy = recording(&[&origin]).await;
    let request = "POST /a%20b?c=d HTTP/1.1\r\nHost: app.test\r\nUser-Agent: Test \"1\"\r\nReferer: http://r.test/\r\nContent-Length: 3\r\n\r\nabc";
    proxy.answer(request).await;
    let record = record(&proxy).await;
    for (key, value) in [
        ("listener", "web"),
        ("client", "127.0.0.1"),
        ("method", "POST"),
        ("host", "app.test"),
        ("target", "/a%20b?c=d"),
        ("version", "HTTP/1.1"),
        ("route", "app"),
        ("pool", "app"),
        ("user_agent", "Test \"1\""),
        ("referer", "http://r.test/"),
    ] {
        assert_eq!(record[key], value, "{record}");
    }
    assert_eq!(record["backend"], origin.address().to_string());
    assert_eq!((&record["status"], &record["attempts"]), (&201.into(), &1.into()));
    assert_eq!(record["bytes_in"], 3, "{record}");
    assert!(record["bytes_out"].as_u64() >= Some(5), "{record}");
    assert_ended(&record, "completion", None);
}

#[tokio::test]
async fn a_json_record_tells_the_phases() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .pause(Duration::from_millis(50))
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
    let origin = Origin::scripted(script.wait(&gate).pause(Duration::from_millis(50)).send("i"))
        .start()
        .await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"\r\n\r\nh").await;
    gate.open();
    client.read_through(b"i").await;
    let record = record(&proxy).await;
    let ms = |key: &str| {
        record[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key} in {record}"))
    };
    assert!(ms("wait_ms") < 40.0 && ms("connect_ms") < 40.0, "{record}");
    assert!(ms("first_byte_ms") >= 49.0, "{record}");
    assert!(
        ms("total_ms") >= ms("wait_ms") + ms("connect_ms") + ms("first_byte_ms") + 49.0,
        "{record}"
    );
}

#[tokio::test]
async fn a_record_is_written_at_the_end_of_the_request() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh")
        .wait(&gate)
        .send("i");
    let origin = Origin::scripted(script).start().await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"\r\n\r\nh").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(std::fs::read_to_string(proxy.record_file()).unwrap(), "");
    gate.open();
    record(&proxy).await;
}

#[tokio::test]
async fn every_request_of_a_connection_has_its_record_in_order() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send((0..100).map(|n| get(&format!("/{n}"))).collect::<String>())
        .await;
    for _ in 0..100 {
        client.response().await;
    }
    let targets: Vec<String> = proxy
        .records(100)
        .await
        .iter()
        .map(|line| parsed(line)["target"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(targets, (0..100).map(|n| format!("/{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_proxy_refuses_is_recorded_with_its_cause() {
    let refusing = Origin::refusing();
    let proxy = recording(&[&refusing]).await;
    proxy.answer("GET / HTTP/1.1\r\nHost: else.test\r\n\r\n").await;
    proxy.answer("GET / HTTP/1.1\r\nHost : app.test\r\n\r\n").await;
    proxy.answer(get("/")).await;
    let records: Vec<Value> = proxy.records(3).await.iter().map(|line| parsed(line)).collect();
    let told = |status: u64, cause: &str| {
        records
            .iter()
            .find(|record| record["status"] == status && record["cause"] == cause)
            .unwrap_or_else(|| panic!("{records:#?}"))
    };
    assert_ended(told(421, "misdirected"), "client", Some("misdirected"));
    assert_ended(
        told(400, "malformed_request"),
        "client",
        Some("malformed_request"),
    );
    assert_ended(told(502, "connect_refused"), "backend", Some("connect_refused"));
}

#[tokio::test]
async fn attempts_and_the_backend_that_answered_are_recorded() {
    let (refusing, good) = (Origin::refusing(), Origin::replying(200, "hi").start().await);
    let proxy = recording(&[&refusing, &good]).await;
    proxy.answer(get("/")).await;
    let record = record(&proxy).await;
    assert_eq!(
        (&record["attempts"], &record["backend"]),
        (&2.into(), &good.address().to_string().into())
    );
}

#[tokio::test]
async fn a_client_that_left_ended_it() {
    let origin = Origin::scripted(Script::new().read_request().until_peer_leaves())
        .start()
        .await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    drop(client);
    assert_ended(&record(&proxy).await, "client", Some("client_left"));
}

#[tokio::test]
async fn a_client_that_left_amid_the_answer_ended_it() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1 << 30);
    let origin = Origin::scripted(Script::new().read_request().send(head).flood(1 << 30))
        .start()
        .await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.head().await;
    client.reset();
    let record = record(&proxy).await;
    assert_ended(&record, "client", Some("client_left"));
    assert_eq!(record["status"], 200);
}

#[tokio::test]
async fn a_backend_that_died_amid_the_answer_ended_it() {
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let origin = Origin::scripted(script).start().await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.try_response().await.unwrap_err();
    assert_ended(&record(&proxy).await, "backend", Some("truncated_response"));
}

#[tokio::test]
async fn no_client_can_forge_a_record() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = recording(&[&origin]).await;
    let agent = b"User-Agent: \"}\\u000a{\"x\":\"\\ \xff\t</script>\r\n";
    proxy
        .answer(
            [
                b"GET /\"\\ HTTP/1.1\r\nHost: app.test\r\n".as_slice(),
                agent,
                b"\r\n",
            ]
            .concat(),
        )
        .await;
    let record = record(&proxy).await;
    assert_eq!(record["target"], "/\"\\");
    assert_eq!(record["user_agent"], "\"}\\u000a{\"x\":\"\\ \u{ff}\t</script>");
}

#[tokio::test]
async fn a_combined_record_is_the_common_format() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .recording("combined")
        .start()
        .await;
    let request =
        "GET /a?b HTTP/1.1\r\nHost: app.test\r\nUser-Agent: T\"x\r\nReferer: http://r.test/\r\n\r\n";
    proxy.answer(request).await;
    let line = proxy.records(1).await.remove(0);
    let (before, rest) = line.split_once('[').expect("a time in brackets");
    let (time, rest) = rest.split_once("] ").expect("a time in brackets");
    assert_eq!(before, "127.0.0.1 - - ");
    assert_eq!(
        (time.len(), &time[2..3], &time[11..12]),
        ("10/Oct/2000:13:55:36 +0000".len(), "/", ":"),
        "{time}"
    );
    let rest = rest
        .strip_prefix("\"GET /a?b HTTP/1.1\" 200 ")
        .unwrap_or_else(|| panic!("{line}"));
    let (bytes, rest) = rest.split_once(' ').expect("bytes");
    assert!(bytes.parse::<u64>().is_ok(), "{line}");
    assert_eq!(rest, "\"http://r.test/\" \"T\\\"x\"");
}

#[tokio::test]
async fn a_combined_record_has_a_dash_for_what_is_not_there() {
    let origin = Origin::replying(204, "").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .recording("combined")
        .start()
        .await;
    proxy.answer(get("/")).await;
    assert!(proxy.records(1).await[0].ends_with(" \"-\" \"-\""));
}

#[tokio::test]
async fn a_tunnel_has_its_record_at_its_end() {
    let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_head().send(switched).echo())
        .start()
        .await;
    let proxy = recording(&[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        .await;
    client.response().await;
    client.send("12345").await;
    client.read_exactly(5).await;
    client.shut().await;
    client.expect_closed().await;
    let record = record(&proxy).await;
    assert_eq!(
        (&record["status"], &record["bytes_in"]),
        (&101.into(), &5.into()),
        "{record}"
    );
    assert_ended(&record, "completion", None);
}

#[tokio::test]
async fn a_rotated_log_goes_on_in_a_new_file() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = recording(&[&origin]).await;
    proxy.answer(get("/old")).await;
    proxy.records(1).await;
    let old = proxy.record_file().with_extension("old");
    std::fs::rename(proxy.record_file(), &old).unwrap();
    proxy.reopen_access_log();
    let mut count = 0;
    while !proxy.record_file().exists() {
        // The writer opens the new file when it next wakes up; a request wakes it.
        proxy.answer(post("x")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        count += 1;
        assert!(count < 200, "no new file");
    }
    proxy.answer(get("/new")).await;
    let mut text = String::new();
    while !text.contains("\"/new\"") {
        count += 1;
        assert!(count < 400, "{text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        text = std::fs::read_to_string(proxy.record_file()).unwrap();
    }
    let before = std::fs::read_to_string(&old).unwrap();
    assert!(
        before.contains("\"/old\"") && !before.contains("\"/new\""),
        "{before}"
    );
    assert!(
        before
            .lines()
            .chain(text.lines())
            .all(|line| parsed(line).is_object())
    );
}

#[tokio::test]
async fn a_drained_proxy_has_written_every_record() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = recording(&[&origin]).await;
    let file = proxy.record_file();
    let mut client = proxy.connect().await;
    for _ in 0..50 {
        client.send(get("/")).await;
        client.response().await;
    }
    let kept = file.with_extension("kept");
    std::fs::hard_link(&file, &kept).unwrap();
    let text = {
        let opened = std::fs::File::open(&kept).unwrap();
        proxy.drain().await;
        std::io::read_to_string(opened).unwrap()
    };
    assert_eq!(text.lines().count(), 50);
}

/// A pipe whose reader sleeps: what a log collector that hangs looks like.
fn unread_pipe(path: &std::path::Path) -> std::fs::File {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap()
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_request() {
    let scratch = Scratch::new();
    let _pipe = unread_pipe(&scratch.file("log"));
    let origin = Origin::replying(200, "hi").start().await;
    let top = format!("access_log = {{ to = \"{}\" }}", scratch.file("log").display());
    let proxy = Proxy::before("app.test", &[&origin]).top(&top).start().await;
    let mut client = proxy.connect().await;
    for _ in 0..100 {
        client.send(get("/").repeat(50)).await;
        for _ in 0..50 {
            assert_eq!(client.response().await.status(), 200);
        }
    }
    proxy.drain().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_written_holds_up_no_request() {
    let origin = Origin::replying(200, "hi").start().await;
    let setup = Proxy::before("app.test", &[&origin]).top("access_log = { to = \"/dev/full\" }");
    let proxy = setup.start().await;
    let mut client = proxy.connect().await;
    for _ in 0..300 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 200);
    }
    proxy.drain().await;
}
