//! The proxy and the backends behind it, and what can be done to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portreeve_testkit::{Address, Client, Part, Proxy, Scratch, get};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::chaos::dice::Dice;
use crate::chaos::truth::{Micros, Trouble, Truth};

pub(crate) struct Fleet {
    proxy: Proxy,
    truth: Truth,
    scratch: Scratch,
    backends: Vec<Backend>,
    balance: &'static str,
    /// Who sends heartbeats, and where it is.
    beating: Arc<Mutex<Vec<&'static str>>>,
    is_over: Arc<AtomicBool>,
    beats: JoinHandle<()>,
}

struct Backend {
    name: &'static str,
    part: Part,
    policies: Vec<&'static str>,
    is_listed: bool,
    weight: u32,
}

/// What the storm leaves to be judged.
pub(crate) struct Seen {
    /// What each backend got.
    pub(crate) arrivals: Vec<Arrival>,
    /// The access records.
    pub(crate) records: String,
}

pub(crate) struct Arrival {
    pub(crate) backend: &'static str,
    pub(crate) at: Micros,
    pub(crate) sent: Micros,
    pub(crate) target: String,
    pub(crate) policy: String,
}

/// Those that stand in the file.
pub(crate) const FILE: [&str; 3] = ["f0", "f1", "f2"];
/// Those that register.
pub(crate) const MEMBERS: [&str; 3] = ["m0", "m1", "m2"];
pub(crate) const BOTH: &[&str] = &["eu", "us"];

impl Fleet {
    pub(crate) async fn start(truth: &Truth, dice: &mut Dice) -> Self {
        let scratch = Scratch::new();
        let balances = [
            "round-robin",
            "least-requests",
            "two-choices",
            "peak-ewma",
            "prequal",
        ];
        let balance = dice.one_of(&balances);
        truth.note(&format!("balance: {balance}"));
        let mut backends = Vec::new();
        for name in FILE.into_iter().chain(MEMBERS) {
            backends.push(Backend {
                name,
                part: started(name, own_address(), scratch.file(name)).await,
                policies: BOTH.to_vec(),
                is_listed: true,
                weight: 1,
            });
            truth.claims(name, BOTH);
        }
        let proxy = Proxy::with(&toml(&backends, balance, &scratch)).await;
        let (beating, is_over) = (Arc::default(), Arc::default());
        let beats = tokio::spawn(beat(proxy.address(), Arc::clone(&beating), Arc::clone(&is_over)));
        let fleet = Self {
            proxy,
            truth: truth.clone(),
            scratch,
            backends,
            balance,
            beating,
            is_over,
            beats,
        };
        for name in MEMBERS {
            fleet.register(name, BOTH).await;
        }
        fleet.until_everybody_serves().await;
        truth.state().backends.values_mut().for_each(|history| {
            history.troubles.clear();
        });
        fleet
    }

    pub(crate) fn address(&self) -> Address {
        self.proxy.address()
    }

    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(crate) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Harms it; how long it may take until the proxy knows is a matter of the judge.
    pub(crate) async fn harm(&mut self, name: &'static str, trouble: Trouble) {
        self.truth.harms(name, trouble);
        match trouble {
            Trouble::Killed => {
                self.beat(name, false);
                self.backend_mut(name).part.kill();
            }
            Trouble::Stopped => {
                self.beat(name, false);
                self.backend(name).part.stop();
            }
            Trouble::Slow => self.mode(name, "slow").await,
            Trouble::Resets => self.mode(name, "reset").await,
            Trouble::Errors => self.mode(name, "error").await,
            Trouble::Sick => self.mode(name, "sick").await,
            Trouble::Drained => self.operate(name, "POST", "/drain", "{}").await,
            Trouble::Away => {
                self.beat(name, false);
                self.operate(name, "DELETE", "", "").await;
                self.truth.disclaims(name, 0);
            }
            Trouble::Unlisted => self.list(name, false).await,
            Trouble::Changed => {}
        }
        self.truth.shuts(name, trouble);
    }

    /// Undoes it.
    pub(crate) async fn heal(&mut self, name: &'static str, trouble: Trouble) {
        self.truth.opens(name);
        match trouble {
            Trouble::Killed => self.restart(name).await,
            Trouble::Stopped => {
                self.backend(name).part.resume();
                self.register_again(name).await;
            }
            Trouble::Slow | Trouble::Resets | Trouble::Errors | Trouble::Sick => {
                self.mode(name, "well").await;
            }
            Trouble::Drained => self.operate(name, "POST", "/undrain", "").await,
            Trouble::Away => self.register_again(name).await,
            Trouble::Unlisted => self.list(name, true).await,
            Trouble::Changed => {}
        }
        self.truth.heals(name);
    }

    /// A member at another port, a backend of the file at the same.
    async fn restart(&mut self, name: &'static str) {
        let address = if is_member(name) {
            own_address()
        } else {
            self.address_of(name)
        };
        let part = started(name, address, self.scratch.file(name)).await;
        self.backend_mut(name).part = part;
        self.register_again(name).await;
    }

    async fn register_again(&self, name: &'static str) {
        if is_member(name) {
            self.register(name, &self.backend(name).policies.clone()).await;
        }
    }

    /// It says that it upholds these now.
    pub(crate) async fn change(&mut self, name: &'static str, policies: &[&'static str]) {
        self.truth.harms(name, Trouble::Changed);
        self.backend_mut(name).policies = policies.to_vec();
        self.register(name, policies).await;
        self.truth.heals(name);
    }

    /// The file changes, and nobody goes.
    pub(crate) async fn reweigh(&mut self, weights: [u32; 3]) {
        for (name, weight) in FILE.iter().zip(weights) {
            self.backend_mut(name).weight = weight;
        }
        self.reload().await;
    }

    async fn list(&mut self, name: &'static str, is_listed: bool) {
        if is_listed {
            self.truth.claims(name, BOTH);
        }
        self.backend_mut(name).is_listed = is_listed;
        self.reload().await;
        if !is_listed {
            self.truth.disclaims(name, 0);
        }
    }

    async fn reload(&mut self) {
        let toml = toml(&self.backends, self.balance, &self.scratch);
        self.truth.note("reload");
        self.proxy.reload(&toml).await.expect("the file has no fault");
    }

    async fn register(&self, name: &'static str, policies: &[&'static str]) {
        self.truth.claims(name, policies);
        self.truth.note(&format!("{name} registers with {policies:?}"));
        let body = format!(
            "{{\"address\":\"{}\",\"policies\":{policies:?},\"ttl\":\"4s\"}}",
            self.address_of(name)
        );
        let said = called("PUT", name, "", &body);
        let answer = self.proxy.answer(said).await;
        assert!(matches!(answer.status(), 200 | 201), "{}", answer.text());
        self.truth.disclaims(name, 1);
        self.beat(name, true);
    }

    fn beat(&self, name: &'static str, beats: bool) {
        let mut beating = self.beating.lock().expect(HELD);
        beating.retain(|one| *one != name);
        if beats && is_member(name) {
            beating.push(name);
        }
    }

    async fn operate(&self, name: &str, method: &str, act: &str, body: &str) {
        let (pool, id) = self.key(name);
        let id = id.replace(':', "%3A");
        let target = format!("/v1/pools/{pool}/backends/{id}{act}");
        let answer = self.proxy.admin_answer(method, &target, body).await;
        assert!(
            matches!(answer.status(), 200 | 204),
            "{target}: {}",
            answer.text()
        );
    }

    /// It is told directly what it shall be like.
    async fn mode(&self, name: &str, mode: &str) {
        let mut client = Client::connect(self.backend(name).part.address()).await;
        client.send(get(&format!("/-/mode/{mode}"))).await;
        client.response().await;
    }

    /// Every backend is in its pool and serves: as the operator is told, and in fact.
    pub(crate) async fn until_everybody_serves(&self) {
        for name in FILE.into_iter().chain(MEMBERS) {
            let (pool, id) = self.key(name);
            self.proxy.until_standing(pool, &[&id], "serving").await;
        }
        for (pool, names) in [("file", FILE), ("api", MEMBERS)] {
            let served = tokio::time::timeout(BACK_WITHIN, self.served_by(pool, &names));
            if served.await.is_err() {
                let said = self.proxy.backends(pool).await;
                panic!("not all of {names:?} serve again: {said:#?}");
            }
        }
    }

    async fn served_by(&self, pool: &str, names: &[&str]) {
        let mut missing = names.to_vec();
        let mut client = self.proxy.connect().await;
        let mut left = 0;
        while !missing.is_empty() {
            if left == 0 {
                client = self.proxy.connect().await;
                left = 50;
            }
            left -= 1;
            let sent = crate::chaos::truth::now();
            client
                .send(format!(
                    "GET /{pool}/last HTTP/1.1\r\nHost: app.test\r\nPrivacy-Policy: eu\r\nX-Sent: {sent}\r\n\r\n"
                ))
                .await;
            let answer = client.response().await;
            let by = answer.field("x-backend").unwrap_or_default();
            missing.retain(|name| *name != by || answer.status() != 200);
            if answer.values("connection").iter().any(|value| value == "close") {
                left = 0;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends everything in good order.
    pub(crate) async fn end(self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        self.beats.await.expect("heartbeats do not panic");
        let cut = self.proxy.drain().await;
        assert_eq!(cut, 0, "nobody was there to be cut");
        let arrivals = self.backends.iter().flat_map(|backend| {
            let text = std::fs::read_to_string(self.scratch.file(backend.name)).unwrap_or_default();
            text.lines()
                .map(|line| arrival(backend.name, line))
                .collect::<Vec<_>>()
        });
        Seen {
            arrivals: arrivals.collect(),
            records: self.scratch.read("records"),
        }
    }

    /// Its pool, and its name there.
    fn key(&self, name: &str) -> (&'static str, String) {
        if is_member(name) {
            ("api", name.to_owned())
        } else {
            ("file", self.address_of(name).to_string())
        }
    }

    fn address_of(&self, name: &str) -> SocketAddr {
        match self.backend(name).part.address() {
            Address::Tcp(address) => *address,
            Address::Unix(path) => panic!("{} is no TCP address", path.display()),
        }
    }

    fn backend(&self, name: &str) -> &Backend {
        let found = self.backends.iter().find(|backend| backend.name == name);
        found.expect("every name is a backend's")
    }

    fn backend_mut(&mut self, name: &str) -> &mut Backend {
        let found = self.backends.iter_mut().find(|backend| backend.name == name);
        found.expect("every name is a backend's")
    }
}

pub(crate) fn is_member(name: &str) -> bool {
    MEMBERS.contains(&name)
}

/// Starting blocks, and the clients share this thread.
async fn started(name: &'static str, address: SocketAddr, log: PathBuf) -> Part {
    let argument = format!("{name}\n{address}\n{}", log.display());
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || sender.send(Part::start_with("chaos::backend_process", &argument)));
    receiver.await.expect("a backend starts")
}

/// Any port of an address that is this process's own, so that no other takes it while a backend is down.
fn own_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    (Ipv4Addr::new(127, 77, high, low), 0).into()
}

async fn beat(proxy: Address, beating: Arc<Mutex<Vec<&'static str>>>, is_over: Arc<AtomicBool>) {
    while !is_over.load(Ordering::Relaxed) {
        let names = beating.lock().expect(HELD).clone();
        for name in names {
            let mut client = Client::connect(&proxy).await;
            let _ = client.try_send(called("POST", name, "/heartbeat", "{}")).await; // it may be gone meanwhile
            let _ = client.try_response().await;
        }
        tokio::time::sleep(BEAT_EVERY).await;
    }
}

fn called(method: &str, id: &str, act: &str, body: &str) -> String {
    format!(
        "{method} /v1/pools/api/backends/{id}{act} HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn arrival(backend: &'static str, line: &str) -> Arrival {
    let mut words = line.split(' ');
    let mut next = || words.next().unwrap_or_default();
    Arrival {
        backend,
        at: next().parse().expect("a backend writes the time"),
        sent: next().parse().expect("each request says when it was sent"),
        target: next().to_owned(),
        policy: next().to_owned(),
    }
}

fn toml(backends: &[Backend], balance: &str, scratch: &Scratch) -> String {
    let listed = backends
        .iter()
        .filter(|backend| !is_member(backend.name) && backend.is_listed);
    let listed: Vec<String> = listed
        .map(|backend| {
            let (address, weight) = (backend.part.address(), backend.weight);
            format!("{{ address = \"{address}\", weight = {weight}, policies = [\"eu\", \"us\"] }}")
        })
        .collect();
    let pool = |name: &str, who: &str| {
        format!(
            "[pool.{name}]\n{who}\nbalance = \"{balance}\"\nfail_mode = \"hold\"\nin_flight = 12\n{COMMON}\
             [pool.{name}.limits]\n{LIMITS}[pool.{name}.retry]\n{RETRY}[pool.{name}.ejection]\n{EJECTION}"
        )
    };
    format!(
        "threads = 2\nadmin = {{ bind = \"127.0.0.1:0\" }}\n\
         access_log = {{ to = \"{}\", format = \"json\" }}\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n\
         [route.api]\npath = \"/api/*\"\npool = \"api\"\npolicy = {{ header = \"Privacy-Policy\" }}\n\
         [route.file]\npath = \"/file/*\"\npool = \"file\"\npolicy = {{ header = \"Privacy-Policy\" }}\n{}{}",
        scratch.file("records").display(),
        pool("api", "register = { ttl = \"4s\" }"),
        pool("file", &format!("backends = [{}]", listed.join(", "))),
    )
}

const COMMON: &str = "hold = { timeout = \"1s\" }\n\
    probe = { path = \"/-/health\", every = \"500ms\", every_unhealthy = \"300ms\", timeout = \"500ms\", fall = 2 }\n";
/// Six backends at most, so that whoever is well is asked in the end.
const LIMITS: &str =
    "connect_timeout = \"1s\"\nfirst_byte_timeout = \"1s\"\nidle_timeout = \"2s\"\nattempts_max = 6\n";
/// The budget has tests of its own; here it would only excuse what must not be.
const RETRY: &str = "status = [500]\nattempt_timeout = \"1s\"\nbudget = \"100%\"\nbudget_min = 1000\n";
const EJECTION: &str = "time = \"500ms\"\ntime_max = \"2s\"\n";
const BEAT_EVERY: Duration = Duration::from_millis(400);
/// After the storm: at most one ejection, a probe and a trial. And some balancers remember a latency of up to a second: it
/// takes 37 s until only a fortieth is left, so that those with requests in flight look no better.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const HELD: &str = "no holder panics";
