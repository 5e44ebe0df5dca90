//! A second attempt beside one that takes long: whichever answers first is passed on, the other is cut.

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use portreeve_model::Cause;

use super::answered::whole_head;
use super::call::Call;
use super::exchange::Exchange;
use super::turn::Turn;
use super::upload::Lost;
use super::wait::{End, Wait};
use super::{connect_anew, note_failure, reach};
use crate::conn::{Conn, Gone};
use crate::patience::Overdue;
use crate::record::Record;
use crate::serve::client::Client;
use crate::worker::Worker;

/// The length of the first head, which is then in the exchange's input, whoever sent it.
pub(super) async fn head<'a>(
    exchange: &mut Exchange<'_, 'a>,
    wait: &mut Wait,
    client: &mut Client,
    record: &mut Record<'_>,
) -> Result<usize, End> {
    let Some(delay) = delay(exchange.call, record) else {
        return exchange.head(wait, client).await;
    };
    if let Some(answered) = first_of(exchange.head(wait, client), tokio::time::sleep(delay)).await {
        return answered;
    }
    match second(exchange, client, record) {
        Some(turn) => race(exchange, wait, client, turn, record).await,
        None => exchange.head(wait, client).await,
    }
}

/// How long to wait before; `None`: for ever. What is known of the pool's latency is looked up for each request.
fn delay(call: &Call<'_>, record: &Record<'_>) -> Option<Duration> {
    let plan = call.pool.plan().hedge?;
    if !call.is_replayable() || record.attempts >= call.pool.limits.attempts_max {
        return None;
    }
    let after = plan
        .after
        .or_else(|| call.pool.shared.latencies.p95(record.now()))?;
    Some(after.max(plan.after_min))
}

/// Who is asked beside the first, if anybody is left and the budget pays.
fn second<'a>(exchange: &Exchange<'_, 'a>, client: &Client, record: &Record<'_>) -> Option<Turn<'a>> {
    let turn = exchange.another_turn(&client.worker, record)?;
    exchange.call.pays(&client.worker).then_some(turn)
}

async fn race<'a>(
    exchange: &mut Exchange<'_, 'a>,
    wait: &mut Wait,
    client: &mut Client,
    turn: Turn<'a>,
    record: &mut Record<'_>,
) -> Result<usize, End> {
    let (call, worker) = (exchange.call, client.worker.clone());
    call.pool.shared.hedges.fetch_add(1, Relaxed);
    record.hedged();
    let begun = record.elapsed();
    exchange.hedged(&turn);
    let mut second = pin!(ask(call, turn, &worker));
    let mut is_second_left = true;
    let won = {
        let mut first = pin!(exchange.head(wait, client));
        let poll =
            |context: &mut Context<'_>| poll_both(context, &mut first, &mut second, &mut is_second_left);
        std::future::poll_fn(poll).await
    };
    let won = match won {
        Won::First(Err(end)) if is_second_left && is_of_backend(&end) => {
            let won = second_alone(second, end, client).await;
            if let Won::Second(_) = won {
                exchange.first_failed();
            }
            won
        }
        won => won,
    };
    match won {
        Won::First(answered) => answered,
        Won::Second(answer) => {
            call.pool.shared.hedges_won.fetch_add(1, Relaxed);
            record.hedge_won(answer.turn.lease(), begun);
            exchange.take_over(answer.turn, answer.conn);
            Ok(answer.length)
        }
    }
}

enum Won<'a> {
    First(Result<usize, End>),
    Second(Box<Answer<'a>>),
}

/// A head that the second has sent.
struct Answer<'a> {
    turn: Turn<'a>,
    conn: Conn,
    length: usize,
}

/// Which of the two has answered. A second that fails leaves it to the first.
fn poll_both<'a>(
    context: &mut Context<'_>,
    first: &mut Pin<&mut impl Future<Output = Result<usize, End>>>,
    second: &mut Pin<&mut impl Future<Output = Option<Answer<'a>>>>,
    is_second_left: &mut bool,
) -> Poll<Won<'a>> {
    if let Poll::Ready(answered) = first.as_mut().poll(context) {
        return Poll::Ready(Won::First(answered));
    }
    if *is_second_left && let Poll::Ready(answer) = second.as_mut().poll(context) {
        *is_second_left = false;
        if let Some(answer) = answer {
            return Poll::Ready(Won::Second(Box::new(answer)));
        }
    }
    Poll::Pending
}

/// Whether the other may still answer: neither the client has left nor is all the time over.
fn is_of_backend(end: &End) -> bool {
    match end {
        End::BackendClosed | End::BackendReset | End::Malformed(_) => true,
        End::Overdue(overdue) => *overdue != Overdue::Total,
        End::Lost(lost) => matches!(lost, Lost::Untouched),
        End::ClientLeft => false,
    }
}

/// The first has failed and leaves it to the second; what the first failed of is told if that fails too.
async fn second_alone<'a>(
    mut second: Pin<&mut impl Future<Output = Option<Answer<'a>>>>,
    end: End,
    client: &mut Client,
) -> Won<'a> {
    let answer = std::future::poll_fn(|context| match second.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Ok(answer)),
        Poll::Pending => client.conn.poll_gone(context).map(Err),
    });
    match answer.await {
        Ok(Some(answer)) => Won::Second(Box::new(answer)),
        Ok(None) => Won::First(Err(end)),
        Err(Gone) => Won::First(Err(End::ClientLeft)),
    }
}

/// `None` if it comes to nothing.
async fn ask<'a>(call: &Call<'_>, mut turn: Turn<'a>, worker: &Rc<Worker>) -> Option<Answer<'a>> {
    match answered(call, &turn, worker).await {
        Ok((conn, length)) => Some(Answer { turn, conn, length }),
        Err(cause) => {
            note_failure(&mut turn, Some(cause));
            None
        }
    }
}

async fn answered(call: &Call<'_>, turn: &Turn<'_>, worker: &Rc<Worker>) -> Result<(Conn, usize), Cause> {
    let backend = turn.backend();
    if let Some(conn) = reach::kept(call.pool, backend, worker, Instant::now()) {
        match answered_on(conn, call, turn, worker).await {
            // It died while it waited, which is nobody's fault.
            Err(Cause::BackendClosed | Cause::BackendReset) => reach::forget(backend, worker),
            answered => return answered,
        }
    }
    let conn = connect_anew(call, backend, worker, None).await?;
    answered_on(conn, call, turn, worker).await
}

async fn answered_on(
    mut conn: Conn,
    call: &Call<'_>,
    turn: &Turn<'_>,
    worker: &Rc<Worker>,
) -> Result<(Conn, usize), Cause> {
    if !call.group.admits(turn.lease()) {
        return Err(Cause::NoBackend);
    }
    let mut out = worker.take_line();
    call.write_head(turn.backend(), &mut out);
    let sent = conn.write_all(&out, &mut call.backend_moves()).await;
    worker.give_line(out);
    sent.map_err(|_| Cause::BackendReset)?;
    let length = whole_head(&mut conn, &call.response_limits(), call.backend_answers(), worker).await?;
    Ok((conn, length))
}

/// What comes of `one`, unless `other` is over first.
async fn first_of<T>(one: impl Future<Output = T>, other: impl Future<Output = ()>) -> Option<T> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => other.as_mut().poll(context).map(|()| None),
    })
    .await
}
