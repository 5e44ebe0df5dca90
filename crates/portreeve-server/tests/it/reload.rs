//! Duty: a reload is all or nothing, and cuts no connection, request or streaming response whose route stays.

use portreeve_testkit::{Client, Gate, Origin, Proxy, Script, answer, get};

fn config(routes: &str, pools: &[(&str, &[&Origin])]) -> String {
    let pools = pools.iter().map(|(name, origins)| {
        let listed: Vec<String> = origins
            .iter()
            .map(|origin| format!("\"{}\"", origin.address()))
            .collect();
        format!("[pool.{name}]\nbackends = [{}]\n", listed.join(", "))
    });
    format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n{routes}\n{}",
        pools.collect::<String>()
    )
}

const ALL_TO_A: &str = "[route.app]\npool = \"a\"\n";

#[tokio::test]
async fn a_streaming_answer_outlives_a_reload() {
    let gate = Gate::new();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
    let script = Script::new()
        .read_request()
        .send(head)
        .wait(&gate)
        .send("3\r\ntwo\r\n0\r\n\r\n");
    let origin = Origin::scripted(script).start().await;
    let other = Origin::replying(200, "new").start().await;
    let mut proxy = Proxy::with(&config(ALL_TO_A, &[("a", &[&origin])])).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"one\r\n").await;
    proxy
        .reload(&config(ALL_TO_A, &[("a", &[&other])]))
        .await
        .unwrap();
    assert_eq!(proxy.answer(get("/")).await.text(), "new");
    gate.open();
    client.read_through(b"two\r\n0\r\n\r\n").await;
    client.send(get("/")).await;
    assert_eq!(
        client.response().await.text(),
        "new",
        "the connection goes on, with the new world"
    );
}

#[tokio::test]
async fn a_tunnel_outlives_a_reload() {
    let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_head().send(switched).echo())
        .start()
        .await;
    let mut proxy = Proxy::with(&config(ALL_TO_A, &[("a", &[&origin])])).await;
    let mut client = proxy.connect().await;
    client
        .send("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        .await;
    assert_eq!(client.response().await.status(), 101);
    for n in 0..5 {
        let more = format!("[route.more{n}]\npath = \"/{n}\"\npool = \"a\"\n{ALL_TO_A}");
        proxy.reload(&config(&more, &[("a", &[&origin])])).await.unwrap();
        client.send("x").await;
        assert_eq!(client.read_exactly(1).await, b"x");
    }
}

#[tokio::test]
async fn an_open_connection_follows_the_new_routes() {
    let (a, b) = (
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    );
    let mut proxy = Proxy::with(&config(ALL_TO_A, &[("a", &[&a]), ("b", &[&b])])).await;
    let mut client = proxy.connect().await;
    client.send(get("/b/x")).await;
    assert_eq!(client.response().await.text(), "a");
    let routes = format!("{ALL_TO_A}[route.b]\npath = \"/b/*\"\npool = \"b\"\n");
    proxy
        .reload(&config(&routes, &[("a", &[&a]), ("b", &[&b])]))
        .await
        .unwrap();
    client.send(get("/b/x")).await;
    assert_eq!(client.response().await.text(), "b");
    client.send(get("/x")).await;
    assert_eq!(client.response().await.text(), "a");
}

#[tokio::test]
async fn kept_connections_to_backends_that_stay_are_kept() {
    let origin = Origin::replying(200, "a").start().await;
    let mut proxy = Proxy::with(&config(ALL_TO_A, &[("a", &[&origin])])).await;
    proxy.answer(get("/")).await;
    proxy
        .reload(&config(
            &format!("{ALL_TO_A}[route.b]\npath = \"/b\"\npool = \"a\"\n"),
            &[("a", &[&origin])],
        ))
        .await
        .unwrap();
    proxy.answer(get("/")).await;
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn a_rotation_goes_on_over_a_reload() {
    let (a, b) = (
        Origin::replying(200, "1").start().await,
        Origin::replying(200, "2").start().await,
    );
    let toml = config(ALL_TO_A, &[("a", &[&a, &b])]);
    let mut proxy = Proxy::with(&toml).await;
    let mut who = String::new();
    for _ in 0..9 {
        who += &proxy.answer(get("/")).await.text();
        proxy.reload(&toml).await.unwrap();
    }
    assert!(!who.contains("11") && !who.contains("22"), "{who}");
}

#[tokio::test]
async fn a_faulty_configuration_changes_nothing() {
    let (a, b) = (
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    );
    let mut proxy = Proxy::with(&config(ALL_TO_A, &[("a", &[&a])])).await;
    let mut client = proxy.connect().await;
    let faulty = config("[route.app]\npool = \"a\"\nunknown = 1\n", &[("a", &[&b])]);
    assert!(proxy.reload(&faulty).await.unwrap_err().contains("unknown"));
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "a");
}

#[tokio::test]
async fn a_listener_that_cannot_be_bound_changes_nothing() {
    let (a, b) = (
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    );
    let mut proxy = Proxy::with(&config(ALL_TO_A, &[("a", &[&a])])).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let free = "[listener.free]\nbind = \"127.0.0.1:0\"\n";
    let toml = config(
        &format!("{ALL_TO_A}{free}[listener.taken]\nbind = \"{address}\"\n"),
        &[("a", &[&b])],
    );
    let error = proxy.reload(&toml).await.unwrap_err();
    assert!(error.contains("taken") && error.contains(&address), "{error}");
    assert_eq!(proxy.answer(get("/")).await.text(), "a");
}

#[tokio::test]
async fn a_new_listener_accepts_and_a_gone_one_finishes_what_it_has() {
    let gate = Gate::new();
    let slow = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "late"))
        .forever();
    let origin = Origin::scripted(slow).start().await;
    let second = "[listener.second]\nbind = \"127.0.0.1:0\"\n";
    let one = config(ALL_TO_A, &[("a", &[&origin])]);
    let mut proxy = Proxy::with(&one).await;
    proxy
        .reload(&config(&format!("{second}{ALL_TO_A}"), &[("a", &[&origin])]))
        .await
        .unwrap();
    let address = proxy.address_of("second");
    let mut client = Client::connect(&address).await;
    let mut idle = Client::connect(&address).await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    proxy.reload(&one).await.unwrap();
    idle.expect_closed().await;
    let portreeve_testkit::Address::Tcp(gone) = address else {
        panic!("a TCP listener")
    };
    until_refused(gone).await;
    gate.open();
    assert_eq!(client.response().await.text(), "late");
    client.expect_closed().await;
}

async fn until_refused(address: std::net::SocketAddr) {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{address} still accepts");
}

#[tokio::test]
async fn new_limits_hold_for_requests_after_the_reload() {
    let origin = Origin::replying(200, "a").start().await;
    let toml = config(ALL_TO_A, &[("a", &[&origin])]);
    let mut proxy = Proxy::with(&toml).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.response().await;
    proxy
        .reload(&format!("{toml}[listener.web.limits]\nbody_bytes_max = 1\n"))
        .await
        .unwrap();
    assert_eq!(proxy.answer(portreeve_testkit::post("xx")).await.status(), 413);
}

#[tokio::test]
async fn a_hundred_reloads_under_load_hurt_nobody() {
    let (a, b) = (
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    );
    let both = config(ALL_TO_A, &[("a", &[&a, &b])]);
    let one = config(ALL_TO_A, &[("a", &[&a])]);
    let mut proxy = Proxy::with(&both).await;
    let (address, done) = (proxy.address(), Gate::new());
    let load = async {
        let mut count = 0;
        while tokio::time::timeout(std::time::Duration::ZERO, done.passed())
            .await
            .is_err()
        {
            let mut client = Client::connect(&address).await;
            for _ in 0..5 {
                client.send(get("/")).await;
                assert_eq!(client.response().await.status(), 200);
                count += 1;
            }
        }
        count
    };
    let reloads = async {
        for n in 0..100 {
            proxy.reload(if n % 2 == 0 { &one } else { &both }).await.unwrap();
            tokio::task::yield_now().await;
        }
        done.open();
    };
    let (count, ()) = tokio::join!(load, reloads);
    assert!(count > 0);
}
