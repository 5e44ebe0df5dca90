//! What we answer when we do not do what was asked.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The body of every 4xx and 5xx: RFC 9457 section 3, with `cause` and `field` as extension members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Always `about:blank`: `cause` says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// The reason phrase of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Why, as a word of a closed list.
    pub cause: String,
    /// The field that is at fault, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A sentence for people.
    pub detail: String,
}

impl Problem {
    /// A problem with no field.
    #[must_use]
    pub fn new(status: u16, cause: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: reason(status).to_owned(),
            status,
            cause: cause.to_owned(),
            field: None,
            detail: detail.into(),
        }
    }

    /// The same, and the field that is at fault.
    #[must_use]
    pub fn in_field(self, field: Option<&str>) -> Self {
        Self {
            field: field.map(str::to_owned),
            ..self
        }
    }

    /// As JSON with a line break at its end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec(self).expect("texts and numbers are JSON");
        json.push(b'\n');
        json
    }
}

impl From<&Fault> for Problem {
    fn from(fault: &Fault) -> Self {
        Self::new(fault.kind.status(), fault.kind.code(), fault.to_string()).in_field(fault.field.as_deref())
    }
}

/// The reason phrases of the statuses that this API answers (RFC 9110 section 15, RFC 6585).
fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_becomes_a_problem_that_names_its_field() {
        let fault = Fault::field("weight", "5000", "a whole number from 1 to 1000");

        let json = String::from_utf8(Problem::from(&fault).to_json()).unwrap();

        assert_eq!(
            json,
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"cause\":\"bad_field\",\
             \"field\":\"weight\",\"detail\":\"weight: found 5000, allowed is a whole number from 1 to 1000\"}\n"
        );
    }
}
