//! Connections to backends that wait for the next request, per worker. The last used is taken first: it is the one least likely to be closed, and its memory is warm.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use portreeve_model::plan::BackendLimits;
use portreeve_model::{Backend, BackendId};

use crate::conn::Conn;

/// The idle connections of one worker. The key is the backend's identity, never its address: a backend that changes gets a new one, and the connections of the old are dropped.
#[derive(Default)]
pub(crate) struct IdleConns {
    of: RefCell<HashMap<BackendId, Waiting, BuildHasherDefault<IdHasher>>>,
}

/// Those of one backend.
struct Waiting {
    backend: Arc<Backend>,
    conns: Vec<Idle>,
}

struct Idle {
    conn: Conn,
    expires: Instant,
}

impl IdleConns {
    /// The connection used last that is still good. One on which anything arrived since is not, nor one that was made under
    /// another trust than the one `wanted`.
    pub(crate) fn take(&self, backend: BackendId, wanted: Option<u64>, now: Instant) -> Option<Conn> {
        let mut of = self.of.borrow_mut();
        let waiting = of.get_mut(&backend)?;
        while let Some(mut idle) = waiting.conns.pop() {
            if idle.expires > now && idle.conn.stream.stands_for(wanted) && is_quiet(&mut idle.conn) {
                return Some(idle.conn);
            }
        }
        None
    }

    /// Keeps a connection after a response; `server_timeout` is what the backend says it will wait (`Keep-Alive: timeout=N`).
    pub(crate) fn put(
        &self,
        backend: &Arc<Backend>,
        mut conn: Conn,
        limits: &BackendLimits,
        server_timeout: Option<Duration>,
        now: Instant,
    ) {
        conn.read_timer.disarm();
        conn.write_timer.disarm();
        let own = limits.keep_alive_timeout;
        let wait = server_timeout.map_or(own, |theirs| own.min(theirs.saturating_sub(MARGIN)));
        if wait.is_zero() || backend.is_retired() || conn.stream.is_shared() || !lasts(&conn) {
            return;
        }
        let mut of = self.of.borrow_mut();
        let waiting = of.entry(backend.id).or_insert_with(|| Waiting {
            backend: Arc::clone(backend),
            conns: Vec::new(),
        });
        if waiting.conns.len() < limits.idle_connections_max as usize {
            waiting.conns.push(Idle {
                conn,
                expires: now + wait,
            });
        }
    }

    /// Drops all connections of a backend: one of them turned out to be dead, so it was probably restarted.
    pub(crate) fn forget(&self, backend: BackendId) {
        self.of.borrow_mut().remove(&backend);
    }

    /// Drops everything, to have file descriptors again.
    pub(crate) fn forget_all(&self) {
        self.of.borrow_mut().clear();
    }

    /// Drops what expired or was closed by the backend. Costs no system call.
    pub(crate) fn sweep(&self, now: Instant) {
        self.of.borrow_mut().retain(|_, waiting| {
            waiting
                .conns
                .retain_mut(|idle| idle.expires > now && is_quiet(&mut idle.conn));
            !waiting.conns.is_empty()
        });
    }

    /// Drops the connections that stand on what does not last.
    pub(crate) fn forget_passed(&self) {
        self.of.borrow_mut().retain(|_, waiting| {
            waiting.conns.retain(|idle| lasts(&idle.conn));
            !waiting.conns.is_empty()
        });
    }

    /// Drops the connections of backends that are no longer there.
    pub(crate) fn forget_retired(&self) {
        self.of
            .borrow_mut()
            .retain(|_, waiting| !waiting.backend.is_retired());
    }
}

/// Whether nothing has taken the place of what the connection stands on.
fn lasts(conn: &Conn) -> bool {
    conn.stream.trust().is_none_or(|trust| trust.lasts())
}

fn is_quiet(conn: &mut Conn) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(conn.poll_gone(&mut context), Poll::Pending) && conn.input().is_empty()
}

/// Backend ids are already unique numbers; one multiplication spreads them (Fibonacci hashing, Knuth).
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// How long before the backend's own timeout we stop using a connection.
const MARGIN: Duration = Duration::from_secs(1);
