//! `portreeve send`: a client of the packet protocol.

mod answer;
mod arguments;
mod packet_file;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use portreeve_packet::{Request, payload_sha1};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::packet_stream::{self, PacketStream};
use crate::{output, runtime, talk};
use answer::Answer;

pub(crate) use arguments::SendArguments;

/// Sends one packet, and judges the acknowledgement by its own digest of the payload.
pub(crate) fn send(arguments: &SendArguments) -> Result<ExitCode, Failure> {
    let request = packet_file::read(&arguments.file)?;
    let expected = payload_sha1(request.payload());
    let mut retries = Retries::new(arguments);
    loop {
        match runtime::block_on(ask(&request, arguments))?? {
            Answer::Acknowledged { digest } if digest == expected => {
                return output::print(&"Transmission successfully received by server");
            }
            Answer::Acknowledged { digest } => {
                talk::say(format_args!(
                    "the server received something else: its SHA-1 is {digest:?}, that of the payload {expected:?}"
                ));
                if !retries.another()? {
                    return Err(Failure::failed("transmission failed"));
                }
            }
            Answer::Refused { packet, reason } => {
                output::print(&packet)?;
                return Err(Failure::failed(reason));
            }
        }
    }
}

/// One exchange on a connection of its own.
async fn ask(request: &Request, arguments: &SendArguments) -> Result<Answer, Failure> {
    let SendArguments {
        proxy,
        timeout: patience,
        ..
    } = arguments;
    let exchange = async {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Failure::failed(format_args!("{what} {proxy}: {error}"))
        };
        let stream = TcpStream::connect(proxy.as_str())
            .await
            .map_err(|error| failed("cannot connect to", &error))?;
        let mut packets = PacketStream::new(stream, packet_stream::limits(request.payload().len()));
        packets
            .send(request.raw())
            .await
            .map_err(|error| failed("cannot send to", &error))?;
        match packets.next().await {
            Ok(Some(packet)) => {
                Answer::read(&packet).map_err(|fault| failed("no answer to a request came from", &fault))
            }
            Ok(None) => Err(Failure::failed(format_args!("{proxy} closed without an answer"))),
            Err(broken) => Err(failed("cannot read the answer of", &broken)),
        }
    };
    let late = || {
        Failure::failed(format_args!(
            "no answer from {proxy} within {} ms",
            patience.as_millis()
        ))
    };
    timeout(*patience, exchange).await.unwrap_or_else(|_| Err(late()))
}

/// Whether to try again after a mismatch: as often as `--retry` says, or as the one at the terminal does.
struct Retries {
    left: Option<u32>,
    may_ask: bool,
}

impl Retries {
    fn new(arguments: &SendArguments) -> Self {
        Self {
            left: arguments.retry,
            may_ask: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    fn another(&mut self) -> Result<bool, Failure> {
        match &mut self.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.may_ask => ask_person(),
            None => Ok(false),
        }
    }
}

fn ask_person() -> Result<bool, Failure> {
    let mut answer = String::new();
    let mut stderr = io::stderr();
    let asked = stderr
        .write_all(b"portreeve: try again? [y/N] ")
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().read_line(&mut answer));
    asked.map_err(|error| Failure::failed(format_args!("cannot ask whether to try again: {error}")))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
