//! Where the instances of these tests live: a driver of tasks that listen on real sockets. It outlives scalers, as a real
//! engine outlives proxies.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portreeve_driver::{
    Driver, DriverFault, Ended, Found, FoundState, Leadership, Order, Pending, Started, Stop, Usage,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The engine; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Engine(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    running: BTreeMap<Arc<str>, Instance>,
    /// What each order had, by id.
    orders: Vec<Order>,
    stops: Vec<(Arc<str>, Stop)>,
    fails: Option<DriverFault>,
    holder: Option<String>,
    /// Who does not end when asked.
    is_stubborn: bool,
    /// How often it was asked what is used, and whether it panics the next time.
    usages: usize,
    panics: bool,
    pids: u32,
}

#[derive(Debug)]
struct Instance {
    handle: String,
    address: SocketAddr,
    listening: AbortHandle,
    over: watch::Sender<bool>,
}

impl Engine {
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.lock().orders.clone()
    }

    pub(crate) fn stops(&self) -> Vec<(Arc<str>, Stop)> {
        self.lock().stops.clone()
    }

    pub(crate) fn running(&self) -> Vec<Arc<str>> {
        self.lock().running.keys().cloned().collect()
    }

    /// Starts fail from now on, or do not any more.
    pub(crate) fn fails(&self, fault: Option<DriverFault>) {
        self.lock().fails = fault;
    }

    pub(crate) fn is_led_by(&self, holder: &str) {
        self.lock().holder = Some(holder.to_owned());
    }

    pub(crate) fn is_stubborn(&self) {
        self.lock().is_stubborn = true;
    }

    /// The next question after what is used is answered by a panic.
    pub(crate) fn panics_once(&self) {
        self.lock().panics = true;
    }

    pub(crate) fn usages(&self) -> usize {
        self.lock().usages
    }

    /// It ends by itself.
    pub(crate) fn crash(&self, id: &str) {
        if let Some(instance) = self.lock().running.remove(id) {
            instance.end();
        }
    }

    /// It goes on, and answers nobody.
    pub(crate) fn hang(&self, id: &str) {
        self.lock().running[id].listening.abort();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, order: &Order) -> Result<Started, DriverFault> {
        self.lock().orders.push(order.clone());
        if let Some(fault) = self.lock().fails.clone() {
            return Err(fault);
        }
        let listener = TcpListener::bind(("127.0.0.1", order.port.unwrap_or(0)))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let listening = tokio::spawn(async move {
            loop {
                let _ = listener.accept().await;
            }
        });
        let mut state = self.lock();
        state.pids += 1;
        let handle = format!("pid {}", state.pids);
        let instance = Instance {
            handle: handle.clone(),
            address,
            listening: listening.abort_handle(),
            over: watch::Sender::new(false),
        };
        state.running.insert(Arc::clone(&order.id), instance);
        Ok(Started {
            handle,
            address: Some(address),
        })
    }

    async fn until_over(&self, id: &str) {
        let over = self
            .lock()
            .running
            .get(id)
            .map(|instance| instance.over.subscribe());
        if let Some(mut over) = over {
            let _ = over.wait_for(|is_over| *is_over).await;
        }
    }
}

impl Instance {
    fn end(self) {
        self.listening.abort();
        self.over.send_replace(true);
    }
}

impl Driver for Engine {
    fn start<'a>(&'a self, order: &'a Order) -> Pending<'a, Result<Started, DriverFault>> {
        Box::pin(self.begin(order))
    }

    fn stop<'a>(&'a self, instance: &'a Found, how: Stop) -> Pending<'a, Result<(), DriverFault>> {
        let mut state = self.lock();
        state.stops.push((Arc::clone(&instance.id), how));
        let goes = how == Stop::Kill || !state.is_stubborn;
        if goes && let Some(instance) = state.running.remove(&instance.id) {
            instance.end();
        }
        Box::pin(async { Ok(()) })
    }

    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>> {
        let found = self
            .lock()
            .running
            .iter()
            .map(|(id, instance)| Found {
                id: Arc::clone(id),
                handle: instance.handle.clone(),
                address: Some(instance.address),
                state: FoundState::Running,
                age: Some(Duration::from_secs(60)),
            })
            .collect();
        Box::pin(async { Ok(found) })
    }

    fn ended<'a>(&'a self, instance: &'a Found) -> Pending<'a, Ended> {
        Box::pin(async {
            self.until_over(&instance.id).await;
            Ended {
                how: "exited with 1".to_owned(),
                last_words: String::new(),
            }
        })
    }

    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>> {
        let mut state = self.lock();
        state.usages += 1;
        let panics = std::mem::take(&mut state.panics);
        drop(state);
        let usage = Usage {
            memory_bytes: Some(1 << 20),
            ..Usage::default()
        };
        Box::pin(async move {
            assert!(!panics, "on purpose");
            vec![usage; instances.len()]
        })
    }

    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>> {
        let mut state = self.lock();
        let holder = state.holder.get_or_insert_with(|| owner.to_owned());
        let answer = match holder == owner {
            true => Leadership::Ours,
            false => Leadership::Theirs(holder.clone()),
        };
        Box::pin(async { Ok(answer) })
    }

    fn resign<'a>(&'a self, owner: &'a str) -> Pending<'a, ()> {
        let mut state = self.lock();
        if state.holder.as_deref() == Some(owner) {
            state.holder = None;
        }
        Box::pin(async {})
    }
}

/// What an order's environment and so on say, by name.
pub(crate) fn env(order: &Order) -> HashMap<&str, &str> {
    order
        .env
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}
