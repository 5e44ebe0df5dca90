//! Backends of the file, which other files follow while requests are on their way.

use portreeve_testkit::{Client, Gate, Origin, Proxy, Script, answer};

use crate::policies::world::{asked, demanding};

/// A route whose requests name their policies in a header, to this pool of backends: address, policies, weight.
fn file(pool: &str, backends: &[(&Origin, &str, u16)]) -> String {
    let listed: Vec<String> = backends
        .iter()
        .map(|(origin, policies, weight)| {
            let policies: Vec<String> = policies.split(',').map(|name| format!("\"{name}\"")).collect();
            format!(
                "{{ address = \"{}\", weight = {weight}, policies = [{}] }}",
                origin.address(),
                policies.join(", ")
            )
        })
        .collect();
    format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n\
         [route.api]\npool = \"{pool}\"\npolicy = {{ header = \"Privacy-Policy\" }}\n\
         [pool.{pool}]\nbalance = \"first\"\nbackends = [{}]\n",
        listed.join(", ")
    )
}

/// A request that one backend holds: as soon as the gate is open it ends the connection without a word, so that the
/// request is sent to another.
struct Held {
    first: Origin,
    second: Origin,
    gate: Gate,
    proxy: Proxy,
    client: Client,
}

impl Held {
    async fn begin() -> Self {
        let gate = Gate::new();
        let first = Origin::scripted(Script::new().read_request().wait(&gate))
            .start()
            .await;
        let second = Origin::replying(200, "second").start().await;
        let proxy = Proxy::with(&file("a", &[(&first, "eu", 1), (&second, "eu", 1)])).await;
        let mut client = proxy.connect().await;
        client.send(demanding("eu")).await;
        first.until_requests(1).await;
        Self {
            first,
            second,
            gate,
            proxy,
            client,
        }
    }

    /// Says what the second backend is now.
    async fn reload(&mut self, pool: &str, policies: &str, weight: u16) {
        let backends = [(&self.first, "eu", 1), (&self.second, policies, weight)];
        self.proxy.reload(&file(pool, &backends)).await.unwrap();
    }

    async fn assert_not_met(mut self) {
        self.gate.open();
        let status = self.client.response().await.status();
        assert!(matches!(status, 502 | 503), "{status}");
        assert_eq!(self.second.requests().await.len(), 0);
    }

    async fn assert_met(mut self) {
        self.gate.open();
        assert_eq!(self.client.response().await.text(), "second");
    }
}

#[tokio::test]
async fn a_request_that_is_lost_goes_to_another() {
    Held::begin().await.assert_met().await;
}

#[tokio::test]
async fn a_retry_after_a_reload_does_not_go_to_who_upholds_something_else_now() {
    let mut held = Held::begin().await;
    held.reload("a", "us", 1).await;
    held.assert_not_met().await;
}

#[tokio::test]
async fn a_retry_after_a_reload_goes_to_who_upholds_more_or_weighs_more_now() {
    let mut held = Held::begin().await;
    held.reload("a", "us,eu", 1).await;
    held.reload("a", "us,eu", 9).await;
    held.assert_met().await;
}

#[tokio::test]
async fn another_weight_in_between_does_not_let_a_retry_go_to_who_upholds_something_else_now() {
    let mut held = Held::begin().await;
    held.reload("a", "eu", 9).await;
    held.reload("a", "us", 9).await;
    held.assert_not_met().await;
}

#[tokio::test]
async fn another_name_of_the_pool_does_not_let_a_retry_go_to_who_upholds_something_else_now() {
    let mut held = Held::begin().await;
    held.reload("b", "us", 1).await;
    held.assert_not_met().await;
}

#[tokio::test]
async fn a_request_that_runs_while_the_file_changes_ends_well() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", "held"))
        .read_request()
        .send(answer("200 OK", "reused"));
    let new = Script::new().read_request().send(answer("200 OK", "new"));
    let origin = Origin::scripted_each([script, new]).start().await;
    let mut proxy = Proxy::with(&file("a", &[(&origin, "eu", 1)])).await;
    let mut client = proxy.connect().await;
    client.send(demanding("eu")).await;
    origin.until_requests(1).await;
    proxy.reload(&file("a", &[(&origin, "us", 1)])).await.unwrap();
    gate.open();
    assert_eq!(client.response().await.text(), "held");
    assert_eq!(asked(&mut client, demanding("eu")).await.status(), 503);
    assert_eq!(asked(&mut client, demanding("us")).await.text(), "new");
}

#[tokio::test]
async fn a_request_that_comes_right_after_a_reload_sees_it() {
    let (eu, us) = (
        Origin::replying(200, "1").start().await,
        Origin::replying(200, "2").start().await,
    );
    let mut proxy = Proxy::with(&file("a", &[(&eu, "eu", 1), (&us, "us", 1)])).await;
    let mut client = proxy.connect().await;
    for round in 0..10 {
        let (first, second) = if round % 2 == 0 {
            ("us", "eu")
        } else {
            ("eu", "us")
        };
        proxy
            .reload(&file("a", &[(&eu, first, 1), (&us, second, 1)]))
            .await
            .unwrap();
        let expected = if round % 2 == 0 { "2" } else { "1" };
        assert_eq!(asked(&mut client, demanding("eu")).await.text(), expected);
    }
}
