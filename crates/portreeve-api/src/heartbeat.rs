//! `POST /v1/pools/{pool}/backends/{id}/heartbeat`: a backend's word counts for another while.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::Body;
use crate::fault::Fault;

/// What a heartbeat carries; no body at all is one that carries nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Heartbeat {
    /// How busy the backend says it is: 0 idle, 1 full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f32>,
    /// How many requests it says it has in flight, from everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// Which version of itself it says it is: 1 to 64 bytes; `None`: as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it wants no new requests; `None`: as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draining: Option<bool>,
}

impl Heartbeat {
    /// Reads a body.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut body = Body::read_or_nothing(bytes, &["load", "in_flight", "version", "draining"])?;
        Ok(Self {
            load: body.value("load", "a number from 0 to 1", load)?,
            in_flight: body.value("in_flight", "a whole number from 0 to 4294967295", |value| {
                value.as_u64()?.try_into().ok()
            })?,
            version: body.text("version", VERSION_BYTES_MAX)?,
            draining: body.flag("draining")?,
        })
    }
}

const VERSION_BYTES_MAX: usize = 64;

fn load(value: &Value) -> Option<f32> {
    let load = value.as_f64().filter(|load| (0.0..=1.0).contains(load))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "fewer digits of a load are enough"
    )]
    let load = load as f32;
    Some(load)
}

/// The answer: 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// How long its word counts from now without another heartbeat, in milliseconds.
    pub ttl_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_may_say_nothing() {
        for nothing in ["", " \n", "{}"] {
            assert_eq!(Heartbeat::read(nothing.as_bytes()), Ok(Heartbeat::default()));
        }
    }

    #[test]
    fn load_is_a_share_and_draining_a_flag() {
        let beat = Heartbeat::read(br#"{"load":0.4,"draining":true}"#).unwrap();
        assert_eq!((beat.load, beat.draining), (Some(0.4), Some(true)));

        let said = Heartbeat::read(br#"{"in_flight":12,"version":"v1.4.2"}"#).unwrap();
        assert_eq!(
            (said.in_flight, said.version.as_deref()),
            (Some(12), Some("v1.4.2"))
        );

        let long = format!(r#"{{"version":"{}"}}"#, "x".repeat(65));
        for (body, field) in [
            (r#"{"in_flight":-1}"#, "in_flight"),
            (r#"{"in_flight":4294967296}"#, "in_flight"),
            (r#"{"in_flight":1.5}"#, "in_flight"),
            (r#"{"version":""}"#, "version"),
            (&*long, "version"),
            (r#"{"load":1.01}"#, "load"),
            (r#"{"load":-0.1}"#, "load"),
            (r#"{"load":"0.4"}"#, "load"),
            (r#"{"load":null}"#, "load"),
            (r#"{"draining":1}"#, "draining"),
            (r#"{"drain":true}"#, "drain"),
        ] {
            let fault = Heartbeat::read(body.as_bytes()).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some(field), "{body}");
        }
    }
}
