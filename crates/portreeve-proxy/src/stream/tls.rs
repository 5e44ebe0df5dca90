//! A connection within TLS: rustls over the wire, with no task and no buffer of its own but what rustls holds.
//!
//! Bytes are read from the wire into the thread's scratch, given to rustls slice by slice, and what it has decrypted is
//! taken out before the next slice goes in: so it never holds more plaintext than one record.

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use portreeve_tls::Trust;
use rustls::Connection;
use tokio::io::AsyncWrite as _;

use super::wire::Wire;

/// A connection within TLS.
pub(crate) struct Tls {
    wire: Wire,
    session: Connection,
    /// Decrypted bytes that rustls still holds.
    plain_left: usize,
    /// Whether the peer has said that it sends no more (`close_notify`).
    is_over: bool,
    /// Whether the kernel had no room for all that was taken.
    is_behind: bool,
    end: End,
    /// What broke it, if that is still to be told.
    failed: Option<Box<rustls::Error>>,
    /// What made the backend at the other end one to be believed; a client's is its peer's.
    trust: Option<Arc<Trust>>,
}

/// How far our own side is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// `close_notify` is on its way; what stands under it is to be shut then.
    Closing,
    Shut,
    /// There is none that the peer could take for a proper one.
    Broken,
}

impl Tls {
    /// The handshake may still be under way; then [`poll_shake`](Self::poll_shake) or its steps come first.
    pub(crate) fn new(wire: Wire, session: impl Into<Connection>) -> Self {
        Self {
            wire,
            session: session.into(),
            plain_left: 0,
            is_over: false,
            is_behind: false,
            end: End::Open,
            failed: None,
            trust: None,
        }
    }

    /// The same, to a backend that is believed because of this.
    pub(crate) fn standing_on(mut self, trust: Arc<Trust>) -> Self {
        self.trust = Some(trust);
        self
    }

    /// What it stands on, if that is known.
    pub(crate) fn trust(&self) -> Option<&Arc<Trust>> {
        self.trust.as_ref()
    }

    /// What it stands on.
    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// What was agreed on.
    pub(crate) fn session(&self) -> &Connection {
        &self.session
    }

    /// Does the handshake to its end.
    pub(crate) fn poll_shake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            ready!(self.poll_flush(context))?;
            ready!(self.poll_receive(context))?;
            self.shake().map_err(into_io)?;
        }
        self.poll_flush(context)
    }

    /// Receives some more of the handshake, without a look at it.
    pub(crate) fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = Synchronous(&mut self.wire, context);
        match self.session.read_tls(&mut wire) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Looks at what was received of the handshake: the costly part of it. After an error the alert that tells of it has
    /// been sent, if it could be at once.
    pub(crate) fn shake(&mut self) -> Result<(), rustls::Error> {
        let processed = self.process();
        if processed.is_err() {
            self.try_send();
        }
        processed
    }

    /// Reads some bytes; 0 is the end that the peer has said (`close_notify`). An end that it has not said is an error:
    /// somebody on the way may have cut what it sent.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.end == End::Closing {
            // Its failure shows here too.
            let _ = self.poll_flush(context);
        }
        if self.plain_left > 0 || room.is_empty() {
            return Poll::Ready(self.take_plain(room));
        }
        if let Some(failed) = self.failed.take() {
            return Poll::Ready(Err(into_io(*failed)));
        }
        for _ in 0..READS_A_TURN {
            if self.is_over {
                return Poll::Ready(Ok(0));
            }
            let count = ready!(self.poll_decrypt(context, room))?;
            if count > 0 {
                return Poll::Ready(Ok(count));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether there may be something to read; costs no system call.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_settled() {
            return Poll::Ready(());
        }
        self.wire.poll_readable(context)
    }

    /// Takes some bytes, which are encrypted at once; what the kernel has no room for waits here until `poll_flush`.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_behind {
            ready!(self.poll_flush(context))?;
        }
        let taken = &bytes[..bytes.len().min(WRITE_MAX)];
        let count = self.session.writer().write(taken)?;
        match self.poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    /// Ready once the kernel has all that was taken.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Synchronous(&mut self.wire, context)) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_behind = true;
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.is_behind = false;
        if self.end == End::Closing {
            self.end = End::Shut;
            self.wire.shut_write();
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what fits at once.
    pub(crate) fn send_now(&mut self, bytes: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        let _ = self.poll_write(&mut context, bytes);
    }

    /// Says that nothing more will be written: within TLS, and under it once that is on its way.
    pub(crate) fn shut_write(&mut self) {
        if self.end == End::Open {
            self.end = End::Closing;
            self.session.send_close_notify();
            self.try_send();
        }
    }

    /// Has the coming end show that something is missing.
    pub(crate) fn reset_on_close(&mut self) {
        self.end = End::Broken;
        self.wire.reset_on_close();
    }

    /// Whether the peer has closed or broken it, even if bytes of it are unread.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.is_over || self.wire.is_hung_up()
    }

    /// Whether the peer is still there and silent. What may be a ticket for a later session is not taken for silence: it
    /// would have to be decrypted to know.
    pub(crate) fn is_silent(&self) -> bool {
        !self.is_settled() && self.wire.peek_now(&mut [0; 1]).is_none()
    }

    /// Whether what a read would say is known without the wire.
    fn is_settled(&self) -> bool {
        self.plain_left > 0 || self.is_over || self.failed.is_some()
    }

    /// Reads once from the wire, and decrypts into `room` what there is; 0 if that was no data.
    fn poll_decrypt(&mut self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let most = room.len().clamp(1, scratch.len());
            let count = ready!(self.wire.poll_read_some(context, &mut scratch[..most]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            Poll::Ready(self.decrypt(&scratch[..count], room))
        })
    }

    fn decrypt(&mut self, mut received: &[u8], room: &mut [u8]) -> io::Result<usize> {
        let was_long = received.len() > SLICE;
        let mut filled = 0;
        while !received.is_empty() && !self.is_over {
            self.session.read_tls(&mut received)?;
            if let Err(error) = self.process() {
                self.try_send();
                if filled == 0 && self.plain_left == 0 {
                    return Err(into_io(error));
                }
                self.failed = Some(Box::new(error));
                break;
            }
            filled += self.take_plain(&mut room[filled..])?;
        }
        if was_long {
            // Nothing is read by this, but rustls gives back what a long record had needed.
            let _ = self.session.read_tls(&mut Nothing);
        }
        Ok(filled)
    }

    fn process(&mut self) -> Result<(), rustls::Error> {
        let state = self.session.process_new_packets()?;
        self.plain_left = state.plaintext_bytes_to_read();
        self.is_over = state.peer_has_closed();
        Ok(())
    }

    fn take_plain(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.plain_left == 0 || room.is_empty() {
            return Ok(0);
        }
        let count = self.session.reader().read(room)?;
        self.plain_left -= count;
        Ok(count)
    }

    /// Sends what fits at once.
    fn try_send(&mut self) {
        let _ = self.poll_flush(&mut Context::from_waker(Waker::noop()));
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        if self.end == End::Open && self.failed.is_none() && !self.session.is_handshaking() {
            self.session.send_close_notify();
            self.try_send();
        }
    }
}

fn into_io(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The wire as rustls wants it: what would have to be waited for is an error.
struct Synchronous<'a, 'b, 'c>(&'a mut Wire, &'b mut Context<'c>);

impl io::Read for Synchronous<'_, '_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        now(self.0.poll_read_some(self.1, room))
    }
}

impl io::Write for Synchronous<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        now(Pin::new(&mut *self.0).poll_write(self.1, bytes))
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match parts {
            [one] => self.write(one),
            several => now(Pin::new(&mut *self.0).poll_write_vectored(self.1, several)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn now<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// A source that has nothing, though it has not ended.
struct Nothing;

impl io::Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

thread_local! {
    /// Where bytes lie between the wire and rustls.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into());
}

const SCRATCH_BYTES: usize = 32 * 1024;
/// What rustls takes in one go.
const SLICE: usize = 4 * 1024;
/// Bytes that are encrypted in one go: what a slow peer has us hold beside the buffer they come from.
const WRITE_MAX: usize = 32 * 1024;
/// Reads in a row that bring no data, before the others have their turn.
const READS_A_TURN: u32 = 8;

/// Whether it says that the peer closed the connection without ending TLS first, as many do that give up.
pub(crate) fn is_unended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}
