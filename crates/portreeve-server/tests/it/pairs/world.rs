//! One proxy before a backend of each kind.

use std::sync::Arc;
use std::time::Duration;

use portreeve_testkit::{PATIENCE, Proxy, Scratch};
use rustls::{ClientConfig, ServerConfig};
use serde_json::Value;
use tokio::time::timeout;

use super::act::Do;
use super::backend::Backend;
use super::front::{Front, Speaks};
use crate::tls::Authority;

/// A proxy with a listener without TLS and one with it, and a route for each kind of backend.
pub(super) struct World {
    pub(super) proxy: Proxy,
    pub(super) backends: Vec<Backend>,
    authority: Authority,
    folder: Scratch,
}

impl World {
    pub(super) async fn start(acts: &[Do]) -> Self {
        let (authority, folder) = (Authority::new(), Scratch::new());
        let (h1, h2) = (server(&authority, b"http/1.1"), server(&authority, b"h2"));
        let backends = vec![
            Backend::h1("h1", None, acts).await,
            Backend::h2("h2c", None, acts).await,
            Backend::h1("https", Some(h1), acts).await,
            Backend::h2("h2", Some(h2), acts).await,
        ];
        let proxy = Proxy::with(&toml(&authority, &folder, &backends)).await;
        Self {
            proxy,
            backends,
            authority,
            folder,
        }
    }

    /// Every kind of client with every kind of backend.
    pub(super) fn fronts(&self) -> Vec<Front<'_>> {
        let clients = [
            (Speaks::H1, false),
            (Speaks::H2, false),
            (Speaks::H1, true),
            (Speaks::H2, true),
        ];
        let pairs = clients.iter().flat_map(|client| {
            self.backends
                .iter()
                .map(move |backend| (client.0, client.1, backend))
        });
        pairs
            .map(|(speaks, is_secured, backend)| Front {
                world: self,
                backend,
                speaks,
                is_secured,
            })
            .collect()
    }

    /// What a client of TLS says to agree on this version.
    pub(super) fn client(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let mut config = (*self.authority.client()).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }

    /// The records of the requests whose target has this mark, as soon as there is one.
    pub(super) async fn record(&self, mark: &str) -> Value {
        let found = async {
            loop {
                let text = self.folder.read(RECORDS);
                let line = text.lines().find(|line| line.contains(mark)).map(str::to_owned);
                match line.and_then(|line| serde_json::from_str(&line).ok()) {
                    Some(record) => return record,
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("no record of {mark} in {}", self.folder.read(RECORDS)))
    }
}

/// A backend of this protocol.
fn server(authority: &Authority, protocol: &[u8]) -> Arc<ServerConfig> {
    let mut config = (*authority.server("backend.test")).clone();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}

fn toml(authority: &Authority, folder: &Scratch, backends: &[Backend]) -> String {
    let names = authority.issue_files("pairs", &["DNS:*.pairs.test"]);
    let mut toml = format!(
        "access_log = {{ to = \"{}\", format = \"json\" }}\n\
         [listener.plain]\nbind = \"127.0.0.1:0\"\n[listener.secure]\nbind = \"127.0.0.1:0\"\n\
         [listener.secure.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        folder.file(RECORDS).display(),
        names.certificate.display(),
        names.key.display(),
    );
    for backend in backends {
        let (name, scheme, address) = (backend.name, backend.scheme(), backend.address());
        toml += &format!(
            "[route.{name}]\nhost = \"{name}.pairs.test\"\npool = \"{name}\"\n\
             [pool.{name}]\nbackends = [\"{scheme}://{address}\"]\nejection = false\n"
        );
        if backend.is_secured {
            toml += &format!(
                "[pool.{name}.tls]\nauthorities = \"{}\"\nserver_name = \"backend.test\"\n",
                authority.file().display()
            );
        }
    }
    toml
}

const RECORDS: &str = "records";
