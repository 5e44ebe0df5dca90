//! Whose turn it is: a TLS handshake costs many times what a request does, and who begins many of them must not take the
//! thread from those who are served.
//!
//! The costly steps of all handshakes of a worker come one after the other. After a step that took t, the others get
//! t · (100 − share) / share of the thread before the next one, unless they have nothing to do: because no request is
//! under way, or because all of them wait, as rounds of the runtime show that were over at once. So the bound holds while there is other work, and costs nothing
//! while there is none. Handshakes that were begun go first: what was spent on them would be lost otherwise.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::queue::Queue;

/// The turns of one worker.
#[derive(Default)]
pub(crate) struct Pacer {
    /// Requests under way on the worker: the others.
    pub(crate) requests: Cell<u32>,
    /// Until when the thread is theirs.
    until: Cell<Option<Instant>>,
    /// Whether somebody sees to it that those who wait get their turn.
    is_paced: Cell<bool>,
    /// Whose next step may be done now.
    leave: Cell<Option<Stage>>,
    begun: Queue,
    new: Queue,
}

/// How far a handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    New,
    Begun,
}

/// The leave to do one step now, without a wait in it; dropped when it is done.
pub(super) struct Turn<'a> {
    pacer: &'a Pacer,
    since: Instant,
    share: u8,
}

impl Pacer {
    /// Waits for a turn; `share` is what handshakes may take of the thread, in percent.
    pub(super) async fn turn(self: &Rc<Self>, stage: Stage, share: u8) -> Turn<'_> {
        if self.is_paced.get() || self.is_others(Instant::now()) {
            self.wait(stage).await;
        }
        Turn {
            pacer: self,
            since: Instant::now(),
            share,
        }
    }

    async fn wait(self: &Rc<Self>, stage: Stage) {
        let ticket = self.queue(stage).join();
        if !self.is_paced.replace(true) {
            tokio::task::spawn_local(self.clone().pace());
        }
        std::future::poll_fn(|context| {
            if ticket.is_first(context) && self.leave.get() == Some(stage) {
                self.leave.set(None);
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Gives out turns until nobody waits for one.
    async fn pace(self: Rc<Self>) {
        loop {
            self.let_others().await;
            let stages = [Stage::Begun, Stage::New];
            let Some(stage) = stages.into_iter().find(|stage| !self.queue(*stage).is_empty()) else {
                break;
            };
            self.leave.set(Some(stage));
            while self.leave.get().is_some() && self.queue(stage).wake_first() {
                tokio::task::yield_now().await;
            }
            self.leave.set(None);
        }
        self.is_paced.set(false);
    }

    /// Until the others have had their time, or had nothing to do.
    async fn let_others(&self) {
        while self.is_others(Instant::now()) {
            let before = Instant::now();
            // Of those who yield, the runtime wakes the last one first: every other round we may be before all others.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            if before.elapsed() < IDLE_ROUND {
                self.until.set(None);
            }
        }
    }

    fn is_others(&self, now: Instant) -> bool {
        self.requests.get() > 0 && self.until.get().is_some_and(|until| now < until)
    }

    fn queue(&self, stage: Stage) -> &Queue {
        match stage {
            Stage::New => &self.new,
            Stage::Begun => &self.begun,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let (now, share) = (Instant::now(), u32::from(self.share.clamp(1, 100)));
        let theirs = (now - self.since) * (100 - share) / share;
        self.pacer.until.set(Some(now + theirs));
    }
}

/// Two rounds of the runtime that took less than this had nobody's request in them: looking for events alone takes some
/// microseconds, and a request many.
const IDLE_ROUND: Duration = Duration::from_micros(15);

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the thread for so long.
    fn work(time: Duration) {
        let since = Instant::now();
        while since.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    async fn handshakes(pacer: Rc<Pacer>, spent: Rc<Cell<Duration>>, share: u8) {
        loop {
            let turn = pacer.turn(Stage::New, share).await;
            let since = Instant::now();
            work(Duration::from_micros(500));
            drop(turn);
            spent.set(spent.get() + since.elapsed());
            tokio::task::yield_now().await;
        }
    }

    async fn requests(done: Rc<Cell<Duration>>) {
        loop {
            let since = Instant::now();
            work(Duration::from_micros(50));
            done.set(done.get() + since.elapsed());
            tokio::task::yield_now().await;
        }
    }

    /// What handshakes and requests got of a thread's time.
    fn shares(share: u8, with_requests: bool) -> (f64, f64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let pacer = Rc::<Pacer>::default();
            let (spent, done) = (Rc::<Cell<Duration>>::default(), Rc::<Cell<Duration>>::default());
            for _ in 0..50 {
                tokio::task::spawn_local(handshakes(pacer.clone(), spent.clone(), share));
            }
            if with_requests {
                pacer.requests.set(1);
                tokio::task::spawn_local(requests(done.clone()));
            }
            let since = Instant::now();
            tokio::time::sleep(Duration::from_millis(400)).await;
            let all = since.elapsed().as_secs_f64();
            (spent.get().as_secs_f64() / all, done.get().as_secs_f64() / all)
        })
    }

    #[test]
    fn a_flood_leaves_running_requests_their_share() {
        let (handshakes, requests) = shares(50, true);
        assert!(
            handshakes < requests * 1.25 && requests > 0.35,
            "{handshakes} {requests}"
        );
        let (handshakes, requests) = shares(20, true);
        assert!(handshakes < requests * 0.4, "{handshakes} {requests}");
    }

    #[test]
    fn handshakes_have_a_thread_that_nobody_else_wants() {
        let (handshakes, _) = shares(10, false);
        assert!(handshakes > 0.6, "{handshakes}");
    }
}
