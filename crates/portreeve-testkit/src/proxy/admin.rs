//! What the proxy says of its backends, and what an operator has it do.

use serde_json::Value;
use tokio::time::timeout;

use super::{POLL, Proxy};
use crate::PATIENCE;
use crate::client::Client;
use crate::message::Message;
use crate::packet::Packet;

impl Proxy {
    /// The answer to this packet, on a connection of its own.
    pub async fn ask(&self, packet: impl AsRef<[u8]>) -> Packet {
        self.connect().await.ask(packet).await
    }

    /// The backends of a pool in their order, as `GET /v1/backends` of the admin listener says.
    ///
    /// # Panics
    /// If there is no admin listener, or it says something else.
    pub async fn backends(&self, pool: &str) -> Vec<Value> {
        let answer = self
            .admin_answer("GET", &format!("/v1/backends?pool={pool}"), "")
            .await;
        let mut said: Value = serde_json::from_slice(&answer.body).expect("the admin API answers in JSON");
        match said["backends"].take() {
            Value::Array(backends) => backends,
            other => panic!("no list of backends: {other}"),
        }
    }

    /// Returns once every one of these backends has this standing.
    ///
    /// # Panics
    /// If they do not in time.
    pub async fn until_standing(&self, pool: &str, ids: &[&str], standing: &str) {
        let has_it = |backends: &[Value], id: &str| {
            let is_it = |backend: &Value| backend["id"] == id && backend["standing"] == standing;
            backends.iter().any(is_it)
        };
        let all = async {
            loop {
                let backends = self.backends(pool).await;
                if ids.iter().all(|id| has_it(&backends, id)) {
                    return;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        if timeout(PATIENCE, all).await.is_err() {
            panic!(
                "not all of {ids:?} are {standing}: {:?}",
                self.backends(pool).await
            );
        }
    }

    /// Has the operator drain a backend, and returns once it has no request in flight.
    ///
    /// # Panics
    /// If it keeps some.
    pub async fn drain_backend(&self, pool: &str, id: &str) {
        let path = format!("/v1/pools/{pool}/backends/{id}/drain");
        let answer = self.admin_answer("POST", &path, "{\"wait\":\"9s\"}").await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert!(answer.text().contains("\"in_flight\":0"), "{}", answer.text());
    }

    /// Has the operator end that.
    ///
    /// # Panics
    /// If there is no such backend.
    pub async fn undrain_backend(&self, pool: &str, id: &str) {
        let path = format!("/v1/pools/{pool}/backends/{id}/undrain");
        let answer = self.admin_answer("POST", &path, "").await;
        assert_eq!(answer.status(), 204, "{}", answer.text());
    }

    /// Makes a token and shows it.
    ///
    /// # Panics
    /// If the operator's API makes none of this wish.
    pub async fn token(&self, wish: &str) -> String {
        let answer = self.admin_answer("POST", "/v1/tokens", wish).await;
        assert_eq!(answer.status(), 201, "{}", answer.text());
        let made: Value = serde_json::from_slice(&answer.body).expect("the admin API answers in JSON");
        made["token"].as_str().expect("a token is shown once").to_owned()
    }

    /// What the admin listener answers to the operator.
    ///
    /// # Panics
    /// If there is no admin listener.
    pub async fn admin_answer(&self, method: &str, target: &str, body: &str) -> Message {
        let address = self.admin().expect("the test has an admin listener");
        let mut client = Client::connect(&address.into()).await;
        let (key, length) = (self.admin_key(), body.len());
        client
            .send(format!(
                "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        client.response().await
    }

    fn admin_key(&self) -> String {
        let file = self.scratch.file("state").join("admin.json");
        let text = std::fs::read(file).expect("the proxy leaves its key in its folder");
        let said: Value = serde_json::from_slice(&text).expect("it is JSON");
        said["key"].as_str().expect("it has a key").to_owned()
    }
}
