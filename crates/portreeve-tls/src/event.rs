//! What a failed handshake is called in counts and records.

use std::io;

use portreeve_model::{Cause, EdgeEvent};
use rustls::{AlertDescription, CertificateError, Error};

/// What happened in a handshake with a client that failed like this.
#[must_use]
pub fn client_event(error: &Error) -> EdgeEvent {
    match error {
        Error::NoCertificatesPresented => EdgeEvent::TlsCertificateMissing,
        Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_) => {
            EdgeEvent::TlsCertificateRefused
        }
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol | Error::General(_) => {
            EdgeEvent::TlsNothingShared
        }
        Error::AlertReceived(alert) => alerted(*alert),
        _ => EdgeEvent::TlsMalformed,
    }
}

fn alerted(alert: AlertDescription) -> EdgeEvent {
    match alert {
        AlertDescription::CloseNotify | AlertDescription::UserCanceled => EdgeEvent::TlsClosed,
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => EdgeEvent::TlsNothingShared,
        _ => EdgeEvent::TlsRefusedByClient,
    }
}

/// Why a handshake with a backend failed like this: the cause, and what the operator is told. The text names no key and
/// no byte of what was sent, but may name what the backend's certificate is for.
#[must_use]
pub fn backend_cause(error: &io::Error) -> (Cause, String) {
    let Some(inner) = tls_error(error) else {
        return (Cause::BackendTls, of_connection(error));
    };
    match inner {
        Error::InvalidCertificate(fault) => (Cause::BackendCertificate, of_certificate(fault)),
        Error::NoCertificatesPresented => (
            Cause::BackendCertificate,
            "the backend shows no certificate".to_owned(),
        ),
        Error::NoApplicationProtocol | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => (
            Cause::BackendProtocol,
            "the backend does not speak what we offer by ALPN".to_owned(),
        ),
        Error::AlertReceived(alert) => (Cause::BackendTls, of_alert(*alert)),
        Error::InvalidMessage(_) => (
            Cause::BackendTls,
            format!("{inner}: does the backend speak TLS on this port?"),
        ),
        _ => (Cause::BackendTls, inner.to_string()),
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

fn of_connection(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the backend closed the connection within the handshake".to_owned(),
        io::ErrorKind::ConnectionReset => "the backend reset the connection within the handshake".to_owned(),
        _ => error.to_string(),
    }
}

fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the backend wants a certificate from us: `certificate` and `key` in the pool's `tls`".to_owned()
        }
        AlertDescription::UnrecognisedName => {
            "the backend does not know the name that we ask for: `server_name` in the pool's `tls`".to_owned()
        }
        alert => format!("the backend ended the handshake with the alert {alert:?}"),
    }
}

fn of_certificate(fault: &CertificateError) -> String {
    match fault {
        // By one of the same name that has another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody whom we trust vouches for the backend's certificate: `authorities` in the pool's `tls`"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the backend's certificate is for {}, not for {}: `server_name` in the pool's `tls`",
            listed(presented),
            expected.to_str()
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the backend's certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the backend's certificate is not valid yet".to_owned()
        }
        fault => format!("the backend's certificate is not to be trusted: {fault}"),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "no name".to_owned();
    }
    let shown: Vec<&str> = names
        .iter()
        .take(NAMES_SHOWN_MAX)
        .map(|name| bare(name))
        .collect();
    let rest = names.len() - shown.len();
    match rest {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// rustls tells them as `DnsName("a.example.com")`.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

const NAMES_SHOWN_MAX: usize = 5;
