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
use super::connect::connect;
use super::exchange::Exchange;
use super::turn::Turn;
use super::wait::{End, Wait};
use crate::conn::Conn;
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
    let won = {
        let mut first = pin!(exchange.head(wait, client));
        let mut second = pin!(ask(call, turn, &worker));
        std::future::poll_fn(|context| poll_both(context, &mut first, &mut second)).await
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
    Second(Answer<'a>),
}

/// A head that the second has sent.
struct Answer<'a> {
    turn: Turn<'a>,
    conn: Conn,
    length: usize,
}

/// One that fails leaves it to the other; what the first fails of is what is told.
fn poll_both<'a>(
    context: &mut Context<'_>,
    first: &mut Pin<&mut impl Future<Output = Result<usize, End>>>,
    second: &mut Pin<&mut impl Future<Output = Option<Answer<'a>>>>,
) -> Poll<Won<'a>> {
    if let Poll::Ready(answered) = first.as_mut().poll(context) {
        return Poll::Ready(Won::First(answered));
    }
    match second.as_mut().poll(context) {
        Poll::Ready(Some(answer)) => Poll::Ready(Won::Second(answer)),
        Poll::Ready(None) | Poll::Pending => Poll::Pending,
    }
}

/// `None`, and then for ever pending, if it comes to nothing: the first is all there is then.
async fn ask<'a>(call: &Call<'_>, mut turn: Turn<'a>, worker: &Rc<Worker>) -> Option<Answer<'a>> {
    match answered(call, &turn, worker).await {
        Ok((conn, length)) => Some(Answer { turn, conn, length }),
        Err(_) => {
            turn.failed();
            drop(turn);
            std::future::pending().await
        }
    }
}

async fn answered(call: &Call<'_>, turn: &Turn<'_>, worker: &Rc<Worker>) -> Result<(Conn, usize), Cause> {
    let backend = turn.backend();
    let mut conn = match worker.idle.take(backend.id, Instant::now()) {
        Some(conn) => conn,
        None => {
            connect(
                backend,
                call.time_left(call.pool.limits.connect_timeout),
                worker,
                None,
            )
            .await?
        }
    };
    if !call.group.admits(turn.lease()) {
        return Err(Cause::NoBackend);
    }
    let mut out = worker.take_line();
    call.write_head(backend, &mut out);
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
