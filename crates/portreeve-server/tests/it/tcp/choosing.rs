//! Who gets a connection: what holds for requests holds for it.

use std::time::Duration;

use portreeve_testkit::{Ended, Origin, Proxy, Script};

use super::{before, carried, carrying, is_reset, start, told};

async fn named(name: &str) -> Origin {
    Origin::scripted(Script::new().send(name).until_peer_leaves())
        .start()
        .await
}

#[tokio::test]
async fn whoever_refuses_is_passed_over() {
    let (refusing, good) = (Origin::refusing(), named("good").await);
    let proxy = start(before(&[&refusing, &good]).recording("json")).await;
    for _ in 0..4 {
        assert_eq!(told(&proxy, "x").await, "good");
    }
    let records = proxy.records(4).await;
    assert!(
        records.iter().any(|record| record.contains(r#""attempts":2"#)),
        "{records:?}"
    );
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_reset() {
    let refusing = Origin::refusing();
    let proxy = start(before(&[&refusing]).recording("json")).await;
    assert!(is_reset(&proxy, b"").await);
    let record = proxy.records(1).await.remove(0);
    assert!(
        record.contains(r#""status":502,"ended_by":"backend","cause":"connect_refused""#),
        "{record}"
    );
    let failed = proxy
        .metric("portreeve_requests_total", &["route=\"app\"", "class=\"5xx\""])
        .await;
    assert_eq!(failed, 1.0);
}

#[tokio::test]
async fn a_silent_backend_is_passed_over_in_time() {
    let (deaf, good) = (Origin::deaf(), named("good").await);
    let limits = "connect_timeout = \"200ms\"";
    let proxy = start(before(&[&deaf, &good]).backend_limits(limits)).await;
    assert_eq!(told(&proxy, "x").await, "good");
    assert_eq!(told(&proxy, "x").await, "good");
}

async fn one_at_a_time(origin: &Origin) -> Proxy {
    let pool = "in_flight = 1\nhold = { timeout = \"10s\" }";
    start(before(&[origin]).pool(pool).recording("json")).await
}

#[tokio::test]
async fn a_connection_waits_for_room() {
    let origin = Origin::scripted(Script::new().echo()).start().await;
    let proxy = one_at_a_time(&origin).await;
    let first = carried(&proxy).await;
    let mut second = proxy.connect().await;
    second.send("second").await;
    // Saying no more is not leaving.
    second.shut().await;
    second.expect_silence(Duration::from_millis(100)).await;
    assert_eq!(origin.connection_count(), 1);
    drop(first);
    assert_eq!(second.read_to_end().await, (b"second".to_vec(), Ended::Closed));
    let records = proxy.records(2).await;
    assert!(records[1].contains("held_ms"), "{records:?}");
}

#[tokio::test]
async fn who_breaks_off_while_waiting_is_waited_for_no_more() {
    let origin = Origin::scripted(Script::new().echo()).start().await;
    let proxy = one_at_a_time(&origin).await;
    let _first = carried(&proxy).await;
    let second = proxy.connect().await;
    proxy
        .until_metric("portreeve_requests_waiting", &[], |waiting| waiting == 1.0)
        .await;
    second.reset();
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains(r#""cause":"client_left""#), "{record}");
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn a_backend_that_only_resets_is_ejected() {
    let sick = Origin::scripted(Script::new().expect("x").reset()).start().await;
    let good = named("good").await;
    let ejection = "ejection = { time = \"1h\", time_max = \"1h\" }";
    let proxy = start(before(&[&sick, &good]).pool(ejection)).await;
    for _ in 0..30 {
        told(&proxy, "x").await;
    }
    assert_eq!((sick.connection_count(), good.connection_count()), (5, 25));
}

#[tokio::test]
async fn a_long_connection_ends_an_ejection_with_its_first_byte() {
    let scripts = (0..5).map(|_| Script::new().expect("x").reset());
    let origin = Origin::scripted_each(scripts.chain([Script::new().echo()]))
        .start()
        .await;
    let other = Origin::refusing();
    let ejection = "ejection = { time = \"100ms\", share_max = \"100%\" }";
    let proxy = start(before(&[&origin, &other]).pool(ejection)).await;
    for _ in 0..20 {
        told(&proxy, "x").await;
        if origin.connection_count() == 5 {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let _trial = carried(&proxy).await;
    carried(&proxy).await;
    assert_eq!(origin.connection_count(), 7);
}

#[tokio::test]
async fn more_connections_than_the_route_lets_through_are_reset() {
    let origin = named("good").await;
    let rates = "rate = { requests = 2, every = \"1h\", per = \"client\" }";
    let proxy = start(before(&[&origin]).route(rates)).await;
    assert_eq!(told(&proxy, "x").await, "good");
    assert_eq!(told(&proxy, "x").await, "good");
    assert!(is_reset(&proxy, b"x").await);
    assert_eq!(origin.connection_count(), 2);
}

/// Two listeners, one for each policy; two routes on the first, one for a network of its own.
#[tokio::test]
async fn a_policy_comes_with_the_port_or_the_network() {
    let (eu, us) = (named("eu").await, named("us").await);
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\ncarries = \"tcp\"\n\
         [listener.other]\nbind = \"127.0.0.1:0\"\ncarries = \"tcp\"\n\
         [route.a]\nlistener = \"web\"\npool = \"app\"\npolicy = \"eu\"\n\
         [route.b]\nlistener = \"web\"\nclients = [\"127.0.0.9/32\"]\npool = \"app\"\npolicy = \"us\"\n\
         [route.c]\nlistener = \"other\"\npool = \"app\"\npolicy = \"us\"\n\
         [pool.app]\nbackends = [{{ address = \"tcp://{}\", policies = [\"eu\"] }}, {{ address = \"tcp://{}\", policies = [\"us\"] }}]\n",
        eu.address(),
        us.address(),
    );
    let proxy = Proxy::with(&toml).await;
    let heard = async |listener: &str, from: [u8; 4]| {
        let to = proxy.address_of(listener);
        let mut client = portreeve_testkit::Client::connect_from(from, &to).await;
        client.read_exactly(2).await
    };
    for _ in 0..3 {
        assert_eq!(heard("web", [127, 0, 0, 1]).await, b"eu");
        assert_eq!(heard("web", [127, 0, 0, 9]).await, b"us");
        assert_eq!(heard("other", [127, 0, 0, 1]).await, b"us");
    }
}

#[tokio::test]
async fn many_connections_are_shared_out() {
    let (one, two) = (named("one").await, named("two").await);
    let proxy = carrying(&[&one, &two]).await;
    for _ in 0..10 {
        told(&proxy, "x").await;
    }
    assert_eq!((one.connection_count(), two.connection_count()), (5, 5));
}
