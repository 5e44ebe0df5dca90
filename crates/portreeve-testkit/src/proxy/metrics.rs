//! What the proxy counts, as its admin listener tells everybody.

use tokio::time::timeout;

use super::{POLL, Proxy};
use crate::PATIENCE;
use crate::client::Client;

impl Proxy {
    /// The sum of all series of this name whose labels contain all of these, as in `pool="app"`.
    ///
    /// # Panics
    /// If there is no admin listener, see [`Setup::counting`](super::Setup::counting).
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let page = self.metrics().await;
        let wanted = page.lines().filter(|line| {
            line.split(['{', ' ']).next() == Some(name) && labels.iter().all(|label| line.contains(label))
        });
        wanted
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Returns once that sum is what it shall be: a client has its answer a moment before it is counted.
    ///
    /// # Panics
    /// If it is not in time.
    pub async fn until_metric(&self, name: &str, labels: &[&str], is_it: impl Fn(f64) -> bool) {
        let it_is = async {
            while !is_it(self.metric(name, labels).await) {
                tokio::time::sleep(POLL).await;
            }
        };
        if timeout(PATIENCE, it_is).await.is_err() {
            panic!("{name} {labels:?} is {}", self.metric(name, labels).await);
        }
    }

    /// Returns once no backend has a request in flight.
    ///
    /// # Panics
    /// If one keeps one.
    pub async fn until_idle(&self) {
        let is_none = |count: f64| count.abs() < 0.5;
        self.until_metric("portreeve_backend_requests_in_flight", &[], is_none)
            .await;
    }

    /// Returns once the proxy's thread has seen all that clients sent before: it is asked for what nobody serves, and
    /// takes things in the order in which they come. Only with one thread.
    ///
    /// # Panics
    /// If a route serves `come.round`.
    pub async fn come_round(&self) {
        let answer = self.answer("GET / HTTP/1.1\r\nHost: come.round\r\n\r\n").await;
        assert_eq!(answer.status(), 421, "{}", answer.text());
    }

    /// The page of `/metrics`.
    async fn metrics(&self) -> String {
        let admin = self.admin().expect("the test has an admin listener");
        let mut client = Client::connect(&admin.into()).await;
        client
            .send(format!(
                "GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
            ))
            .await;
        client.response().await.text()
    }
}
