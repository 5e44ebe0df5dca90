//! How the operator's commands find the admin listener of a running proxy, and its key.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use portreeve_api::AdminFile;
use portreeve_config::Flags;

use crate::caller::{Answer, Call, CallError, Caller};
use crate::failure::Failure;
use crate::peer_address::PeerAddress;

/// Which proxy, and in what form its answers are shown.
#[derive(Debug, Args)]
pub(crate) struct OperatorArguments {
    /// The state folder of the running proxy, where it keeps its admin address and key [default: the user's state folder].
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// The admin listener of the running proxy [default: what the state folder says, else 127.0.0.1:9091].
    #[arg(long, value_name = "ADDR", global = true)]
    admin: Option<PeerAddress>,
    /// Print JSON, for scripts.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A running proxy as its operator speaks to it.
#[derive(Debug)]
pub(crate) struct Operator {
    caller: Caller,
    file: PathBuf,
    trouble: Option<String>,
}

impl Operator {
    /// Finds it; whether it runs shows when it is asked.
    pub(crate) fn find(arguments: &OperatorArguments) -> Result<Self, Failure> {
        let file = state(arguments)?.join(AdminFile::NAME);
        let (found, trouble) = match read(&file) {
            Ok(found) => (Some(found), None),
            Err(trouble) => (None, Some(trouble)),
        };
        let own = arguments.admin.clone();
        let address = found.as_ref().map_or(DEFAULT, |found| reachable(found.address));
        let key = std::env::var(KEY_VARIABLE).ok().or(found.map(|found| found.key));
        let peer = match own {
            Some(peer) => peer,
            None => address.to_string().parse().map_err(Failure::failed)?,
        };
        Ok(Self {
            caller: Caller::new(peer, key),
            file,
            trouble,
        })
    }

    /// Asks it; blocks.
    pub(crate) fn ask(&self, call: &Call) -> Result<Answer, Failure> {
        self.caller.ask(call).map_err(|error| self.failure(&error))
    }

    /// What to tell about a call without an answer.
    pub(crate) fn failure(&self, error: &CallError) -> Failure {
        match error {
            CallError::Unreachable { .. } => Failure::failed(format_args!(
                "{error}: is the proxy running? Its admin listener was looked for there {}; \
                 name another with --admin ADDR, or the proxy's state folder with --state DIR",
                self.why_there()
            )),
            CallError::Refused(problem) if problem.status == 401 => {
                Failure::failed(format_args!("{error} {}", self.about_the_key()))
            }
            CallError::Refused(_) | CallError::Garbled(_) => Failure::failed(error),
        }
    }

    fn why_there(&self) -> String {
        match &self.trouble {
            None => format!("because {} says so", self.file.display()),
            Some(trouble) => format!("because {trouble}"),
        }
    }

    fn about_the_key(&self) -> String {
        match (&self.trouble, self.caller.has_secret()) {
            (_, true) => format!(
                "The key that was shown is not the one of {}: name that proxy's state folder with --state DIR",
                self.caller.peer()
            ),
            (Some(trouble), false) => format!(
                "No key was shown, because {trouble}: name the proxy's state folder with --state DIR (its user may \
                 read it), or give the key as {KEY_VARIABLE}"
            ),
            (None, false) => format!("Give the key as {KEY_VARIABLE}"),
        }
    }
}

fn state(arguments: &OperatorArguments) -> Result<PathBuf, Failure> {
    let flags = Flags {
        state: arguments.state.clone(),
        ..Flags::default()
    };
    let config = portreeve_config::from_flags(&flags).map_err(Failure::usage)?;
    Ok(config.state)
}

fn read(file: &Path) -> Result<AdminFile, String> {
    let text = fs::read(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no {}", file.display()),
        io::ErrorKind::PermissionDenied => format!("this user may not read {}", file.display()),
        _ => format!("{} cannot be read ({error})", file.display()),
    })?;
    serde_json::from_slice(&text).map_err(|_| format!("{} does not hold what it should", file.display()))
}

/// A listener on all interfaces is reached on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9091);
const KEY_VARIABLE: &str = "PORTREEVE_ADMIN_KEY";
