//! One stream: a request and its answer, served as on a connection of its own.

use std::cell::Cell;
use std::rc::Rc;

use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;

use crate::conn::Conn;
use crate::serve::answer;
use crate::serve::client::{Client, Peer};
use crate::serve::inbound::{self, NoRequest};
use crate::stream::Stream;
use crate::stream::inward::{Backlog, Held, Inward, tell};
use crate::worker::{Gate, Worker};

/// What all streams of a connection share.
pub(super) struct Shared {
    pub(super) peer: Rc<Peer>,
    pub(super) gate: Rc<Gate>,
    pub(super) worker: Rc<Worker>,
    /// Streams that are being served.
    pub(super) running: Cell<u32>,
    /// What of the answers waits for the client.
    pub(super) backlog: Rc<Backlog>,
}

/// Counts a stream for as long as it is served, however that ends.
pub(super) struct Running(Rc<Shared>);

impl Running {
    pub(super) fn begin(shared: &Rc<Shared>) -> Self {
        shared.running.set(shared.running.get() + 1);
        Self(shared.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}

/// A request that is to be served.
pub(super) struct Asked {
    pub(super) request: Request<RecvStream>,
    pub(super) respond: SendResponse<Held>,
    pub(super) running: Running,
}

/// Serves one request.
pub(super) async fn serve(asked: Asked) {
    let Asked {
        request,
        respond,
        running,
    } = asked;
    let Some(mut client) = client(request, respond, &running.0) else {
        return;
    };
    let listener = client.gate.listener();
    client.requests = 1;
    match inbound::read(&mut client, &listener.limits).await {
        Ok(request) => {
            answer::answer(&mut client, &listener, request).await;
        }
        Err(NoRequest::Gone) => {}
        Err(NoRequest::Refused(refusal)) => {
            answer::refuse_unread(&mut client, &listener, &refusal, false).await;
        }
    }
}

/// The stream as a connection whose first request has been read; a malformed one ends here.
fn client(request: Request<RecvStream>, mut respond: SendResponse<Held>, shared: &Shared) -> Option<Client> {
    let worker = &shared.worker;
    let (parts, body) = request.into_parts();
    let mut head = worker.take_line();
    let Ok(telling) = tell(&parts, body.is_end_stream(), &mut head) else {
        respond.send_reset(Reason::PROTOCOL_ERROR);
        return None;
    };
    let inward = Inward::new(telling, body, respond, &shared.backlog, worker);
    let mut conn = Conn::new(Stream::Inward(Box::new(inward)), &worker.wheel);
    conn.prepend(&head);
    worker.give_line(head);
    Some(Client::of_stream(
        conn,
        shared.peer.clone(),
        shared.gate.clone(),
        worker.clone(),
    ))
}
