//! What AWS refuses, in our words.

use std::error::Error;
use std::fmt::Write as _;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use portreeve_driver::DriverFault;

use crate::account::Account;

/// Why a call failed. Only what errors say for people is told, never their debug form, which may hold a request.
pub(crate) fn of<E>(what: &str, account: &Account, error: &SdkError<E>) -> DriverFault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if lacks_credentials(error) {
        return no_credentials(what, error);
    }
    match error {
        SdkError::TimeoutError(_) => DriverFault::TimedOut {
            what: what.to_owned(),
            limit: account.operation_max(),
        },
        SdkError::DispatchFailure(_) => unreachable(account, said(error)),
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            told(what, account, answer.err(), status)
        }
        _ => failed(what, said(error)),
    }
}

/// AWS answered, with an error of its own.
fn told(what: &str, account: &Account, error: &impl ProvideErrorMetadata, status: u16) -> DriverFault {
    let code = error.code().unwrap_or_default();
    let reason = cut(format!(
        "{code}: {}",
        error.message().unwrap_or("no reason given")
    ));
    match Kind::of(code, status) {
        Kind::Throttled => DriverFault::LimitReached {
            reason: format!("AWS answers fewer requests for this account than are made ({reason})"),
        },
        Kind::Quota => DriverFault::LimitReached { reason },
        Kind::Denied => DriverFault::Denied {
            what: what.to_owned(),
            reason,
        },
        Kind::Ill => unreachable(account, format!("it answered with status {status} ({reason})")),
        Kind::Missing => DriverFault::NotFound {
            what: format!("the Auto Scaling group `{}`", account.group()),
            reason,
        },
        Kind::Other => failed(what, reason),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Throttled,
    Quota,
    Denied,
    Ill,
    Missing,
    Other,
}

impl Kind {
    /// By the common errors of AWS's query APIs, and those of EC2 Auto Scaling.
    fn of(code: &str, status: u16) -> Self {
        match code {
            "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => {
                Self::Throttled
            }
            "LimitExceeded" | "LimitExceededException" | "ResourceContention" => Self::Quota,
            "GroupNotFound" | "AutoScalingGroupNotFound" => Self::Missing,
            _ if DENIED.contains(&code) => Self::Denied,
            _ if status == 429 => Self::Throttled,
            _ if status >= 500 => Self::Ill,
            _ if status == 401 || status == 403 => Self::Denied,
            _ => Self::Other,
        }
    }
}

const DENIED: [&str; 11] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
];

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<CredentialsError>)
}

fn no_credentials(what: &str, error: &(dyn Error + 'static)) -> DriverFault {
    DriverFault::Denied {
        what: what.to_owned(),
        reason: format!(
            "AWS knows us by credentials, and none were found: give the proxy an instance role, or set AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE ({})",
            said(error)
        ),
    }
}

pub(crate) fn failed(what: &str, reason: String) -> DriverFault {
    DriverFault::Failed {
        what: what.to_owned(),
        reason: cut(reason),
    }
}

fn unreachable(account: &Account, reason: String) -> DriverFault {
    DriverFault::Unreachable {
        what: account.place(),
        reason,
    }
}

/// An error and what is behind it, in a line.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut said = String::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !said.ends_with(&cause) {
            let between = if said.is_empty() { "" } else { ": " };
            let _ = write!(said, "{between}{cause}");
        }
    }
    cut(said)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source()).take(CAUSES_MAX)
}

pub(crate) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(REASON_MAX));
    text
}

/// Bytes of a reason.
const REASON_MAX: usize = 1024;
const CAUSES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_says_is_told_apart() {
        assert_eq!(Kind::of("Throttling", 400), Kind::Throttled);
        assert_eq!(Kind::of("", 429), Kind::Throttled);
        assert_eq!(Kind::of("LimitExceeded", 400), Kind::Quota);
        assert_eq!(Kind::of("AccessDenied", 403), Kind::Denied);
        assert_eq!(Kind::of("ExpiredToken", 400), Kind::Denied);
        assert_eq!(Kind::of("InternalFailure", 500), Kind::Ill);
        assert_eq!(Kind::of("ValidationError", 400), Kind::Other);
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(cut("ä".repeat(600)).len(), 1024);
        assert_eq!(cut(format!("x{}", "ä".repeat(600))).len(), 1023);
    }
}
