//! Bytes both ways, each direction with its own end.

use std::time::{Duration, Instant};

use portreeve_testkit::{Ended, Gate, Origin, Script};

use super::{before, carried, carrying, is_reset, start};

async fn echo() -> Origin {
    Origin::scripted(Script::new().echo()).start().await
}

#[tokio::test]
async fn bytes_go_both_ways_whatever_they_mean() {
    let origin = echo().await;
    let proxy = carrying(&[&origin]).await;
    let mut client = proxy.connect().await;
    let block: Vec<u8> = (0..=252).cycle().take(50_000).collect();
    for _ in 0..20 {
        client.send(&block).await;
        assert!(client.read_exactly(block.len()).await == block);
    }
}

#[tokio::test]
async fn a_server_may_speak_first() {
    let script = Script::new()
        .send("220 hello\r\n")
        .expect("QUIT\r\n")
        .send("221 bye\r\n");
    let origin = Origin::scripted(script).start().await;
    let proxy = carrying(&[&origin]).await;
    let mut client = proxy.connect().await;
    assert_eq!(client.read_exactly(11).await, b"220 hello\r\n");
    client.send("QUIT\r\n").await;
    assert_eq!(
        client.read_to_end().await,
        (b"221 bye\r\n".to_vec(), Ended::Closed)
    );
}

#[tokio::test]
async fn a_client_that_says_no_more_still_has_its_answer() {
    let script = Script::new()
        .expect("question")
        .send("answer")
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let proxy = carrying(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.send("question").await;
    client.shut().await;
    origin.until_peer_left(0).await;
    assert_eq!(client.read_to_end().await, (b"answer".to_vec(), Ended::Closed));
}

#[tokio::test]
async fn a_client_that_says_nothing_at_all_still_has_its_answer() {
    let script = Script::new().send("noon").until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let proxy = carrying(&[&origin]).await;
    let mut client = proxy.connect().await;
    client.shut().await;
    origin.until_peer_left(0).await;
    assert_eq!(client.read_to_end().await, (b"noon".to_vec(), Ended::Closed));
}

#[tokio::test]
async fn a_server_that_says_no_more_still_hears() {
    let origin = Origin::scripted(Script::new().send("bye").shut().until_peer_leaves())
        .start()
        .await;
    let proxy = carrying(&[&origin]).await;
    let mut client = proxy.connect().await;
    assert_eq!(client.read_to_end().await, (b"bye".to_vec(), Ended::Closed));
    client.send("late").await;
    origin.until_bytes(0, 4).await;
    client.shut().await;
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_reset_goes_on_to_the_other_side() {
    let (resets, waits) = (Gate::new(), Script::new().echo());
    let origin = Origin::scripted_each([
        Script::new().expect("hello").send("hello").wait(&resets).reset(),
        waits,
    ])
    .start()
    .await;
    let proxy = start(before(&[&origin]).recording("json")).await;
    let mut by_server = carried(&proxy).await;
    resets.open();
    assert_eq!(by_server.read_to_end().await.1, Ended::Reset);
    carried(&proxy).await.reset();
    origin.until(|all| all.len() == 2 && all[1].is_over).await;
    let records = proxy.records(2).await;
    assert!(
        records[0].contains(r#""cause":"truncated_response""#),
        "{}",
        records[0]
    );
    assert!(records[1].contains(r#""cause":"client_left""#), "{}", records[1]);
}

#[tokio::test]
async fn silence_on_both_sides_has_an_end() {
    let origin = echo().await;
    let proxy = start(before(&[&origin]).client_limits("tunnel_idle_timeout = \"400ms\"")).await;
    let mut client = carried(&proxy).await;
    let begun = Instant::now();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        client.send("x").await;
        assert_eq!(client.read_exactly(1).await, b"x");
    }
    assert!(
        begun.elapsed() > Duration::from_millis(800),
        "it outlives the limit while it speaks"
    );
    assert_eq!(client.read_to_end().await, (Vec::new(), Ended::Closed));
}

#[tokio::test]
async fn a_drain_waits_for_connections_and_cuts_those_that_stay() {
    let origin = echo().await;
    let proxy = carrying(&[&origin]).await;
    let (mut stays, mut ends) = (carried(&proxy).await, carried(&proxy).await);
    let begun = Instant::now();
    let drain = tokio::spawn(proxy.drain());
    stays.send("more").await;
    assert_eq!(stays.read_exactly(4).await, b"more", "a drain lets it go on");
    ends.shut().await;
    assert_eq!(ends.read_to_end().await.1, Ended::Closed);
    assert_eq!(drain.await.expect("it ends"), 1);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(
        stays.read_to_end().await.1,
        Ended::Reset,
        "it cannot take what it has for the whole"
    );
}

#[tokio::test]
async fn a_reload_leaves_connections_alone() {
    let (origin, other) = (echo().await, echo().await);
    let setup = before(&[&origin]);
    let toml = setup.toml().replace("host = \"any.test\"\n", "");
    let mut proxy = setup.start_as(&toml).await;
    let mut client = carried(&proxy).await;
    let moved = toml.replace(&origin.address().to_string(), &other.address().to_string());
    proxy.reload(&moved).await.expect("it is taken over");
    carried(&proxy).await;
    assert_eq!((origin.connection_count(), other.connection_count()), (1, 1));
    client.send("still").await;
    assert_eq!(client.read_exactly(5).await, b"still");
}

#[tokio::test]
async fn a_connection_is_recorded_and_counted_as_one_request() {
    let origin = echo().await;
    let proxy = start(before(&[&origin]).recording("json")).await;
    let mut client = carried(&proxy).await;
    client.shut().await;
    client.expect_closed().await;
    let record = proxy.records(1).await.remove(0);
    for part in [
        r#""method":"TCP","host":"","status":200,"ended_by":"completion""#,
        r#""route":"app","pool":"app""#,
        r#""attempts":1"#,
        r#""first_byte_ms":"#,
        r#""bytes_in":5,"bytes_out":5"#,
    ] {
        assert!(record.contains(part), "{part} in {record}");
    }
    let count = |name: &'static str| proxy.metric(name, &["route=\"app\""]);
    assert_eq!(count("portreeve_requests_total").await, 1.0);
}

#[tokio::test]
async fn a_full_listener_resets_whom_it_has_no_place_for() {
    let origin = echo().await;
    let limits = "connections_max = 1\nfull_wait = \"50ms\"";
    let proxy = start(before(&[&origin]).client_limits(limits)).await;
    let _first = carried(&proxy).await;
    assert!(is_reset(&proxy, b"").await);
}
