//! Copies of requests that are sent to another pool too, and whose answers are dropped. The client's request waits for
//! none of it.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use portreeve_http1::{Framing, Head, HeadLimits, keeps_alive, parse_response, response_framing};
use portreeve_model::{Ask, Cause, Lease, Policies, Pool, Suspicions, Tried};

use super::answered::{skip_body, whole_head};
use super::call::Call;
use super::download::promised;
use super::turn::Turn;
use super::{note_failure, note_unreachable, reach};
use crate::body::Body;
use crate::conn::Conn;
use crate::patience::Patience;
use crate::request::Tunnel;
use crate::serve::client::Client;
use crate::worker::Worker;

/// Sends a copy of the request if the route wants one of it. What cannot be copied, and what there is no room for, is
/// counted and left.
pub(super) fn mirror(call: &Call<'_>, client: &Client) {
    let worker = &client.worker;
    let Some(pool) = call.route.mirrors(worker.dice()) else {
        return;
    };
    let has_room = worker.mirrors.get() < COPIES_MAX;
    match has_room.then(|| Copy::of(call, pool, client)).flatten() {
        Some(copy) => {
            pool.shared.mirrored.fetch_add(1, Relaxed);
            worker.mirrors.set(worker.mirrors.get() + 1);
            tokio::task::spawn_local(copy.run(Rc::clone(worker)));
        }
        None => {
            pool.shared.mirror_dropped.fetch_add(1, Relaxed);
        }
    }
}

/// One request as another backend gets it.
struct Copy {
    pool: Arc<Pool>,
    lease: Lease,
    policies: Policies,
    method: Vec<u8>,
    bytes: Vec<u8>,
    limits: HeadLimits,
    suspicions: Arc<Suspicions>,
}

impl Copy {
    /// Of a request whose body is empty or there already, if a backend has room for it.
    fn of(call: &Call<'_>, pool: &Arc<Pool>, client: &Client) -> Option<Self> {
        let request = call.request();
        if request.tunnel != Tunnel::None || request.expects_continue() {
            return None;
        }
        let body = match request.framing {
            Framing::Empty => &[],
            Framing::Exact(length) => client.conn.input().get(..usize::try_from(length).ok()?)?,
            Framing::Chunked | Framing::UntilClose => return None,
        };
        let group = call.route.demanded(pool, call.view).ok()?;
        let ask = Ask {
            key: group.key(call.view),
            dice: client.worker.dice(),
            tried: &Tried::default(),
            now: client.worker.now(),
            sticky: None,
        };
        let lease = group.pick(&ask).ok()?;
        let mut bytes = Vec::new();
        call.write_head(lease.backend(), &mut bytes);
        bytes.extend_from_slice(body);
        Some(Self {
            pool: Arc::clone(pool),
            policies: group.policies().clone(),
            lease,
            method: request.method().to_vec(),
            bytes,
            limits: call.response_limits(),
            suspicions: Arc::clone(&call.listener.suspicions),
        })
    }

    async fn run(self, worker: Rc<Worker>) {
        let pool = Arc::clone(&self.pool);
        let mut turn = Turn::new(self.lease, &pool, &worker);
        let begun = Instant::now();
        let sent = Sent {
            pool: &pool,
            policies: &self.policies,
            method: &self.method,
            limits: &self.limits,
            suspicions: &self.suspicions,
            worker: &worker,
        };
        if let Err(cause) = sent.exchange(&mut turn, &self.bytes, begun).await {
            note_failure(&mut turn, Some(cause));
            pool.shared.mirror_dropped.fetch_add(1, Relaxed);
        }
        drop(turn);
        worker.mirrors.set(worker.mirrors.get() - 1);
    }
}

/// What is needed to send a copy and to read what comes back.
struct Sent<'a> {
    pool: &'a Arc<Pool>,
    policies: &'a Policies,
    method: &'a [u8],
    limits: &'a HeadLimits,
    suspicions: &'a Suspicions,
    worker: &'a Rc<Worker>,
}

impl Sent<'_> {
    async fn exchange(&self, turn: &mut Turn<'_>, bytes: &[u8], begun: Instant) -> Result<(), Cause> {
        let (limits, worker) = (&self.pool.limits, self.worker);
        let backend = Arc::clone(turn.backend());
        let kept = reach::kept(self.pool, &backend, worker, begun);
        let answered = match kept {
            Some(conn) => self.ask(conn, turn, bytes).await,
            None => Err(Cause::BackendClosed),
        };
        let (mut conn, mut length) = match answered {
            // It died while it waited, which is nobody's fault.
            Err(Cause::BackendClosed | Cause::BackendReset) => {
                let conn = reach::anew(self.pool, &backend, limits.connect_timeout, worker, None).await;
                let conn = conn.inspect_err(|cause| note_unreachable(&backend, *cause, self.suspicions))?;
                self.ask(conn, turn, bytes).await?
            }
            answered => answered?,
        };
        let mut head = Head::new();
        loop {
            let status = parse_response(&conn.input()[..length], self.limits, &mut head);
            conn.consume(length);
            let status = status.map_err(|_| Cause::MalformedResponse)?;
            if status.status >= 200 {
                turn.answered(status.status, begun.elapsed(), worker.now());
                let framing = response_framing(self.method, &status, &head);
                let framing = framing.map_err(|_| Cause::MalformedResponse)?;
                let stays = framing != Framing::UntilClose && keeps_alive(status.version, &head);
                self.finish(conn, framing, stays, turn, &head).await;
                return Ok(());
            }
            head.clear();
            length = self.next_head(&mut conn).await?;
        }
    }

    /// The connection, with a head of this length in its input.
    async fn ask(&self, mut conn: Conn, turn: &Turn<'_>, bytes: &[u8]) -> Result<(Conn, usize), Cause> {
        if !turn.lease().may_serve(self.policies) {
            return Err(Cause::NoBackend);
        }
        let mut patience = Patience::new(self.pool.limits.idle_timeout, None, None);
        let written = conn.write_all(bytes, &mut patience).await;
        // What cannot be said in HTTP/2 is no fault of the backend's.
        written.map_err(|_| conn.stream.fault().unwrap_or(Cause::BackendReset))?;
        let length = self.next_head(&mut conn).await?;
        Ok((conn, length))
    }

    async fn next_head(&self, conn: &mut Conn) -> Result<usize, Cause> {
        let patience = Patience::new(self.pool.limits.first_byte_timeout, None, None);
        whole_head(conn, self.limits, patience, self.worker).await
    }

    /// The answer is dropped; the connection may serve others.
    async fn finish(&self, mut conn: Conn, framing: Framing, stays: bool, turn: &Turn<'_>, head: &Head) {
        let (limits, worker) = (&self.pool.limits, self.worker);
        let patience = Patience::new(limits.idle_timeout, None, None);
        let is_read = skip_body(&mut conn, Body::new(framing), patience, worker).await;
        if is_read && stays && limits.keep_alive && conn.input().is_empty() {
            let now = Instant::now();
            worker.idle.put(turn.backend(), conn, limits, promised(head), now);
        }
    }
}

/// Copies under way at once in one thread.
const COPIES_MAX: u32 = 256;
