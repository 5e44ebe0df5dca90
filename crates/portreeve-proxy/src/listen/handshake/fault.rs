//! Why a handshake came to nothing.

use std::{fmt, io};

use portreeve_model::EdgeEvent;
use portreeve_tls::{RECORDS_MAX, client_event};

use super::hearing::HELLO_MAX;

/// Why there was none.
pub(super) enum Fault {
    /// The client left; before it had said anything, or after.
    Left {
        was_silent: bool,
    },
    Broken(io::Error),
    /// HTTP without TLS; these are its first bytes.
    Plain(Vec<u8>),
    UnknownName(Option<String>),
    Refused(rustls::Error),
    /// Its first message comes in too many pieces, is too long, or is none.
    Crumbled,
    Late,
    /// It was its turn too late, or it held the place of others that wait.
    Crowded,
}

impl Fault {
    /// As what it is counted; `None`: nothing has happened.
    pub(super) fn event(&self) -> Option<EdgeEvent> {
        Some(match self {
            Self::Left { was_silent: true } => return None,
            Self::Left { .. } | Self::Broken(_) => EdgeEvent::TlsClosed,
            Self::Plain(_) => EdgeEvent::TlsPlainHttp,
            Self::UnknownName(_) => EdgeEvent::TlsUnknownName,
            Self::Refused(error) => client_event(error),
            Self::Crumbled => EdgeEvent::TlsMalformed,
            Self::Late => EdgeEvent::TlsTimeout,
            Self::Crowded => EdgeEvent::TlsOverload,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left { .. } => out.write_str("the client left"),
            Self::Broken(error) => write!(out, "the connection broke: {error}"),
            Self::Plain(_) => out.write_str("the client speaks HTTP without TLS"),
            Self::UnknownName(Some(name)) => write!(out, "no certificate is for {name:?}"),
            Self::UnknownName(None) => out.write_str("no certificate is for clients that name no host"),
            Self::Refused(error) => write!(out, "{error}"),
            Self::Crumbled => write!(
                out,
                "its first message has more than {HELLO_MAX} bytes, comes in more than {RECORDS_MAX} records, or is none"
            ),
            Self::Late => out.write_str("the client was not through in time"),
            Self::Crowded => out.write_str("there were too many at once"),
        }
    }
}
