use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::time::Duration;

use portreeve_packet::{Fault, Limits, NewSetup, SetupAnswer, parse, parse_setup_answer};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::arguments::BackendArguments;
use crate::failure::Failure;
use crate::packet_stream::{Broken, PacketStream};
use crate::peer_address::PeerAddress;

/// Keeps this server registered under each of its policies.
pub(super) struct Registrar {
    proxy: PeerAddress,
    /// One setup packet for each policy.
    setups: Vec<Vec<u8>>,
    /// What to call it.
    title: String,
    ttl: Option<Duration>,
}

/// Why a registration did not come about.
#[derive(Debug)]
enum Trouble {
    Unreachable(io::Error),
    Refused {
        code: String,
        detail: String,
    },
    /// What came is no answer to a registration.
    Strange(Fault),
    Silent,
}

impl Registrar {
    /// # Errors
    /// When the arguments make no sound packet.
    pub(super) fn new(arguments: &BackendArguments, address: SocketAddr) -> Result<Self, Failure> {
        let token = arguments.token.as_ref().map(|token| &*token.0);
        let setup = |policy: &String| {
            let mut packet = Vec::new();
            let setup = NewSetup {
                host: arguments.host.as_deref(),
                token,
                ttl_ms: arguments.ttl.ms(),
                ..NewSetup::new(&arguments.id, policy, address.port())
            };
            setup.write(&mut packet);
            parse(&packet, &Limits::default()).map_err(|fault| Failure::usage(as_flag(&fault.detail)))?;
            Ok(packet)
        };
        Ok(Self {
            proxy: arguments.proxy.clone(),
            setups: arguments.policy.iter().map(setup).collect::<Result<_, _>>()?,
            title: format!("{} for {}", arguments.id, arguments.policy.join(", ")),
            ttl: arguments.ttl.0,
        })
    }

    /// Registers, renews, and begins anew with longer and longer pauses after anything that went wrong. Tells so when
    /// that changes, not each time.
    pub(super) async fn keep_registered(&self, tell: impl Fn(fmt::Arguments<'_>)) -> Infallible {
        let mut told = None;
        let pause_max = self.renewal().map_or(PAUSE_MAX, |renewal| renewal.min(PAUSE_MAX));
        let mut pause = PAUSE_MIN;
        loop {
            let outcome = self.register().await;
            let standing = outcome.as_ref().err().map(mem::discriminant);
            if told.replace(standing) != Some(standing) {
                self.tell(&outcome, &tell);
            }
            match (outcome, self.renewal()) {
                (Ok(()), None) => return pending().await,
                (Ok(()), Some(renewal)) => {
                    pause = PAUSE_MIN;
                    sleep(renewal).await;
                }
                (Err(_), _) => {
                    sleep(pause).await;
                    pause = (2 * pause).min(pause_max);
                }
            }
        }
    }

    /// How long after a registration it is renewed.
    fn renewal(&self) -> Option<Duration> {
        Some(self.ttl? / RENEWALS_PER_TTL)
    }

    fn tell(&self, outcome: &Result<(), Trouble>, tell: &impl Fn(fmt::Arguments<'_>)) {
        let Self { title, proxy, .. } = self;
        match outcome {
            Ok(()) => tell(format_args!("registered {title} with {proxy}")),
            Err(trouble) => tell(format_args!(
                "cannot register {title} with {proxy}: {trouble}; trying again"
            )),
        }
    }

    /// Every policy is tried, whatever became of the ones before it; tells the first trouble.
    async fn register(&self) -> Result<(), Trouble> {
        let mut outcome = Ok(());
        for setup in &self.setups {
            let exchange = timeout(ANSWER_TIMEOUT, self.exchange(setup)).await;
            outcome = outcome.and(exchange.unwrap_or(Err(Trouble::Silent)));
        }
        outcome
    }

    /// One setup on a connection of its own. A proxy that closes without an answer has taken it: many do.
    async fn exchange(&self, setup: &[u8]) -> Result<(), Trouble> {
        let stream = TcpStream::connect(self.proxy.as_str()).await?;
        let mut packets = PacketStream::new(stream, Limits::default());
        packets.send(setup).await?;
        let Some(answer) = packets.next().await? else {
            return Ok(());
        };
        let _ = packets.close().await; // it may be gone already
        match parse_setup_answer(&answer, &Limits::default()).map_err(Trouble::Strange)? {
            SetupAnswer::Registered => Ok(()),
            SetupAnswer::Refused(refused) => Err(Trouble::Refused {
                code: refused.code().to_owned(),
                detail: refused.detail().to_owned(),
            }),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error)
    }
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Io(error) => Self::Unreachable(error),
            Broken::Fault(fault) => Self::Strange(fault),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => error.fmt(out),
            Self::Refused { code, detail } => write!(out, "it refuses: {code}: {detail}"),
            Self::Strange(fault) => write!(out, "its answer is none to a registration: {fault}"),
            Self::Silent => write!(out, "no answer within {} s", ANSWER_TIMEOUT.as_secs()),
        }
    }
}

/// A packet's fault, told by the flag that its field comes from.
fn as_flag(detail: &str) -> String {
    let flags = [
        ("privPolyId", "policy"),
        ("listenport", "listen"),
        ("ttl_ms", "ttl"),
    ];
    let (field, rest) = detail.split_once(':').unwrap_or((detail, ""));
    let flag = flags
        .iter()
        .find(|(name, _)| *name == field)
        .map_or(field, |(_, flag)| flag);
    format!("--{flag}:{rest}")
}

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const RENEWALS_PER_TTL: u32 = 3;
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
