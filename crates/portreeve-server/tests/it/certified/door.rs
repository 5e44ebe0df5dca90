//! A proxy that takes registrations within TLS, and those who ask it.

use std::io;

use portreeve_testkit::{Address, Authority, Leaf, PATIENCE, Proxy, Scratch};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The proxy, and who vouches for its clients and itself.
pub(super) struct Door {
    pub(super) proxy: Proxy,
    pub(super) authority: Authority,
    toml: String,
    _files: Scratch,
}

/// What is asked: method, target, further fields, body.
pub(super) type Ask<'a> = (&'a str, &'a str, &'a str, &'a str);

/// What is answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

pub(super) fn put<'a>(path: &'a str, body: &'a str) -> Ask<'a> {
    ("PUT", path, "", body)
}

impl Answer {
    #[track_caller]
    pub(super) fn is(&self, status: u16, cause: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.text.contains(&format!("\"cause\":\"{cause}\"")), "{self:?}");
    }
}

impl Door {
    pub(super) async fn start() -> Self {
        let (authority, files) = (Authority::new("of a test"), Scratch::new());
        authority.server(&["app.test"]).write(&files, "web");
        files.write("ca.pem", &authority.pem());
        let file = |name: &str| files.file(name).display().to_string();
        let toml = format!(
            "admin = {{ bind = \"127.0.0.1:0\" }}\n\
             [registration]\nnetworks = [\"10.0.0.0/8\"]\n\
             [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n\
             proxy_protocol = [\"127.0.0.1/32\"]\npackets = {{ pool = \"servers\" }}\n\
             [listener.web.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [listener.web.tls.clients]\nauthorities = \"{}\"\nrequired = false\n\
             [route.api]\npool = \"api\"\n[pool.api]\nregister = true\n[pool.servers]\n",
            file("web.pem"),
            file("web.key"),
            file("ca.pem"),
        );
        Self {
            proxy: Proxy::with(&toml).await,
            authority,
            toml,
            _files: files,
        }
    }

    /// The same over what it kept.
    pub(super) async fn restart(self) -> Self {
        Self {
            proxy: self.proxy.restart(&self.toml).await,
            ..self
        }
    }

    /// What the operator's API says of a token that it makes.
    pub(super) async fn made(&self, wish: &Value) -> Value {
        let answer = self
            .proxy
            .admin_answer("POST", "/v1/tokens", &wish.to_string())
            .await;
        assert_eq!(answer.status(), 201, "{}", answer.text());
        serde_json::from_slice(&answer.body).expect("the admin API answers in JSON")
    }

    /// The public name of a token for certificates of this name that allows everything.
    pub(super) async fn token_for(&self, name: &str) -> String {
        let made = self.made(&serde_json::json!({ "certificate": name })).await;
        made["id"].as_str().expect("it has a name").to_owned()
    }

    /// A connection from 10.0.0.9 that shows this certificate.
    pub(super) async fn connect(
        &self,
        shown: Option<&Leaf>,
        protocols: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let Address::Tcp(address) = self.proxy.address() else {
            panic!("the listener is on TCP");
        };
        let mut wire = TcpStream::connect(address).await?;
        wire.write_all(b"PROXY TCP4 10.0.0.9 10.0.0.1 4000 443\r\n")
            .await?;
        let connector = TlsConnector::from(self.authority.client_config(protocols, shown));
        let name = ServerName::try_from("app.test").expect("a name");
        timeout(PATIENCE, connector.connect(name, wire)).await?
    }

    /// The answer on a connection of its own, or that there was none.
    pub(super) async fn try_ask(&self, shown: Option<&Leaf>, ask: Ask<'_>) -> io::Result<Answer> {
        let mut connection = self.connect(shown, &[]).await?;
        exchange(&mut connection, ask).await
    }

    pub(super) async fn ask(&self, shown: Option<&Leaf>, ask: Ask<'_>) -> Answer {
        self.try_ask(shown, ask).await.expect("the proxy answers")
    }

    /// Returns once nobody is in the pool.
    pub(super) async fn until_nobody(&self, pool: &str) {
        let gone = async {
            while !self.proxy.backends(pool).await.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, gone).await.expect("they end");
    }
}

/// One request and its answer, which has a length.
pub(super) async fn exchange(
    wire: &mut TlsStream<TcpStream>,
    (method, target, fields, body): Ask<'_>,
) -> io::Result<Answer> {
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: app.test\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    );
    wire.write_all(request.as_bytes()).await?;
    timeout(PATIENCE, read(wire)).await?
}

async fn read(wire: &mut TlsStream<TcpStream>) -> io::Result<Answer> {
    let mut came = Vec::new();
    let (end, length) = loop {
        if wire.read_buf(&mut came).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&came);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            break (head.len() + 4, length_in(head));
        }
    };
    while came.len() < end + length {
        if wire.read_buf(&mut came).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let text = String::from_utf8_lossy(&came).into_owned();
    Ok(Answer {
        status: text[9..12].parse().expect("a status"),
        text: text[end..].to_owned(),
    })
}

fn length_in(head: &str) -> usize {
    let lower = head.to_ascii_lowercase();
    let line = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    line.map_or(0, |value| value.trim().parse().expect("a length"))
}

/// To register oneself.
pub(super) const HOME: &str = "{\"port\":8001,\"ttl\":\"60s\"}";
