//! Backends that registered: retries, dead connections, choices that stick, policies that change, addresses that pass to
//! others.

use portreeve_testkit::{Client, Gate, Origin, Proxy, Script, answer};

use crate::policies::server::Server;
use crate::policies::world::{
    JOINABLE, asked, demanding, deregistration, drain, join, refusal, register, socket, until_serving,
};

#[tokio::test]
async fn a_retry_after_a_refused_connection_stays_within_the_policy() {
    let (dead, other, eu) = (
        Origin::replying(200, "dead").start().await,
        Origin::replying(200, "us").start().await,
        Origin::replying(200, "eu").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", dead.address(), "eu").await;
    join(&proxy, "b", other.address(), "us").await;
    join(&proxy, "c", eu.address(), "eu").await;
    dead.stop_accepting().await;
    let mut client = proxy.connect().await;
    for _ in 0..6 {
        assert_eq!(asked(&mut client, demanding("eu")).await.text(), "eu");
    }
    assert_eq!(other.requests().await.len(), 0);
}

#[tokio::test]
async fn where_nobody_else_upholds_it_a_request_that_cannot_connect_is_refused() {
    let (dead, other) = (
        Origin::replying(200, "dead").start().await,
        Origin::replying(200, "us").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", dead.address(), "eu").await;
    join(&proxy, "b", other.address(), "us").await;
    dead.stop_accepting().await;
    let first = proxy.answer(demanding("eu")).await.status();
    assert!(matches!(first, 502 | 503), "{first}");
    for _ in 0..3 {
        let answer = proxy.answer(demanding("eu")).await;
        assert_eq!(
            refusal(&answer),
            (503, "no_backend".into()),
            "it is down until a probe passes"
        );
    }
    assert_eq!(other.requests().await.len(), 0);
}

#[tokio::test]
async fn an_address_that_another_took_is_not_met_under_the_policy_of_the_one_before() {
    let proxy = Proxy::with(JOINABLE).await;
    let one = Server::named("one", ([127, 7, 1, 1], 0).into()).await;
    let address = one.address;
    join(&proxy, "one", address, "eu").await;
    let mut client = proxy.connect().await;
    assert_eq!(asked(&mut client, demanding("eu")).await.text(), "one");
    one.close().await;
    register(&proxy, "two", address, "us").await;
    let two = Server::named("two", address).await;
    until_serving(&proxy, "two").await;
    for _ in 0..4 {
        assert_eq!(asked(&mut client, demanding("eu")).await.status(), 503);
    }
    assert!(two.heads().is_empty(), "{:?}", two.heads());
    assert_eq!(asked(&mut client, demanding("us")).await.text(), "two");
}

#[tokio::test]
async fn a_request_whose_kept_connection_dies_looks_again_before_it_connects_anew() {
    let gate = Gate::new();
    let probed = Script::new().until_peer_leaves();
    let dying = Script::new()
        .read_request()
        .send(answer("200 OK", "first"))
        .read_request()
        .wait(&gate);
    let anew = Script::new().read_request().send(answer("200 OK", "met"));
    let origin = Origin::scripted_each([probed, dying, anew]).start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", origin.address(), "eu").await;
    let mut client = proxy.connect().await;
    assert_eq!(asked(&mut client, demanding("eu")).await.text(), "first");
    client.send(demanding("eu")).await;
    origin.until_requests(2).await;
    register(&proxy, "a", origin.address(), "us").await;
    gate.open();
    assert_eq!(client.response().await.status(), 503);
    assert_eq!(origin.requests().await.len(), 2);
}

#[tokio::test]
async fn a_request_whose_kept_connection_dies_goes_on_where_nothing_changed() {
    let probed = Script::new().until_peer_leaves();
    let dying = Script::new()
        .read_request()
        .send(answer("200 OK", "first"))
        .read_request();
    let anew = Script::new().read_request().send(answer("200 OK", "met"));
    let origin = Origin::scripted_each([probed, dying, anew]).start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", origin.address(), "eu").await;
    let mut client = proxy.connect().await;
    assert_eq!(asked(&mut client, demanding("eu")).await.text(), "first");
    assert_eq!(asked(&mut client, demanding("eu")).await.text(), "met");
}

#[tokio::test]
async fn a_choice_sticks_only_as_long_as_its_backend_upholds_the_policy() {
    let (a, b) = (
        Origin::replying(200, "a").start().await,
        Origin::replying(200, "b").start().await,
    );
    let sticky = format!("{JOINABLE}balance = \"hash:header:user\"\n");
    let proxy = Proxy::with(&sticky).await;
    join(&proxy, "a", a.address(), "eu,us").await;
    join(&proxy, "b", b.address(), "eu,us").await;
    let of = |policy: &str, user: u32| {
        let head = demanding(policy);
        head.replacen("Host", &format!("User: {user}\r\nHost"), 1)
    };
    let mut client = proxy.connect().await;
    let mut of_a = Vec::new();
    for user in 0..40 {
        let chosen = asked(&mut client, of("eu", user)).await.text();
        assert_eq!(
            asked(&mut client, of("eu", user)).await.text(),
            chosen,
            "it sticks"
        );
        if chosen == "a" {
            of_a.push(user);
        }
    }
    assert!((1..40).contains(&of_a.len()), "{of_a:?}");
    register(&proxy, "a", a.address(), "us").await;
    let before = a.requests().await.len();
    for user in &of_a {
        assert_eq!(asked(&mut client, of("eu", *user)).await.text(), "b");
    }
    assert_eq!(a.requests().await.len(), before);
    drain(&proxy, "b").await;
    for user in &of_a {
        let refused = asked(&mut client, of("eu", *user)).await;
        assert_eq!(refusal(&refused), (503, "no_backend".into()));
    }
}

#[tokio::test]
async fn a_request_that_runs_while_policies_change_ends_well_and_its_connection_is_not_used_again() {
    let gate = Gate::new();
    let held = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "held"))
        .read_request()
        .send(answer("200 OK", "reused"));
    let others = Script::new()
        .read_request()
        .send(answer("200 OK", "new"))
        .forever();
    let probed = Script::new().until_peer_leaves();
    let origin = Origin::scripted_each([probed, held, others]).start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", origin.address(), "eu").await;
    let mut client = proxy.connect().await;
    client.send(demanding("eu")).await;
    origin.until_requests(1).await;
    register(&proxy, "a", origin.address(), "eu,us").await;
    gate.open();
    assert_eq!(client.response().await.text(), "held");
    assert_eq!(asked(&mut client, demanding("eu")).await.text(), "new");
    assert_eq!(asked(&mut client, demanding("us,eu")).await.text(), "new");
}

#[tokio::test]
async fn a_connection_that_was_kept_under_other_policies_is_not_used_again() {
    let first = Script::new()
        .read_request()
        .send(answer("200 OK", "first"))
        .read_request()
        .send(answer("200 OK", "reused"));
    let probed = Script::new().until_peer_leaves();
    let others = Script::new()
        .read_request()
        .send(answer("200 OK", "new"))
        .forever();
    let origin = Origin::scripted_each([probed, first, others]).start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", origin.address(), "eu").await;
    assert_eq!(proxy.answer(demanding("eu")).await.text(), "first");
    register(&proxy, "a", origin.address(), "eu,us").await;
    assert_eq!(proxy.answer(demanding("eu")).await.text(), "new");
    origin.until_peer_left(1).await;
}

#[tokio::test]
async fn who_moves_is_met_at_its_new_address_only() {
    let (old, new) = (
        Origin::replying(200, "old").start().await,
        Origin::replying(200, "new").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", old.address(), "eu").await;
    let mut client = proxy.connect().await;
    assert_eq!(asked(&mut client, demanding("eu")).await.text(), "old");
    join(&proxy, "a", new.address(), "eu").await;
    for _ in 0..4 {
        assert_eq!(asked(&mut client, demanding("eu")).await.text(), "new");
    }
    assert_eq!(old.requests().await.len(), 1);
}

#[tokio::test]
async fn who_leaves_while_it_is_connected_to_is_not_met() {
    let (gone, stays) = (
        Origin::replying(200, "gone").start().await,
        Origin::replying(200, "stays").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", gone.address(), "eu").await;
    join(&proxy, "b", stays.address(), "eu").await;
    let mut client = proxy.connect().await;
    let mut leaving = proxy.connect().await;
    // Both are on their way at once: which is first is not known, but after the answer to the second nobody goes there.
    client.send(demanding("eu").repeat(5)).await;
    leaving.send(deregistration("a")).await;
    assert_eq!(leaving.response().await.status(), 204);
    let before = gone.requests().await.len();
    for _ in 0..5 {
        assert_eq!(client.response().await.status(), 200);
    }
    for _ in 0..6 {
        assert_eq!(asked(&mut client, demanding("eu")).await.text(), "stays");
    }
    let after = gone.requests().await.len();
    assert!(after <= before + 1, "{before} requests, then {after}");
}

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\
                       Privacy-Policy: eu\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

#[tokio::test]
async fn a_tunnel_leads_to_who_upholds_its_policy_and_lives_on_when_that_changes() {
    let probed = Script::new().until_peer_leaves();
    let tunnel = Script::new().read_head().send(SWITCHED).echo();
    let eu = Origin::scripted_each([probed, tunnel]).start().await;
    let us = Origin::replying(200, "us").start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "b", us.address(), "us").await;
    join(&proxy, "a", eu.address(), "eu").await;
    let mut client: Client = proxy.connect().await;
    let switched = asked(&mut client, UPGRADE).await;
    assert_eq!(switched.status(), 101);
    client.send("hello").await;
    assert_eq!(client.read_exactly(5).await, b"hello");
    register(&proxy, "a", eu.address(), "us").await;
    client.send("again").await;
    assert_eq!(client.read_exactly(5).await, b"again");
    assert_eq!(proxy.answer(UPGRADE).await.status(), 503);
    assert_eq!(us.requests().await.len(), 0);
}

#[tokio::test]
async fn a_member_with_the_name_of_a_backend_of_the_file_is_another() {
    let (file, member) = (
        Origin::replying(200, "file").start().await,
        Origin::replying(200, "member").start().await,
    );
    let mut proxy = Proxy::with(JOINABLE).await;
    let id = socket(file.address()).to_string();
    join(&proxy, &id, member.address(), "us").await;
    let both = format!(
        "{JOINABLE}backends = [{{ address = \"{}\", policies = [\"eu\"] }}]\n",
        file.address()
    );
    proxy.reload(&both).await.unwrap();
    for _ in 0..3 {
        assert_eq!(proxy.answer(demanding("eu")).await.text(), "file");
        assert_eq!(proxy.answer(demanding("us")).await.text(), "member");
    }
}
