//! How many connections a listener holds: in all, and from one address. Shared by the workers; touched once when a
//! connection comes and once when it goes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use portreeve_model::{Cause, Listener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of one listener.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    /// How many places there are; moved by a reload.
    size: Mutex<usize>,
    /// Places that are taken beyond the size; not given again when they come back.
    excess: AtomicUsize,
    waiting: Arc<Semaphore>,
    clients: Mutex<HashMap<IpAddr, u32>>,
}

/// One place; given back on drop.
pub(crate) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    slots: Arc<Slots>,
    client: Option<Counted>,
}

impl Slot {
    /// Counts it for `client`, which is known only now.
    pub(crate) fn count_for(&mut self, client: Option<IpAddr>, listener: &Listener) -> Result<(), Cause> {
        self.client = self.slots.count(client, listener)?;
        Ok(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let is_excess = self
            .slots
            .excess
            .fetch_update(Relaxed, Relaxed, |excess| excess.checked_sub(1))
            .is_ok();
        if let Some(permit) = self.permit.take().filter(|_| is_excess) {
            permit.forget();
        }
    }
}

impl Slots {
    pub(crate) fn new(size: u32) -> Arc<Self> {
        let size = size as usize;
        Arc::new(Self {
            all: Arc::new(Semaphore::new(size)),
            size: Mutex::new(size),
            excess: AtomicUsize::new(0),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            clients: Mutex::default(),
        })
    }

    /// Makes it `size` places; those beyond it that are taken are not taken away, only not given again.
    pub(crate) fn resize(&self, size: u32) {
        let mut known = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = size as usize;
        if wanted >= *known {
            let more = wanted - *known;
            let kept = self
                .excess
                .fetch_update(Relaxed, Relaxed, |excess| Some(excess.saturating_sub(more)))
                .unwrap_or(0);
            self.all.add_permits(more.saturating_sub(kept));
        } else {
            let fewer = *known - wanted;
            self.excess
                .fetch_add(fewer - self.all.forget_permits(fewer), Relaxed);
        }
        *known = wanted;
    }

    /// A place for a connection from `client`, if one is free now.
    pub(crate) fn take_now(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        listener: &Listener,
    ) -> Result<Slot, Cause> {
        let counted = self.count(client, listener)?;
        let permit = self
            .all
            .clone()
            .try_acquire_owned()
            .map_err(|_| Cause::ListenerFull)?;
        Ok(Slot {
            permit: Some(permit),
            slots: self.clone(),
            client: counted,
        })
    }

    /// A place for a connection from `client`, within the listener's `full_wait`.
    pub(crate) async fn take(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        listener: &Listener,
    ) -> Result<Slot, Cause> {
        let counted = self.count(client, listener)?;
        let _turn = self.waiting.try_acquire().map_err(|_| Cause::ListenerFull)?;
        match tokio::time::timeout(listener.limits.full_wait, self.all.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Slot {
                permit: Some(permit),
                slots: self.clone(),
                client: counted,
            }),
            _ => Err(Cause::ListenerFull),
        }
    }

    /// Those who connect for others are not counted themselves.
    fn count(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        listener: &Listener,
    ) -> Result<Option<Counted>, Cause> {
        let is_proxy = |ip| listener.trusted_proxies.contains(ip) || listener.proxy_protocol.contains(ip);
        let Some(ip) = client.filter(|ip| !is_proxy(*ip)) else {
            return Ok(None);
        };
        let Some(most) = listener.limits.connections_per_client_max else {
            return Ok(None);
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let count = clients.entry(ip).or_default();
        if *count >= most {
            return Err(Cause::TooManyFromClient);
        }
        *count += 1;
        Ok(Some(Counted(ip, self.clone())))
    }

    fn uncount(&self, ip: IpAddr) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = clients.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&ip);
            }
        }
    }
}

/// One connection counted for its address, until it is dropped.
struct Counted(IpAddr, Arc<Slots>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.uncount(self.0);
    }
}

/// Connections that may wait for a place at once; more are refused at once.
const WAITING_MAX: usize = 256;
