//! Who upheld what, and when: written by whoever makes history, read by the backends when requests come.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::policies::server::field;

/// All that was ever claimed, and what was found wrong.
pub(crate) struct Claims {
    base: Instant,
    spans: Mutex<Vec<Span>>,
    /// Until when a request was held by a backend that then lost it: it came to the next only after that.
    lost: Mutex<BTreeMap<String, Duration>>,
    faults: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

/// A claim from the moment when it may first have been in force to that when it certainly was not any more.
#[derive(Debug, Clone)]
struct Span {
    name: String,
    address: SocketAddr,
    policies: Vec<String>,
    from: Duration,
    until: Option<Duration>,
}

impl Claims {
    pub(crate) fn new() -> Self {
        Self {
            base: Instant::now(),
            spans: Mutex::default(),
            lost: Mutex::default(),
            faults: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.base.elapsed()
    }

    /// May be in force from now on.
    pub(crate) fn begin(&self, name: &str, address: SocketAddr, policies: &[&str]) {
        let span = Span {
            name: name.to_owned(),
            address,
            policies: policies.iter().map(|policy| (*policy).to_owned()).collect(),
            from: self.now(),
            until: None,
        };
        self.spans.lock().expect(HELD).push(span);
    }

    /// Of those that had begun at `before`, these are not in force any more.
    pub(crate) fn end(&self, before: Duration, is_over: impl Fn(&str, SocketAddr) -> bool) {
        let now = self.now();
        for span in self.spans.lock().expect(HELD).iter_mut() {
            let is_open = span.until.is_none() && span.from < before;
            if is_open && is_over(&span.name, span.address) {
                span.until = Some(now);
            }
        }
    }

    /// A request has come to the backend of that name there, which will lose it after `held`, if at all.
    pub(crate) fn arrived(&self, name: &str, address: SocketAddr, head: &str, held: Option<Duration>) {
        let now = self.now();
        let demanded = field(head, "privacy-policy").unwrap_or_default();
        let started = field(head, "x-started").and_then(|text| text.parse().ok());
        let (Some(started), Some(number)) = (started.map(Duration::from_micros), field(head, "x-number"))
        else {
            return self.fault(format!("a request that no client of these sent: {head}"));
        };
        let mut lost = self.lost.lock().expect(HELD);
        let started = lost.get(number).map_or(started, |lost| started.max(*lost));
        if let Some(held) = held {
            lost.insert(number.to_owned(), now + held);
        }
        drop(lost);
        let spans = self.spans.lock().expect(HELD);
        let may = spans.iter().any(|span| {
            span.name == name
                && span.address == address
                && span.from <= now
                && span.until.is_none_or(|until| until >= started)
                && demanded
                    .split(',')
                    .all(|wanted| span.policies.iter().any(|own| own == wanted))
        });
        if !may {
            let own: Vec<_> = spans.iter().filter(|span| span.address == address).collect();
            self.fault(format!(
                "request {number}, sent at {started:?}, which demands {demanded}, came to {name} at {address} at \
                 {now:?}; there stood {own:#?}"
            ));
        }
    }

    fn fault(&self, what: String) {
        self.faults.lock().expect(HELD).push(what);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().expect(HELD).clone()
    }

    /// Lets the clients end.
    pub(crate) fn close(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

const HELD: &str = "no holder panics";
