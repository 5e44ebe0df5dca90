//! The real proxy, in process, on ports that the kernel chooses.

mod admin;
mod members;
mod metrics;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use portreeve_model::plan::Bind;
use portreeve_server::{Server, StartError};
use tokio::time::timeout;

use crate::PATIENCE;
use crate::client::Client;
use crate::message::Message;
use crate::origin::Origin;
use crate::scratch::Scratch;
use crate::wire::Address;

/// A running proxy; dropping it ends it at once.
pub struct Proxy {
    server: Option<Server>,
    scratch: Scratch,
}

impl Proxy {
    /// One listener `web`, one route `app` for this host, one pool `app` of these origins, everything else by default.
    pub async fn routing(host: &str, origins: &[&Origin]) -> Self {
        Self::before(host, origins).start().await
    }

    /// The same as [`Proxy::routing`], with more to say before it starts.
    pub fn before(host: &str, origins: &[&Origin]) -> Setup {
        Setup::new(host, origins)
    }

    /// With this configuration. What it does not say of `admin`, `access_log`, `state`, `threads` and
    /// `drain_timeout` is set so that tests do not meet: off, off, a folder of its own, 1 and 2 s.
    ///
    /// # Panics
    /// If the configuration has faults or the proxy does not start.
    pub async fn with(toml: &str) -> Self {
        Self::in_folder(toml, Scratch::new()).await
    }

    async fn in_folder(toml: &str, scratch: Scratch) -> Self {
        let config = parsed(&completed(toml, &scratch));
        let started = timeout(PATIENCE, Server::start(config))
            .await
            .expect("starting takes no time here");
        let server = started.unwrap_or_else(|error| panic!("the proxy does not start: {error}"));
        Self {
            server: Some(server),
            scratch,
        }
    }

    /// Where the listener `web` is.
    pub fn address(&self) -> Address {
        self.address_of("web")
    }

    /// Where this listener is.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn address_of(&self, listener: &str) -> Address {
        match self
            .server()
            .listener(listener)
            .unwrap_or_else(|| panic!("no listener {listener}"))
        {
            Bind::Tcp(address) => Address::Tcp(address),
            Bind::Unix(path) => Address::Unix(path),
        }
    }

    /// The address of the admin listener, if there is one.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.server().admin()
    }

    /// A new connection to the listener `web`.
    pub async fn connect(&self) -> Client {
        Client::connect(&self.address()).await
    }

    /// The answer to this request on a connection of its own.
    pub async fn answer(&self, request: impl AsRef<[u8]>) -> Message {
        let mut client = self.connect().await;
        client.send(request).await;
        client.response().await
    }

    /// Takes a new configuration over, completed as by [`Proxy::with`].
    ///
    /// # Errors
    /// What is wrong with it, in words; nothing has changed then.
    pub async fn reload(&mut self, toml: &str) -> Result<(), String> {
        let config = portreeve_config::parse(&completed(toml, &self.scratch))
            .map_err(|faults| format!("{faults:?}"))?;
        let server = self.server.as_mut().expect("only drain and kill take the server");
        let reloaded = timeout(PATIENCE, server.reload(config))
            .await
            .expect("reloading takes no time here");
        reloaded.map(drop).map_err(|error| error.to_string())
    }

    /// Drains and ends; how many connections were cut.
    pub async fn drain(mut self) -> usize {
        let server = self.server.take().expect("only drain and kill take the server");
        timeout(PATIENCE, server.drain())
            .await
            .expect("draining ends by its own timeout")
            .cut
    }

    /// Ends at once.
    pub fn kill(mut self) {
        self.end();
    }

    /// Ends at once and starts again over what it kept, completed as by [`Proxy::with`].
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(mut self, toml: &str) -> Self {
        self.end();
        let config = completed(toml, &self.scratch);
        let again = async {
            loop {
                match Server::start(parsed(&config)).await {
                    Ok(server) => return server,
                    // The thread of the store lets go of its file a moment after the server is gone.
                    Err(StartError::Store(_)) => tokio::time::sleep(POLL).await,
                    Err(error) => panic!("the proxy does not start again: {error}"),
                }
            }
        };
        let server = timeout(PATIENCE, again).await;
        self.server = Some(server.expect("the store is free again soon"));
        self
    }

    /// The file that [`Setup::recording`] made the access log.
    pub fn record_file(&self) -> PathBuf {
        self.scratch.file(RECORDS)
    }

    /// Opens the access log anew, as after a rotation.
    pub fn reopen_access_log(&self) {
        self.server().reopen_access_log();
    }

    /// The access records, one a line, as soon as there are `count`.
    ///
    /// # Panics
    /// If there are not so many in time, or more.
    pub async fn records(&self, count: usize) -> Vec<String> {
        let file = self.record_file();
        let whole = async {
            loop {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                if text.lines().count() >= count && text.ends_with('\n') {
                    return text;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let text = timeout(PATIENCE, whole)
            .await
            .unwrap_or_else(|_| panic!("fewer than {count} records"));
        assert_eq!(text.lines().count(), count, "{text}");
        text.lines().map(str::to_owned).collect()
    }

    fn end(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("only drain and kill take the server")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a proxy in front of one pool shall be like.
#[derive(Debug)]
pub struct Setup {
    host: String,
    backends: Vec<String>,
    bind: String,
    top: String,
    listener: String,
    client_limits: String,
    route: String,
    pool: String,
    backend_limits: String,
    rest: String,
    scratch: Scratch,
}

impl Setup {
    fn new(host: &str, origins: &[&Origin]) -> Self {
        Self {
            host: host.to_owned(),
            backends: origins
                .iter()
                .map(|origin| format!("\"{}\"", origin.address()))
                .collect(),
            bind: "127.0.0.1:0".to_owned(),
            top: String::new(),
            listener: String::new(),
            client_limits: String::new(),
            route: String::new(),
            pool: String::new(),
            backend_limits: String::new(),
            rest: String::new(),
            scratch: Scratch::new(),
        }
    }

    /// Lines before the first table.
    #[must_use]
    pub fn top(mut self, toml: &str) -> Self {
        writeln!(self.top, "{toml}").expect("a string takes text");
        self
    }

    /// Lines of the listener `web`.
    #[must_use]
    pub fn listener(mut self, toml: &str) -> Self {
        writeln!(self.listener, "{toml}").expect("a string takes text");
        self
    }

    /// Lines of the limits of the listener `web`.
    #[must_use]
    pub fn client_limits(mut self, toml: &str) -> Self {
        writeln!(self.client_limits, "{toml}").expect("a string takes text");
        self
    }

    /// Lines of the limits of the pool `app`.
    #[must_use]
    pub fn backend_limits(mut self, toml: &str) -> Self {
        writeln!(self.backend_limits, "{toml}").expect("a string takes text");
        self
    }

    /// Lines of the pool `app`.
    #[must_use]
    pub fn pool(mut self, toml: &str) -> Self {
        writeln!(self.pool, "{toml}").expect("a string takes text");
        self
    }

    /// Lines of the route `app`.
    #[must_use]
    pub fn route(mut self, toml: &str) -> Self {
        writeln!(self.route, "{toml}").expect("a string takes text");
        self
    }

    /// Whole tables after all others.
    #[must_use]
    pub fn tables(mut self, toml: &str) -> Self {
        writeln!(self.rest, "{toml}").expect("a string takes text");
        self
    }

    /// With an admin listener, so that what is counted can be read.
    #[must_use]
    pub fn counting(self) -> Self {
        self.top("admin = { bind = \"127.0.0.1:0\" }")
    }

    /// These backends, as TOML writes the elements of the list, instead of the origins.
    #[must_use]
    pub fn backends(mut self, backends: impl IntoIterator<Item = String>) -> Self {
        self.backends = backends.into_iter().collect();
        self
    }

    /// Listens here instead of `127.0.0.1:0`.
    #[must_use]
    pub fn on(mut self, bind: &str) -> Self {
        bind.clone_into(&mut self.bind);
        self
    }

    /// Writes access records of this format (`json`, `combined`) to [`Proxy::record_file`].
    #[must_use]
    pub fn recording(self, format: &str) -> Self {
        let file = self.scratch.file(RECORDS);
        self.top(&format!(
            "access_log = {{ to = \"{}\", format = \"{format}\" }}",
            file.display()
        ))
    }

    /// The configuration.
    pub fn toml(&self) -> String {
        let Self {
            host,
            bind,
            top,
            listener,
            client_limits,
            route,
            pool,
            backend_limits,
            rest,
            ..
        } = self;
        let backends = self.backends.join(", ");
        format!(
            "{top}\n[listener.web]\nbind = \"{bind}\"\n{listener}\n\
             [listener.web.limits]\n{client_limits}\n[route.app]\nhost = \"{host}\"\npool = \"app\"\n{route}\n\
             [pool.app]\nbackends = [{backends}]\n{pool}\n[pool.app.limits]\n{backend_limits}\n{rest}\n"
        )
    }

    /// Starts it with this configuration instead, which was made of [`Setup::toml`].
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_as(self, toml: &str) -> Proxy {
        Proxy::in_folder(toml, self.scratch).await
    }

    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(self) -> Proxy {
        Proxy::in_folder(&self.toml(), self.scratch).await
    }
}

fn parsed(toml: &str) -> portreeve_config::Config {
    portreeve_config::parse(toml).unwrap_or_else(|faults| panic!("{faults:?} in\n{toml}"))
}

/// Puts before the configuration what it does not say itself.
fn completed(toml: &str, scratch: &Scratch) -> String {
    let state = format!("\"{}\"", scratch.file("state").display());
    let defaults = [
        ("admin", "{ bind = \"off\" }"),
        ("access_log", "{ to = \"off\" }"),
        ("state", state.as_str()),
        ("threads", "1"),
        ("drain_timeout", "\"2s\""),
    ];
    let is_said = |key: &str| {
        toml.lines()
            .any(|line| line.trim_start_matches('[').split(['=', '.', ' ', ']']).next() == Some(key))
    };
    let missing = defaults.iter().filter(|(key, _)| !is_said(key));
    missing
        .map(|(key, value)| format!("{key} = {value}\n"))
        .chain([toml.to_owned()])
        .collect()
}

const RECORDS: &str = "access.log";
const POLL: std::time::Duration = std::time::Duration::from_millis(2);
