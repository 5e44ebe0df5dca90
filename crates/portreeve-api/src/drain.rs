//! `POST /v1/pools/{pool}/backends/{id}/drain`: no new requests.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::duration;
use crate::fault::Fault;

/// How a backend is to be drained; no body at all is one that asks for no wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DrainWish {
    /// How long to wait for its requests to end, at most 50 s (who wants to wait longer asks again); `None`: not at all.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "duration::write")]
    pub wait: Option<Duration>,
}

impl DrainWish {
    /// How long may be waited: less than the silence after which the admin listener gives a connection up.
    pub const WAIT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(50);

    /// Reads a body.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut body = Body::read_or_nothing(bytes, &["wait"])?;
        Ok(Self {
            wait: body.duration("wait", Self::WAIT)?,
        })
    }
}

/// The answer: 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Requests that it is still busy with.
    pub in_flight: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_bounded_and_may_be_left_out() {
        assert_eq!(DrainWish::read(b""), Ok(DrainWish::default()));
        let wish = DrainWish::read(br#"{"wait":"30s"}"#).unwrap();
        assert_eq!(wish.wait, Some(Duration::from_secs(30)));
        assert_eq!(serde_json::to_string(&wish).unwrap(), r#"{"wait":"30s"}"#);
        assert!(DrainWish::read(br#"{"wait":"51s"}"#).is_err());
        assert!(DrainWish::read(br#"{"timeout":"2s"}"#).is_err());
    }
}
