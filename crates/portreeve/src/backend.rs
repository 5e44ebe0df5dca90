//! `portreeve backend`: a server of packets that registers itself.

mod answer;
mod arguments;
mod connections;
mod registrar;

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;

use portreeve_packet::Limits;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::end_signals::EndSignals;
use crate::failure::Failure;
use crate::{packet_stream, runtime, talk};
use answer::Identity;
use connections::Connections;
use registrar::Registrar;

pub(crate) use arguments::BackendArguments;

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn backend(arguments: BackendArguments) -> Result<ExitCode, Failure> {
    runtime::block_on(serve(arguments.or_by_environment()))??;
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: BackendArguments) -> Result<(), Failure> {
    let mut signals = EndSignals::new()?;
    let server = PacketServer::listen(&arguments).await?;
    talk::say(format_args!("listening on {}", server.address()));

    let answered = server.serve(|line| talk::say(line), signals.one()).await;
    let plural = if answered == 1 { "" } else { "s" };
    talk::say(format_args!("ended: {answered} request{plural} answered"));
    Ok(())
}

/// A server of packets that listens, and is about to register.
pub(crate) struct PacketServer {
    listener: TcpListener,
    address: SocketAddr,
    identity: Identity,
    limits: Limits,
    registrar: Registrar,
}

impl PacketServer {
    pub(crate) async fn listen(arguments: &BackendArguments) -> Result<Self, Failure> {
        let (listener, address) = listen(arguments).await?;
        Ok(Self {
            listener,
            address,
            identity: Identity::new(arguments),
            limits: packet_stream::limits(arguments.payload_bytes),
            registrar: Registrar::new(arguments, address)?,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests and stays registered until `ended`; `tell` hears when it is registered, or why it is not.
    /// Returns how many requests were answered.
    pub(crate) async fn serve(
        self,
        tell: impl Fn(fmt::Arguments<'_>),
        ended: impl Future<Output = ()>,
    ) -> u64 {
        let (stop, stopped) = watch::channel(());
        let connections = Connections::new(self.identity, self.limits, stopped);
        tokio::select! {
            () = connections.clone().accept(self.listener) => {}
            never = self.registrar.keep_registered(tell) => match never {},
            () = ended => {}
        }
        stop.send_replace(());
        connections.end().await
    }
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
