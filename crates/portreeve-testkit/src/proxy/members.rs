//! Backends that say themselves that they are there, over the listener `web`.

use super::Proxy;
use crate::message::Message;
use crate::wire::Address;

impl Proxy {
    /// Registers a backend in a pool, for a minute without a heartbeat.
    ///
    /// # Panics
    /// If it may not.
    pub async fn register(&self, pool: &str, id: &str, address: &Address) {
        let body = format!("{{\"address\":\"{address}\",\"ttl\":\"60s\"}}");
        let answer = self.as_member("PUT", pool, id, "", &body).await;
        assert!(matches!(answer.status(), 200 | 201), "{}", answer.text());
    }

    /// The backend says that it is still there, and whether it wants no new requests.
    ///
    /// # Panics
    /// If nobody knows it.
    pub async fn heartbeat(&self, pool: &str, id: &str, is_draining: bool) {
        let body = format!("{{\"draining\":{is_draining}}}");
        let answer = self.as_member("POST", pool, id, "/heartbeat", &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }

    /// The backend says that it is gone.
    ///
    /// # Panics
    /// If nobody knew it.
    pub async fn deregister(&self, pool: &str, id: &str) {
        let answer = self.as_member("DELETE", pool, id, "", "").await;
        assert_eq!(answer.status(), 204, "{}", answer.text());
    }

    async fn as_member(&self, method: &str, pool: &str, id: &str, act: &str, body: &str) -> Message {
        let length = body.len();
        self.answer(format!(
            "{method} /v1/pools/{pool}/backends/{id}{act} HTTP/1.1\r\nHost: app.test\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }
}
