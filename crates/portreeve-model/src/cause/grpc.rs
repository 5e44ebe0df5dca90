//! What a client that speaks gRPC is told.

use super::Cause;

impl Cause {
    /// The status code of gRPC ("Status codes and their use in gRPC"). A client may ask again after `UNAVAILABLE`, so what
    /// a backend may have begun is that only where HTTP has nothing better to say either.
    #[must_use]
    pub fn grpc_status(self) -> u8 {
        match self {
            Self::ClientLeft => CANCELLED,
            Self::TotalTimeout
            | Self::FirstByteTimeout
            | Self::BackendIdleTimeout
            | Self::HeadTimeout
            | Self::BodyTimeout => DEADLINE_EXCEEDED,
            Self::RateLimited
            | Self::BodyTooLarge
            | Self::HeadTooLarge
            | Self::TargetTooLong
            | Self::PayloadTooLarge
            | Self::ResponseHeadTooLarge
            | Self::ListenerFull
            | Self::TooManyFromClient
            | Self::SlowClient
            | Self::SlowReader => RESOURCE_EXHAUSTED,
            Self::NoRoute | Self::Misdirected | Self::SniMismatch | Self::UnsupportedCoding => UNIMPLEMENTED,
            Self::PolicyNotAccepted | Self::RegistrationRefused => PERMISSION_DENIED,
            Self::PolicyMissing | Self::UnknownPolicy | Self::ExpectationFailed => INVALID_ARGUMENT,
            Self::MalformedRequest
            | Self::MalformedResponse
            | Self::BackendProtocol
            | Self::TruncatedResponse
            | Self::UnsupportedVersion
            | Self::PlainHttp
            | Self::NotJson
            | Self::BadPacket
            | Self::InternalError => INTERNAL,
            Self::ShuttingDown
            | Self::TrustChanged
            | Self::NoBackend
            | Self::Overloaded
            | Self::HoldTimeout
            | Self::LedgerUnavailable
            | Self::RegistrationOverload
            | Self::OpenFilesExhausted
            | Self::ConnectRefused
            | Self::ConnectTimeout
            | Self::ConnectFailed
            | Self::BackendTls
            | Self::BackendCertificate
            | Self::BackendReset
            | Self::BackendClosed => UNAVAILABLE,
        }
    }
}

const CANCELLED: u8 = 1;
const INVALID_ARGUMENT: u8 = 3;
const DEADLINE_EXCEEDED: u8 = 4;
const PERMISSION_DENIED: u8 = 7;
const RESOURCE_EXHAUSTED: u8 = 8;
const UNIMPLEMENTED: u8 = 12;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_backend_has_seen_it_and_it_may_help_a_client_may_ask_again() {
        for cause in Cause::ALL.iter().filter(|cause| cause.is_retry_safe()) {
            assert!(
                matches!(cause.grpc_status(), UNAVAILABLE | RESOURCE_EXHAUSTED),
                "{cause}"
            );
        }
    }

    #[test]
    fn no_cause_is_a_success() {
        assert!(
            Cause::ALL
                .iter()
                .all(|cause| (1..=16).contains(&cause.grpc_status()))
        );
    }

    #[test]
    fn what_took_too_long_is_past_its_deadline() {
        for cause in [Cause::TotalTimeout, Cause::FirstByteTimeout] {
            assert_eq!((cause.status(), cause.grpc_status()), (504, DEADLINE_EXCEEDED));
        }
    }
}
