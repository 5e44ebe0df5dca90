//! Backends that go and come back under load, one after the other: nobody loses an answer.

use portreeve_testkit::{Gate, Origin, Proxy, Script, Told, answer, get, load, post};

use crate::resilience::{assert_all, count, named, playing};

const CLIENTS: usize = 8;

/// Returns once each of them has got so many more requests.
async fn all_get(origins: &[Origin], more: usize) {
    for origin in origins {
        origin.until_requests(count(origin).await + more).await;
    }
}

/// Puts load on the proxy while this goes on.
async fn under_load(proxy: &Proxy, request: &str, act: impl Future<Output = ()>) -> Vec<Told> {
    let (address, done) = (proxy.address(), Gate::new());
    let act = async {
        act.await;
        done.open();
    };
    let (told, ()) = tokio::join!(load(&address, CLIENTS, request, &done), act);
    told
}

async fn three() -> Vec<Origin> {
    vec![named("a").await, named("b").await, named("c").await]
}

async fn before(origins: &[Origin]) -> Proxy {
    Proxy::before("app.test", &origins.iter().collect::<Vec<_>>())
        .counting()
        .top("threads = 2")
        .pool("ejection = { time = \"100ms\" }")
        .start()
        .await
}

#[tokio::test]
async fn backends_that_are_killed_and_started_again_cost_no_get() {
    let mut origins = three().await;
    let proxy = before(&origins).await;
    let restarts = async {
        for place in 0..3 {
            all_get(&origins, 50).await;
            let killed = origins.remove(place);
            let address = killed.address().clone();
            drop(killed);
            all_get(&origins, 100).await;
            let again = Origin::replying(200, "again").at(&address).start().await;
            origins.insert(place, again);
        }
        all_get(&origins, 50).await;
    };
    let told = under_load(&proxy, &get("/"), restarts).await;
    assert_all(&told, 200);
    proxy.until_idle().await;
}

#[tokio::test]
async fn backends_that_the_operator_drains_before_cost_no_post() {
    let mut origins = three().await;
    let proxy = before(&origins).await;
    let restarts = async {
        for place in 0..3 {
            all_get(&origins, 50).await;
            let stopped = origins.remove(place);
            let (address, id) = (stopped.address().clone(), stopped.address().to_string());
            proxy.drain_backend("app", &id).await;
            let served = count(&stopped).await;
            all_get(&origins, 100).await;
            assert_eq!(count(&stopped).await, served, "it got a request after its drain");
            drop(stopped);
            let again = Origin::replying(200, "again").at(&address).start().await;
            proxy.undrain_backend("app", &id).await;
            origins.insert(place, again);
        }
        all_get(&origins, 50).await;
    };
    let told = under_load(&proxy, &post("pay"), restarts).await;
    assert_all(&told, 200);
    proxy.until_idle().await;
}

const JOINABLE: &str = "threads = 2\nadmin = { bind = \"127.0.0.1:0\" }\n\
    [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n[route.app]\npool = \"app\"\n\
    [pool.app]\nregister = true\n";

#[tokio::test]
async fn backends_that_say_when_they_go_cost_no_post() {
    let proxy = Proxy::with(JOINABLE).await;
    let mut origins = three().await;
    let ids = ["a", "b", "c"];
    for (id, origin) in ids.iter().zip(&origins) {
        proxy.register("app", id, origin.address()).await;
    }
    proxy.until_standing("app", &ids, "serving").await;
    let restarts = async {
        for (place, id) in ids.iter().enumerate() {
            all_get(&origins, 50).await;
            let stopped = origins.remove(place);
            proxy.heartbeat("app", id, true).await;
            let of = format!("backend=\"{id}\"");
            proxy
                .until_metric("portreeve_backend_requests_in_flight", &[&of], |count| {
                    count < 0.5
                })
                .await;
            let served = count(&stopped).await;
            all_get(&origins, 100).await;
            assert_eq!(count(&stopped).await, served, "it got a request after its drain");
            proxy.deregister("app", id).await;
            drop(stopped);
            let again = named("again").await;
            proxy.register("app", id, again.address()).await;
            proxy.until_standing("app", &[id], "serving").await;
            origins.insert(place, again);
        }
        all_get(&origins, 50).await;
    };
    let told = under_load(&proxy, &post("pay"), restarts).await;
    assert_all(&told, 200);
    proxy.until_idle().await;
}

#[tokio::test]
async fn what_a_backend_was_busy_with_when_it_went_is_finished() {
    let gate = Gate::new();
    let probe = Script::new().until_peer_leaves();
    let busy = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "finished"));
    let origin = Origin::scripted_each([probe, busy]).start().await;
    let proxy = Proxy::with(JOINABLE).await;
    proxy.register("app", "a", origin.address()).await;
    proxy.until_standing("app", &["a"], "serving").await;
    let mut client = proxy.connect().await;
    client.send(post("pay")).await;
    origin.until_requests(1).await;
    proxy.heartbeat("app", "a", true).await;
    proxy.deregister("app", "a").await;
    assert_eq!(proxy.answer(get("/")).await.status(), 503);
    gate.open();
    assert_eq!(client.response().await.text(), "finished");
}

#[tokio::test]
async fn a_backend_that_stops_accepting_finishes_what_it_has() {
    let gate = Gate::new();
    let busy = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "finished"));
    let (going, staying) = (playing(busy).await, named("staying").await);
    let proxy = Proxy::before("app.test", &[&going, &staying])
        .pool("balance = \"first\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(post("pay")).await;
    going.until_requests(1).await;
    going.stop_accepting().await;
    for _ in 0..10 {
        assert_eq!(proxy.answer(post("pay")).await.text(), "staying");
    }
    gate.open();
    assert_eq!(client.response().await.text(), "finished");
}
