//! What a connection stands on may change while it is open: then it ends in good order, and nothing new goes over it.

mod backends;
mod clients;
mod end_dates;
mod reloads;

use std::path::Path;
use std::sync::Arc;

use portreeve_testkit::{Authority, Leaf, Origin, PATIENCE, Proxy, Scratch};
use rustls::ClientConfig;
use tokio::time::timeout;

/// A proxy with TLS towards clients, of whom it asks certificates.
struct Asking {
    servers: Authority,
    clients: Authority,
    files: Scratch,
    proxy: Proxy,
    backend: String,
}

impl Asking {
    /// In front of this origin; nobody is revoked yet.
    async fn before(origin: &Origin) -> Self {
        Self::requiring(origin, true).await
    }

    async fn requiring(origin: &Origin, is_required: bool) -> Self {
        let (servers, clients, files) = (
            Authority::new("servers"),
            Authority::new("clients"),
            Scratch::new(),
        );
        servers.server(&["app.test"]).write(&files, "app");
        files.write("clients.pem", &clients.pem());
        files.write("revoked.pem", &clients.revoking(&[]));
        let backend = origin.address().to_string();
        let proxy = Proxy::with(&config(&files, &backend, &asking(&files, is_required))).await;
        Self {
            servers,
            clients,
            files,
            proxy,
            backend,
        }
    }

    async fn reload(&mut self, clients: &str) {
        let config = config(&self.files, &self.backend, clients);
        self.proxy.reload(&config).await.unwrap();
    }

    /// A client that shows this.
    fn showing(&self, leaf: &Leaf) -> Arc<ClientConfig> {
        self.servers.client_config(&[], Some(leaf))
    }

    fn revoke(&self, leaves: &[&Leaf]) {
        self.files.replace("revoked.pem", &self.clients.revoking(leaves));
    }

    /// How often this has happened.
    async fn count(&self, event: &str) -> f64 {
        let event = format!("event=\"{event}\"");
        self.proxy.metric("portreeve_edge_events_total", &[&event]).await
    }
}

/// What the listener says of its clients.
fn asking(files: &Scratch, is_required: bool) -> String {
    format!(
        "[listener.web.tls.clients]\nauthorities = {:?}\nrevoked = {:?}\nrequired = {is_required}\n",
        files.file("clients.pem"),
        files.file("revoked.pem")
    )
}

fn config(files: &Scratch, backend: &str, clients: &str) -> String {
    format!(
        "admin = {{ bind = \"127.0.0.1:0\" }}\n[listener.web]\nbind = \"127.0.0.1:0\"\n\
         [listener.web.tls]\ncertificate = {:?}\nkey = {:?}\n{clients}\
         [route.app]\npool = \"app\"\n[pool.app]\nbackends = [\"{backend}\"]\n",
        files.file("app.pem"),
        files.file("app.key")
    )
}

/// A proxy without TLS towards clients, before backends within it.
fn before_backends(backends: &[String], authorities: &Path) -> String {
    let backends: Vec<String> = backends.iter().map(|backend| format!("{backend:?}")).collect();
    format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.app]\npool = \"app\"\n[pool.app]\nbackends = [{}]\n\
         [pool.app.tls]\nauthorities = {authorities:?}\nserver_name = \"backend.test\"\n",
        backends.join(", ")
    )
}

/// Asks again and again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asked = timeout(PATIENCE, async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    asked.await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
