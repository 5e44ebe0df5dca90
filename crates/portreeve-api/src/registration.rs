//! `PUT /v1/pools/{pool}/backends/{id}`: a backend joins, or says anew what it is.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::Body;
use crate::duration;
use crate::fault::Fault;

/// What a backend says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// Where it is.
    #[serde(flatten)]
    pub at: Whereabouts,
    /// What it upholds: at most [`POLICIES_MAX`](Self::POLICIES_MAX) texts of at most 64 bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Its share under weighted balancing, 1 to 1,000; `None`: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// How long its word counts without a heartbeat, 100 ms to 365 d; `None`: as the pool says. The body may call it
    /// `lease` too.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "duration::write")]
    pub ttl: Option<Duration>,
    /// Where it is: 1 to 64 bytes of `a-z A-Z 0-9 - _ .`; `None`: anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it wants to serve only while no other may.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backup: bool,
}

/// Where a backend is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whereabouts {
    /// At this address.
    Address(SocketAddr),
    /// At this port, not 0, of the address that the registration comes from.
    Port(u16),
}

impl Registration {
    /// The most policies that one backend may uphold.
    pub const POLICIES_MAX: usize = 64;

    /// At this place, with nothing else said.
    #[must_use]
    pub fn at(at: Whereabouts) -> Self {
        Self {
            at,
            policies: Vec::new(),
            weight: None,
            ttl: None,
            zone: None,
            backup: false,
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// The first fault that is found.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut body = Body::read(bytes, &KEYS)?;
        Ok(Self {
            at: whereabouts(&mut body)?,
            policies: body
                .texts("policies", Self::POLICIES_MAX, POLICY_BYTES_MAX)?
                .unwrap_or_default(),
            weight: body.number("weight", 1..=1_000)?,
            ttl: ttl(&mut body)?,
            zone: body.value("zone", ZONE, zone)?,
            backup: body.flag("backup")?.unwrap_or_default(),
        })
    }
}

fn whereabouts(body: &mut Body) -> Result<Whereabouts, Fault> {
    let address = body.value("address", ADDRESS, |value| value.as_str()?.parse().ok())?;
    let port = body.number("port", 1..=u16::MAX)?;
    match (address, port) {
        (Some(address), None) => Ok(Whereabouts::Address(address)),
        (None, Some(port)) => Ok(Whereabouts::Port(port)),
        (None, None) => Err(Fault::field("address", "neither address nor port", EITHER)),
        (Some(_), Some(_)) => Err(Fault::field("port", "both address and port", EITHER)),
    }
}

fn ttl(body: &mut Body) -> Result<Option<Duration>, Fault> {
    match body.has("ttl") && body.has("lease") {
        true => Err(Fault::field(
            "lease",
            "both ttl and lease",
            "one of them: they mean the same",
        )),
        false => Ok(body.duration("ttl", TTL)?.or(body.duration("lease", TTL)?)),
    }
}

fn zone(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| (1..=64).contains(&text.len()))?;
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().all(is_good).then(|| text.to_owned())
}

const KEYS: [&str; 8] = [
    "address", "port", "policies", "weight", "ttl", "lease", "zone", "backup",
];

/// How long a registration may ask to count.
pub(crate) const TTL: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(365 * 86_400);

/// The longest name of a policy.
pub(crate) const POLICY_BYTES_MAX: usize = 64;

const ADDRESS: &str =
    "an IP address and a port, such as \"10.0.0.7:8000\" or \"[2001:db8::7]:8000\"; names are not looked up";
const ZONE: &str = "a text of 1 to 64 letters, digits, '-', '_' and '.'";
const EITHER: &str =
    "one of the two: the address, or the port at the address that the registration comes from";

/// The answer: 201 if it is new, else 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Where it registered.
    pub pool: String,
    /// As what.
    pub id: String,
    /// Where requests will be sent.
    pub address: String,
    /// What it upholds, sorted.
    pub policies: Vec<String>,
    /// Its share under weighted balancing.
    pub weight: u16,
    /// How long its word counts without a heartbeat, in milliseconds. A third of it is a good time between two.
    pub ttl_ms: u64,
    /// Whether it gets requests now: `serving`, `unproved`, `down`, `draining` or `gone`.
    pub standing: String,
    /// Whether it would survive a restart of the proxy; false while the disk takes nothing.
    pub stored: bool,
    /// The number of the change in the registry.
    pub sequence: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> (String, String) {
        let fault = Registration::read(body.as_bytes()).unwrap_err();
        (fault.field.clone().unwrap_or_default(), fault.to_string())
    }

    #[test]
    fn everything_may_be_said_and_only_the_place_must_be() {
        let whole = br#"{"address":"10.0.0.7:8000","policies":["hipaa","eu"],"weight":3,"ttl":"10s"}"#;
        let registration = Registration::read(whole).unwrap();
        assert_eq!(
            registration.at,
            Whereabouts::Address("10.0.0.7:8000".parse().unwrap())
        );
        assert_eq!(registration.policies, ["hipaa", "eu"]);
        assert_eq!(
            (registration.weight, registration.ttl),
            (Some(3), Some(Duration::from_secs(10)))
        );

        let placed = Registration::read(br#"{"port":1,"zone":"eu-1.a","backup":true}"#).unwrap();
        assert_eq!((placed.zone.as_deref(), placed.backup), (Some("eu-1.a"), true));

        let least = Registration::read(br#"{"port":8000}"#).unwrap();
        assert_eq!(least, Registration::at(Whereabouts::Port(8000)));
    }

    #[test]
    fn a_lease_is_a_ttl_but_not_beside_one() {
        let lease = Registration::read(br#"{"port":1,"lease":2.5}"#).unwrap();
        assert_eq!(lease.ttl, Some(Duration::from_millis(2_500)));
        assert_eq!(fault(r#"{"port":1,"lease":1,"ttl":1}"#).0, "lease");
    }

    #[test]
    fn a_fault_says_which_field_what_was_found_and_what_is_allowed() {
        for (body, field, said) in [
            ("{}", "address", "neither address nor port"),
            (
                r#"{"port":1,"address":"[::1]:1"}"#,
                "port",
                "both address and port",
            ),
            (
                r#"{"port":0}"#,
                "port",
                "found 0, allowed is a whole number from 1 to 65535",
            ),
            (r#"{"port":65536}"#, "port", "found 65536"),
            (r#"{"port":"8000"}"#, "port", "found \"8000\""),
            (
                r#"{"address":"app.test:80"}"#,
                "address",
                "names are not looked up",
            ),
            (r#"{"address":"10.0.0.7"}"#, "address", "found \"10.0.0.7\""),
            (r#"{"address":8000}"#, "address", "found 8000"),
            (
                r#"{"port":1,"weight":5000}"#,
                "weight",
                "found 5000, allowed is a whole number from 1 to 1000",
            ),
            (
                r#"{"port":1,"policies":"eu"}"#,
                "policies",
                "found \"eu\", allowed is a list",
            ),
            (
                r#"{"port":1,"policies":[7]}"#,
                "policies[0]",
                "found 7, allowed is a text of 1 to 64 bytes",
            ),
            (
                r#"{"port":1,"ttl":"10"}"#,
                "ttl",
                "found \"10\", allowed is from 100ms to 365d",
            ),
            (r#"{"port":1,"ttl":null}"#, "ttl", "found null"),
            (r#"{"port":1,"zone":"a b"}"#, "zone", "found \"a b\""),
            (r#"{"port":1,"zone":""}"#, "zone", "1 to 64 letters"),
            (r#"{"port":1,"backup":1}"#, "backup", "found 1"),
            (r#"{"port":1,"port":1}"#, "port", "found the key twice"),
            (
                r#"{"port":1,"wieght":2}"#,
                "wieght",
                "any of address, port, policies, weight, ttl, lease, zone, backup",
            ),
        ] {
            let (in_field, sentence) = fault(body);
            assert_eq!(in_field, field, "{body}");
            assert!(sentence.contains(said), "{body}: {sentence}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for at in [
            Whereabouts::Port(1),
            Whereabouts::Address("[::1]:65535".parse().unwrap()),
        ] {
            let said = Registration {
                at,
                policies: vec!["eu".to_owned()],
                weight: Some(1_000),
                ttl: Some(Duration::from_millis(1_500)),
                zone: Some("a".to_owned()),
                backup: true,
            };
            let json = serde_json::to_vec(&said).unwrap();
            assert_eq!(Registration::read(&json), Ok(said));
        }
    }
}
