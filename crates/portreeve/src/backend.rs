//! `portreeve backend`: a server of packets that registers itself.

mod answer;
mod arguments;
mod connections;
mod registrar;

use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::{packet_stream, runtime, talk};
use answer::Identity;
use connections::Connections;
use registrar::Registrar;

pub(crate) use arguments::BackendArguments;

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn backend(arguments: BackendArguments) -> Result<ExitCode, Failure> {
    runtime::block_on(serve(arguments))??;
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: BackendArguments) -> Result<(), Failure> {
    let limits = packet_stream::limits(arguments.payload_bytes);
    let mut signals = Signals::new()?;
    let (listener, address) = listen(&arguments).await?;
    let registrar = Registrar::new(&arguments, address)?;
    talk::say(format_args!("listening on {address}"));

    let (stop, stopped) = watch::channel(());
    let connections = Connections::new(Identity::new(&arguments), limits, stopped);
    let served = connections.clone();
    tokio::select! {
        () = served.accept(listener) => {}
        never = registrar.keep_registered() => match never {},
        () = signals.one() => {}
    }
    stop.send_replace(());
    let answered = connections.end().await;
    let plural = if answered == 1 { "" } else { "s" };
    talk::say(format_args!("ended: {answered} request{plural} answered"));
    Ok(())
}

async fn listen(arguments: &BackendArguments) -> Result<(TcpListener, SocketAddr), Failure> {
    let bind = arguments.listen.bind(&arguments.proxy);
    let bound = async {
        let listener = TcpListener::bind(&bind).await?;
        Ok::<_, std::io::Error>((listener.local_addr()?, listener))
    };
    match bound.await {
        Ok((address, listener)) => Ok((listener, address)),
        Err(error) => Err(Failure::failed(format_args!("cannot listen on {bind}: {error}"))),
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let one = |kind| {
            signal(kind).map_err(|error| Failure::failed(format_args!("cannot wait for signals: {error}")))
        };
        Ok(Self {
            interrupt: one(SignalKind::interrupt())?,
            terminate: one(SignalKind::terminate())?,
        })
    }

    /// Returns when one of them comes.
    async fn one(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
