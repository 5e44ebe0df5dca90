//! What the engine says when it does not do what it was asked for, in our words.

use std::error::Error as _;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use bollard::errors::Error;
use portreeve_driver::DriverFault;

/// A fault, and what the engine itself said.
#[derive(Debug)]
pub(crate) struct Trouble {
    status: Option<u16>,
    said: String,
    fault: DriverFault,
}

impl Trouble {
    pub(crate) fn new(endpoint: &dyn Display, act: &str, error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                Self::refused(act, Some(status_code), &message)
            }
            Error::DockerStreamError { error } => Self::refused(act, None, &error),
            Error::RequestTimeoutError => Self::late(act, Duration::from_secs(120)),
            error => Self::broken(endpoint, act, &error),
        }
    }

    /// Nothing came in time.
    pub(crate) fn late(act: &str, limit: Duration) -> Self {
        let what = act.to_owned();
        Self::of(None, "", DriverFault::TimedOut { what, limit })
    }

    /// There is no such container, image or network.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == Some(404)
    }

    /// The name is taken, or the container is in no state for this.
    pub(crate) fn is_conflict(&self) -> bool {
        self.status == Some(409)
    }

    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self.fault, DriverFault::Unreachable { .. })
    }

    pub(crate) fn is_late(&self) -> bool {
        matches!(self.fault, DriverFault::TimedOut { .. })
    }

    pub(crate) fn is_limit(&self) -> bool {
        matches!(self.fault, DriverFault::LimitReached { .. })
    }

    /// The engine answered, and it was no.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_some()
    }

    /// What it said, at most 1 KiB.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }

    /// Whether it said any of this, however it spells it.
    pub(crate) fn says(&self, any: &[&str]) -> bool {
        let said = self.said.to_lowercase();
        any.iter().any(|words| said.contains(words))
    }

    fn of(status: Option<u16>, said: &str, fault: DriverFault) -> Self {
        Self {
            status,
            said: said.to_owned(),
            fault,
        }
    }

    fn refused(act: &str, status: Option<u16>, message: &str) -> Self {
        let said = bounded(message.trim());
        let fault = limit_reached(act, &said).unwrap_or_else(|| refusal(act, status, &said));
        Self::of(status, &said, fault)
    }

    /// No answer, or none that can be read.
    fn broken(endpoint: &dyn Display, act: &str, error: &Error) -> Self {
        let reason = bounded(&root(error));
        let fault = match (is_of_transport(error), io_kind(error)) {
            (_, Some(io::ErrorKind::PermissionDenied)) => DriverFault::Denied {
                what: format!("opening the engine's socket {endpoint}"),
                reason: format!("{reason}; give this user the right to (often: the group `docker`)"),
            },
            (true, _) => DriverFault::Unreachable {
                what: format!("the container engine at {endpoint}"),
                reason: format!("{reason}; is it running, and may this user open it?"),
            },
            (false, _) => DriverFault::Failed {
                what: act.to_owned(),
                reason: format!("the answer of {endpoint} makes no sense: {reason}"),
            },
        };
        Self::of(None, &reason, fault)
    }
}

impl From<Trouble> for DriverFault {
    fn from(trouble: Trouble) -> Self {
        trouble.fault
    }
}

fn refusal(act: &str, status: Option<u16>, said: &str) -> DriverFault {
    let lower = said.to_lowercase();
    let denied = matches!(status, Some(401 | 403)) || lower.contains("permission denied");
    match status {
        _ if denied => DriverFault::Denied {
            what: act.to_owned(),
            reason: said.to_owned(),
        },
        Some(404) => DriverFault::NotFound {
            what: format!("what {act} needs"),
            reason: said.to_owned(),
        },
        _ => DriverFault::Failed {
            what: act.to_owned(),
            reason: said.to_owned(),
        },
    }
}

fn limit_reached(act: &str, said: &str) -> Option<DriverFault> {
    let lower = said.to_lowercase();
    let (_, advice) = LIMITS.iter().find(|(words, _)| lower.contains(words))?;
    Some(DriverFault::LimitReached {
        reason: format!("{act}: {said} ({advice})"),
    })
}

/// What engines say where the machine has no more of something, and what would help.
const LIMITS: &[(&str, &str)] = &[
    (
        "no space left on device",
        "free some where the engine keeps its data: `docker system df`",
    ),
    (
        "disk quota exceeded",
        "free some where the engine keeps its data: `docker system df`",
    ),
    ("cannot allocate memory", "the engine's machine is out of memory"),
    (
        "resource temporarily unavailable",
        "processes of the engine's machine: pids cgroup, kernel.pid_max",
    ),
    (
        "too many open files",
        "open files of the engine: LimitNOFILE of its service",
    ),
    (
        "no available ipv4 addresses",
        "addresses of the network: a larger subnet",
    ),
    (
        "no available ip addresses",
        "addresses of the network: a larger subnet",
    ),
    (
        "non-overlapping ipv4 address pool",
        "networks of the engine: default-address-pools",
    ),
];

fn is_of_transport(error: &Error) -> bool {
    matches!(
        error,
        Error::SocketNotFoundError(_)
            | Error::IOError { .. }
            | Error::HyperLegacyError { .. }
            | Error::HyperResponseError { .. }
    )
}

fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind))
}

/// What lies at the bottom says most.
fn root(error: &Error) -> String {
    match error {
        Error::SocketNotFoundError(_) => "there is no such socket".to_owned(),
        _ => causes(error)
            .last()
            .map_or_else(|| error.to_string(), ToString::to_string),
    }
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| (**cause).source())
}

/// At most 1 KiB of it.
fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(SAID_MAX)].to_owned()
}

const SAID_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status_code: u16, message: &str) -> Trouble {
        let message = message.to_owned();
        Trouble::new(
            &"unix:///run/docker.sock",
            "starting container `api-1`",
            Error::DockerResponseServerError { status_code, message },
        )
    }

    #[test]
    fn a_full_disk_is_a_limit_whatever_the_status() {
        let fault = DriverFault::from(said(500, "write /var/lib/x: no space left on device"));
        assert_eq!(fault.code(), "limit_reached");
        assert!(fault.to_string().contains("docker system df"), "{fault}");
    }

    #[test]
    fn who_may_not_is_denied() {
        assert_eq!(
            DriverFault::from(said(403, "authorization denied by plugin")).code(),
            "denied"
        );
        let fault = DriverFault::from(said(400, "exec: \"/app\": permission denied: unknown"));
        assert_eq!(fault.code(), "denied");
    }

    #[test]
    fn a_socket_that_may_not_be_opened_names_the_group() {
        let err = io::Error::from(io::ErrorKind::PermissionDenied);
        let trouble = Trouble::new(&"unix:///run/docker.sock", "listing", Error::IOError { err });
        let fault = DriverFault::from(trouble);
        assert_eq!(fault.code(), "denied");
        assert!(fault.to_string().contains("unix:///run/docker.sock"), "{fault}");
        assert!(fault.to_string().contains("docker"), "{fault}");
    }

    #[test]
    fn a_long_answer_is_cut_between_letters() {
        let trouble = said(500, &"ä".repeat(2000));
        assert!(trouble.said().len() <= SAID_MAX);
        assert!(trouble.said().starts_with('ä'));
    }

    #[test]
    fn other_refusals_say_what_the_engine_said() {
        let trouble = said(409, "Conflict. The container name is already in use");
        assert!(trouble.is_conflict() && !trouble.is_missing());
        let text = DriverFault::from(trouble).to_string();
        assert_eq!(
            text,
            "starting container `api-1` failed: Conflict. The container name is already in use"
        );
    }
}
