//! Duty: connections carried as they are, and PROXY headers in and out.

mod announced;
mod announcing;
mod choosing;
mod peers;
mod relaying;
mod secured;
mod sni;

use std::io::ErrorKind;

use portreeve_testkit::{Address, Client, Origin, PATIENCE, Proxy, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A listener `web` that carries connections to the pool `app` of these origins, whatever they say.
fn before(origins: &[&Origin]) -> Setup {
    let backends = origins.iter().map(|origin| backend(origin.address()));
    Proxy::before(ANY, origins)
        .backends(backends.collect::<Vec<_>>())
        .counting()
        .listener("carries = \"tcp\"")
}

fn backend(address: &Address) -> String {
    format!("\"tcp://{address}\"")
}

async fn start(setup: Setup) -> Proxy {
    let toml = setup.toml().replace(&format!("host = \"{ANY}\"\n"), "");
    setup.start_as(&toml).await
}

async fn carrying(origins: &[&Origin]) -> Proxy {
    start(before(origins)).await
}

/// What comes back on a connection that sends this and then says no more.
async fn told(proxy: &Proxy, bytes: impl AsRef<[u8]>) -> String {
    let mut client = proxy.connect().await;
    client.send(bytes).await;
    client.shut().await;
    String::from_utf8_lossy(&client.read_to_end().await.0).into_owned()
}

/// Whether a client that says this is told nothing and reset, perhaps before it has noticed that it is connected.
async fn is_reset(proxy: &Proxy, says: &[u8]) -> bool {
    let Address::Tcp(to) = proxy.address() else {
        return false;
    };
    let told = async {
        let mut stream = TcpStream::connect(to).await?;
        stream.write_all(says).await?;
        stream.read(&mut [0]).await
    };
    let told = timeout(PATIENCE, told).await.expect("it is not left waiting");
    told.is_err_and(|error| matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
}

/// A client whose connection a backend has.
async fn carried(proxy: &Proxy) -> Client {
    let mut client = proxy.connect().await;
    client.send("hello").await;
    assert_eq!(client.read_exactly(5).await, b"hello");
    client
}

/// What stands for a route that asks for no host.
const ANY: &str = "any.test";
