//! Places for connections, and refusals when there are none.

use std::time::{Duration, Instant};

use portreeve_testkit::{Client, Origin, Part, Proxy, Setup, get};
use rustix::process::{Resource, Rlimit, setrlimit};

/// More than the refusals under way may hold and the process needs beside them, less than there are in the crowd.
const FILES_MAX: u64 = 320;
const CROWD: usize = 500;
/// Less than a refusal lingers.
const AT_ONCE: Duration = Duration::from_millis(1_200);

/// Not a test of its own: the proxy that the test below crowds.
#[tokio::test]
async fn crowded_proxy() {
    if Part::is_this("mended::crowds::crowded_proxy") {
        let backend = format!("\"{}\"", Part::argument());
        let proxy = Proxy::before("app.test", &[])
            .backends([backend])
            .client_limits("connections_per_client_max = 1")
            .start()
            .await;
        let few = Rlimit {
            current: Some(FILES_MAX),
            maximum: Some(FILES_MAX),
        };
        setrlimit(Resource::Nofile, few).expect("a limit can be lowered");
        Part::play(&proxy.address()).await;
    }
}

async fn status(client: &mut Client) -> u16 {
    client.send(get("/")).await;
    client.response().await.status()
}

#[tokio::test]
async fn refusals_under_way_do_not_take_the_files_of_those_who_are_served() {
    let origin = Origin::replying(200, "hi").start().await;
    let part = Part::start_with("mended::crowds::crowded_proxy", &origin.address().to_string());
    let mut kept = Client::connect(part.address()).await;
    assert_eq!(status(&mut kept).await, 200);
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(Client::connect(part.address()).await);
    }
    let began = Instant::now();
    for last in 2..12 {
        let mut good = Client::connect_from([127, 0, 0, last], part.address()).await;
        assert_eq!(status(&mut good).await, 200, "127.0.0.{last}");
    }
    assert_eq!(status(&mut kept).await, 200, "who is in");
    assert!(
        began.elapsed() < AT_ONCE,
        "they waited for refusals to end: {:?}",
        began.elapsed()
    );
    let told = crowd[0].response().await;
    assert!(
        told.text().contains("\"too_many_from_client\""),
        "{}",
        told.text()
    );
}

fn of_size(connections_max: u32, origin: &Origin) -> Setup {
    Proxy::before("app.test", &[origin]).client_limits(&format!(
        "connections_max = {connections_max}\nconnections_per_client_max = \"off\"\nfull_wait = \"300ms\""
    ))
}

#[tokio::test]
async fn fewer_places_hold_once_those_beyond_them_have_left() {
    let origin = Origin::replying(200, "hi").start().await;
    let mut proxy = of_size(4, &origin).start().await;
    let mut inside = Vec::new();
    for _ in 0..4 {
        let mut client = proxy.connect().await;
        assert_eq!(status(&mut client).await, 200);
        inside.push(client);
    }
    proxy.reload(&of_size(2, &origin).toml()).await.unwrap();
    inside.truncate(2);
    assert_eq!(
        status(&mut proxy.connect().await).await,
        503,
        "two are in, and two is the bound"
    );
    inside.truncate(1);
    let mut second = proxy.connect().await;
    assert_eq!(status(&mut second).await, 200, "one has left");
    assert_eq!(status(&mut proxy.connect().await).await, 503);
    assert_eq!(status(&mut inside[0]).await, 200);
}

#[tokio::test]
async fn places_taken_away_and_given_back_while_all_are_in_use_are_all_there() {
    let origin = Origin::replying(200, "hi").start().await;
    let mut proxy = of_size(3, &origin).start().await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        let mut client = proxy.connect().await;
        assert_eq!(status(&mut client).await, 200);
        inside.push(client);
    }
    for size in [1, 3] {
        proxy.reload(&of_size(size, &origin).toml()).await.unwrap();
    }
    assert_eq!(status(&mut proxy.connect().await).await, 503);
    drop(inside);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut again = Vec::new();
    for _ in 0..3 {
        let mut client = proxy.connect().await;
        assert_eq!(status(&mut client).await, 200);
        again.push(client);
    }
    assert_eq!(status(&mut proxy.connect().await).await, 503);
}
