//! Duty: IPv6, and Unix sockets as listener and as backend.

use portreeve_testkit::{Address, Client, Origin, Proxy, Scratch, get};

const V6: std::net::Ipv6Addr = std::net::Ipv6Addr::LOCALHOST;

#[tokio::test]
async fn ipv6_works_on_both_sides() {
    let origin = Origin::replying(200, "six").on(V6).start().await;
    let proxy = Proxy::before("app.test", &[&origin]).on("[::1]:0").start().await;
    assert!(matches!(proxy.address(), Address::Tcp(address) if address.is_ipv6()));
    assert_eq!(proxy.answer(get("/")).await.text(), "six");
}

#[tokio::test]
async fn the_ipv6_wildcard_serves_ipv4_too() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin]).on("[::]:0").start().await;
    let Address::Tcp(address) = proxy.address() else {
        panic!("a TCP listener")
    };
    for ip in ["127.0.0.1", "::1"] {
        let to = std::net::SocketAddr::new(ip.parse().unwrap(), address.port());
        let mut client = Client::connect(&to.into()).await;
        client.send(get("/")).await;
        assert_eq!(client.response().await.text(), "hi", "{ip}");
    }
}

#[tokio::test]
async fn unix_sockets_work_on_both_sides() {
    let scratch = Scratch::new();
    let origin = Origin::replying(200, "unix")
        .on_unix(scratch.file("o.sock"))
        .start()
        .await;
    let bind = format!("unix:{}", scratch.file("l.sock").display());
    let proxy = Proxy::before("app.test", &[&origin]).on(&bind).start().await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.text(), "unix");
    }
    assert_eq!(origin.connection_count(), 1);
    assert_eq!(
        origin.requests().await[0].field("host").as_deref(),
        Some("app.test")
    );
}

#[tokio::test]
async fn a_unix_listener_on_many_threads_serves() {
    let scratch = Scratch::new();
    let origin = Origin::replying(200, "hi").start().await;
    let bind = format!("unix:{}", scratch.file("l.sock").display());
    let proxy = Proxy::before("app.test", &[&origin])
        .top("threads = 2")
        .on(&bind)
        .start()
        .await;
    for _ in 0..20 {
        assert_eq!(proxy.answer(get("/")).await.text(), "hi");
    }
}

#[tokio::test]
async fn large_bodies_pass_over_unix_sockets() {
    let scratch = Scratch::new();
    let echo = |request: &portreeve_testkit::Message| {
        portreeve_testkit::answer("200 OK", &request.text()).into_bytes()
    };
    let origin = Origin::answering(echo)
        .on_unix(scratch.file("o.sock"))
        .start()
        .await;
    let bind = format!("unix:{}", scratch.file("l.sock").display());
    let proxy = Proxy::before("app.test", &[&origin]).on(&bind).start().await;
    let body = "0123456789abcdef".repeat(1 << 16);
    assert!(proxy.answer(portreeve_testkit::post(&body)).await.text() == body);
}

/// On a machine whose `localhost` has one family only, this asks for that one.
#[tokio::test]
async fn a_name_is_one_backend_on_whichever_of_its_addresses_works() {
    let found = std::net::ToSocketAddrs::to_socket_addrs("localhost:80").expect("localhost has an address");
    for address in found {
        let origin = Origin::replying(200, "hi").on(address.ip()).start().await;
        let backend = format!("\"localhost:{}\"", origin.port());
        let proxy = Proxy::before("app.test", &[]).backends([backend]).start().await;
        for _ in 0..3 {
            assert_eq!(proxy.answer(get("/")).await.text(), "hi", "{address}");
        }
    }
}

#[tokio::test]
async fn several_listeners_serve_what_their_routes_say() {
    let (a, b) = (
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    );
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[listener.six]\nbind = \"[::1]:0\"\n\
         [route.a]\nlistener = \"web\"\npool = \"a\"\n[route.b]\nlistener = \"six\"\npool = \"b\"\n\
         [pool.a]\nbackends = [\"{}\"]\n[pool.b]\nbackends = [\"{}\"]\n",
        a.address(),
        b.address()
    );
    let proxy = Proxy::with(&toml).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "a");
    let mut six = Client::connect(&proxy.address_of("six")).await;
    six.send(get("/")).await;
    assert_eq!(six.response().await.text(), "b");
}

#[tokio::test]
async fn a_stale_unix_socket_is_taken_over() {
    let scratch = Scratch::new();
    let origin = Origin::replying(200, "hi").start().await;
    let dead = std::os::unix::net::UnixListener::bind(scratch.file("dead.sock")).unwrap();
    drop(dead);
    let bind = format!("unix:{}", scratch.file("dead.sock").display());
    let proxy = Proxy::before("app.test", &[&origin]).on(&bind).start().await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
}

#[tokio::test]
async fn a_drained_unix_listener_leaves_no_file() {
    let scratch = Scratch::new();
    let origin = Origin::replying(200, "hi").start().await;
    let bind = format!("unix:{}", scratch.file("l.sock").display());
    let proxy = Proxy::before("app.test", &[&origin]).on(&bind).start().await;
    proxy.answer(get("/")).await;
    proxy.drain().await;
    assert!(!scratch.file("l.sock").exists());
}
