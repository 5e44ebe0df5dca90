//! Who makes history: registers, changes, moves, crashes, leaves, drains, and writes files.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portreeve_testkit::Proxy;

use super::claims::Claims;
use crate::policies::server::{Reply, Server};
use crate::policies::world::{Dice, deregistration, heartbeat, registration};

/// Backends, and the proxy that they are behind.
pub(crate) struct Actor {
    dice: Dice,
    claims: Arc<Claims>,
    proxy: Proxy,
    /// Addresses that are free or not; nobody else in the machine listens there.
    slots: Vec<SocketAddr>,
    /// Who listens where, and under which name.
    running: BTreeMap<SocketAddr, (String, Server)>,
    /// What is registered under which name.
    registered: BTreeMap<String, (SocketAddr, Vec<&'static str>)>,
    /// They listen from the beginning to the end.
    of_file: Vec<Server>,
    log: Vec<String>,
}

impl Actor {
    pub(crate) async fn begin(seed: u64, claims: Arc<Claims>) -> Self {
        let host = u8::try_from(seed % 250).expect("it is below 250");
        let ip = Ipv4Addr::new(127, 7, 100, host + 1);
        let mut of_file = Vec::new();
        for name in FILE_NAMES {
            let server = listen(name, (ip, 0).into(), &claims).await;
            of_file.push(server.expect("port 0 is always free"));
        }
        let addresses: Vec<_> = of_file.iter().map(|server| server.address).collect();
        let proxy = Proxy::with(&file("first", &addresses, &[&[], &[], &[]], &[1, 1, 1])).await;
        Self {
            dice: Dice::new(seed),
            claims,
            proxy,
            slots: free_ports(ip).await,
            running: BTreeMap::new(),
            registered: BTreeMap::new(),
            of_file,
            log: Vec::new(),
        }
    }

    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(crate) fn history(&self) -> String {
        self.log.join("\n")
    }

    /// Ends all that runs.
    pub(crate) async fn end(self) {
        self.proxy.kill();
        let running = self.running.into_values().map(|(_, server)| server);
        for server in running.chain(self.of_file) {
            server.close().await;
        }
    }

    pub(crate) async fn step(&mut self) {
        match self.dice.below(16) {
            0..=3 => self.come().await,
            4..=6 => self.change().await,
            7..=8 => self.move_on().await,
            9 => self.crash().await,
            10 => self.rise().await,
            11 => self.leave().await,
            12..=13 => self.drain().await,
            _ => self.reload().await,
        }
        let pause = u64::try_from(self.dice.below(8)).expect("it is below 8");
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Somebody comes to an address where nobody listens, whoever was registered there: first it registers, and then it
    /// listens, or requests for the one before it would reach it before anybody could know.
    async fn come(&mut self) {
        let (name, policies) = (*self.dice.one_of(&NAMES), self.policies());
        let Some(address) = self.free_slot() else { return };
        self.register(name, address, &policies).await;
        self.listen(name, address).await;
    }

    /// The same name at the same address says other policies.
    async fn change(&mut self) {
        let Some((name, address)) = self.some_registered() else {
            return;
        };
        let policies = self.policies();
        self.register(&name, address, &policies).await;
    }

    /// The same name goes elsewhere; where it was it still listens for a while, or does not.
    async fn move_on(&mut self) {
        let Some((name, old)) = self.some_registered() else {
            return;
        };
        let policies = self.policies();
        let Some(address) = self.free_slot() else { return };
        self.register(&name, address, &policies).await;
        self.listen(&name, address).await;
        if self.dice.below(2) == 0 {
            self.stop(old).await;
        }
    }

    /// Nobody is told.
    async fn crash(&mut self) {
        let running: Vec<_> = self.running.keys().copied().collect();
        if !running.is_empty() {
            let address = *self.dice.one_of(&running);
            self.stop(address).await;
        }
    }

    /// Whoever is registered somewhere and does not listen there does so again.
    async fn rise(&mut self) {
        let Some((name, address)) = self.some_registered() else {
            return;
        };
        if !self.running.contains_key(&address) {
            self.listen(&name, address).await;
        }
    }

    async fn leave(&mut self) {
        let Some((name, address)) = self.some_registered() else {
            return;
        };
        let before = self.claims.now();
        let status = self.proxy.answer(deregistration(&name)).await.status();
        self.note(format!("{name} leaves: {status}"));
        assert_eq!(status, 204, "{}", self.history());
        self.claims.end(before, |other, _| other == name);
        self.registered.remove(&name);
        if self.dice.below(2) == 0 {
            self.stop(address).await;
        }
    }

    async fn drain(&mut self) {
        let Some((name, address)) = self.some_registered() else {
            return;
        };
        let is_draining = self.dice.below(2) == 0;
        let (before, policies) = (self.claims.now(), self.registered[&name].1.clone());
        if !is_draining {
            self.claims.begin(&name, address, &policies);
        }
        let status = self.proxy.answer(heartbeat(&name, is_draining)).await.status();
        self.note(format!("{name} drains {is_draining}: {status}"));
        assert_eq!(status, 200, "{}", self.history());
        if is_draining {
            self.claims.end(before, |other, _| other == name);
        }
    }

    /// The file says other policies and weights of its backends, or has another name for their pool.
    async fn reload(&mut self) {
        let said: Vec<Vec<&str>> = self.of_file.iter().map(|_| policies(&mut self.dice)).collect();
        let weights = [(); 3].map(|()| *self.dice.one_of(&[1, 1, 2]));
        let pool = *self.dice.one_of(&["first", "first", "second"]);
        let addresses: Vec<_> = self.of_file.iter().map(|server| server.address).collect();
        let said: Vec<&[&str]> = said.iter().map(Vec::as_slice).collect();
        let before = self.claims.now();
        tokio::time::sleep(Duration::from_micros(1)).await;
        for ((name, address), policies) in FILE_NAMES.iter().zip(&addresses).zip(&said) {
            self.claims.begin(name, *address, policies);
        }
        self.note(format!("reload: {pool} {said:?} {weights:?}"));
        let reloaded = self.proxy.reload(&file(pool, &addresses, &said, &weights)).await;
        reloaded.expect("the file has no fault");
        self.claims.end(before, |name, _| FILE_NAMES.contains(&name));
    }

    async fn register(&mut self, name: &str, address: SocketAddr, policies: &[&'static str]) {
        let before = self.claims.now();
        tokio::time::sleep(Duration::from_micros(1)).await;
        self.claims.begin(name, address, policies);
        let said = registration(name, address, &policies.join(","));
        let answer = self.proxy.answer(said).await;
        self.note(format!(
            "{name} at {address} with {policies:?}: {}",
            answer.status()
        ));
        assert!(matches!(answer.status(), 200 | 201), "{}", answer.text());
        self.claims
            .end(before, |other, at| other == name || at == address);
        self.registered.retain(|_, (at, _)| *at != address);
        self.registered
            .insert(name.to_owned(), (address, policies.to_vec()));
    }

    async fn listen(&mut self, name: &str, address: SocketAddr) {
        self.note(format!("{name} listens at {address}"));
        match listen(name, address, &self.claims).await {
            Ok(server) => {
                self.running.insert(address, (name.to_owned(), server));
            }
            Err(error) => self.note(format!("it cannot: {error}")),
        }
    }

    async fn stop(&mut self, address: SocketAddr) {
        if let Some((name, server)) = self.running.remove(&address) {
            self.note(format!("{name} at {address} stops"));
            server.close().await;
        }
    }

    fn free_slot(&mut self) -> Option<SocketAddr> {
        let is_free = |slot: &&SocketAddr| !self.running.contains_key(*slot);
        let free: Vec<_> = self.slots.iter().filter(is_free).copied().collect();
        (!free.is_empty()).then(|| *self.dice.one_of(&free))
    }

    fn some_registered(&mut self) -> Option<(String, SocketAddr)> {
        let all: Vec<_> = self
            .registered
            .iter()
            .map(|(name, (address, _))| (name.clone(), *address))
            .collect();
        (!all.is_empty()).then(|| self.dice.one_of(&all).clone())
    }

    fn policies(&mut self) -> Vec<&'static str> {
        policies(&mut self.dice)
    }

    fn note(&mut self, what: impl Display) {
        self.log.push(format!("{:?}: {what}", self.claims.now()));
    }
}

fn policies(dice: &mut Dice) -> Vec<&'static str> {
    let sets: [&[&str]; 6] = [
        &["eu"],
        &["us"],
        &["hipaa"],
        &["eu", "us"],
        &["eu", "hipaa"],
        &["eu", "us", "hipaa"],
    ];
    dice.one_of(&sets).to_vec()
}

/// A backend that mostly answers; now and then it ends the connection after the answer, or late and instead of it.
async fn listen(name: &str, address: SocketAddr, claims: &Arc<Claims>) -> io::Result<Server> {
    let (name, claims, count) = (name.to_owned(), Arc::clone(claims), AtomicUsize::new(0));
    let at = Arc::new(std::sync::OnceLock::new());
    let here = Arc::clone(&at);
    let answer = move |head: &str| {
        let here = *here.get().unwrap_or(&address);
        let turn = count.fetch_add(1, Ordering::Relaxed) % 11;
        // Long enough for history to go on: what is lost then is sent again into another world.
        let after = Duration::from_millis([0, 0, 6, 0, 0, 30, 0, 0, 0, 15, 0][turn]);
        let is_lost = turn == 5 || turn == 9;
        claims.arrived(&name, here, head, is_lost.then_some(after));
        Reply {
            after,
            body: (!is_lost).then(|| name.clone()),
            closes: turn == 8,
        }
    };
    let server = Server::answering(address, Arc::new(answer)).await?;
    let _ = at.set(server.address); // it is set once only
    Ok(server)
}

/// Ports of an address that is this history's own, free now and given to nobody else.
async fn free_ports(ip: Ipv4Addr) -> Vec<SocketAddr> {
    let mut held = Vec::new();
    for _ in 0..SLOTS {
        let listener = tokio::net::TcpListener::bind((ip, 0)).await;
        held.push(listener.expect("port 0 is always free"));
    }
    let addresses = held.iter().map(|listener| listener.local_addr());
    addresses
        .map(|address| address.expect("a bound socket has an address"))
        .collect()
}

/// Two routes: to those who register, and to those of the file.
fn file(pool: &str, addresses: &[SocketAddr], policies: &[&[&str]], weights: &[u32]) -> String {
    let listed: Vec<String> = addresses
        .iter()
        .zip(policies)
        .zip(weights)
        .map(|((address, policies), weight)| {
            format!("{{ address = \"{address}\", weight = {weight}, policies = {policies:?} }}")
        })
        .collect();
    let demand = "policy = { header = \"Privacy-Policy\" }";
    format!(
        "threads = 2\n[listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n\
         [route.api]\npath = \"/api/*\"\npool = \"api\"\n{demand}\n\
         [route.file]\npath = \"/file/*\"\npool = \"{pool}\"\n{demand}\n\
         [pool.api]\nregister = {{ ttl = \"60s\" }}\n\
         [pool.{pool}]\nbackends = [{}]\n",
        listed.join(", ")
    )
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const FILE_NAMES: [&str; 3] = ["f0", "f1", "f2"];
const SLOTS: usize = 6;
