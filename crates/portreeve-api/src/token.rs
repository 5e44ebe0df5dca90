//! `/v1/tokens`: by what right backends register from elsewhere than this machine.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::body::Body;
use crate::duration;
use crate::fault::Fault;
use crate::registration::{POLICY_BYTES_MAX, TTL};

/// What a new token is to allow; what is left out is not limited, but for networks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TokenWish {
    /// For clients that show a certificate of such a name, as `URI:spiffe://example.com/eu/*`; `None`: for whoever knows
    /// its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// In these pools; `None`: in any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<String>>,
    /// With these policies; `None`: with any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// With addresses in these networks, such as `10.0.0.0/8`; `None`: the sender's own address only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<String>>,
    /// With at most this weight, 1 to 1,000; `None`: 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_max: Option<u16>,
    /// With at most this time between heartbeats; `None`: as the pool allows.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "duration::write")]
    pub ttl_max: Option<Duration>,
    /// For how long from now, 1 s to 3,650 d; `None`: until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "duration::write")]
    pub expires: Option<Duration>,
}

impl TokenWish {
    /// Reads a body; no body at all asks for a token without limits.
    ///
    /// # Errors
    /// The first fault that is found. A list may be left out, but not be empty: that would say the opposite of what it
    /// looks like.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let known = &[
            "certificate",
            "pools",
            "policies",
            "networks",
            "weight_max",
            "ttl_max",
            "expires",
        ];
        let mut body = Body::read_or_nothing(bytes, known)?;
        Ok(Self {
            certificate: body.text("certificate", SAN_BYTES_MAX)?,
            pools: some_texts(&mut body, "pools", NAME_BYTES_MAX)?,
            policies: some_texts(&mut body, "policies", POLICY_BYTES_MAX)?,
            networks: some_texts(&mut body, "networks", NETWORK_BYTES_MAX)?,
            weight_max: body.number("weight_max", 1..=1_000)?,
            ttl_max: body.duration("ttl_max", TTL)?,
            expires: body.duration("expires", EXPIRES)?,
        })
    }
}

fn some_texts(body: &mut Body, key: &str, bytes_max: usize) -> Result<Option<Vec<String>>, Fault> {
    match body.texts(key, ENTRIES_MAX, bytes_max)? {
        Some(texts) if texts.is_empty() => Err(Fault::field(
            key,
            "an empty list",
            "at least one, or the field left out for no limit",
        )),
        texts => Ok(texts),
    }
}

const ENTRIES_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 128;
const SAN_BYTES_MAX: usize = 1_024;
const NETWORK_BYTES_MAX: usize = 64;
const EXPIRES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_650 * 86_400);

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenState {
    /// Its public name.
    pub id: String,
    /// For clients that show a certificate of such a name; missing: for whoever knows its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// In these pools; missing: in any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<String>>,
    /// With these policies; missing: with any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<Vec<String>>,
    /// With addresses in these networks; missing: any address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<String>>,
    /// With at most this weight.
    pub weight_max: u16,
    /// With at most this time between heartbeats, in milliseconds; missing: as the pool allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_max_ms: Option<u64>,
    /// Until then, in milliseconds since 1970; missing: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_unix_ms: Option<u64>,
}

/// All tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenList {
    /// Those that were not revoked, expired ones too.
    pub tokens: Vec<TokenState>,
}

/// The answer to `POST /v1/tokens`: 201. The only time that the secret is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeToken {
    /// What it allows.
    #[serde(flatten)]
    pub state: TokenState,
    /// What a backend shows: `Authorization: Bearer ptv_…`; missing: it is for a certificate, and has no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether it would survive a restart of the proxy; false while the disk takes nothing.
    pub stored: bool,
}

/// Without the secret.
impl fmt::Debug for MadeToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MadeToken")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_back_as_it_was_written() {
        let wish = TokenWish {
            certificate: Some("DNS:*.example.com".to_owned()),
            pools: Some(vec!["api".to_owned()]),
            policies: Some(vec!["eu".to_owned()]),
            networks: Some(vec!["10.0.0.0/8".to_owned()]),
            weight_max: Some(10),
            ttl_max: Some(Duration::from_secs(10)),
            expires: Some(Duration::from_secs(86_400)),
        };
        let json = serde_json::to_vec(&wish).unwrap();
        assert_eq!(TokenWish::read(&json), Ok(wish));
        assert_eq!(TokenWish::read(b"{}"), Ok(TokenWish::default()));
    }

    #[test]
    fn an_empty_list_is_not_taken_for_no_limit() {
        for key in ["pools", "policies", "networks"] {
            let fault = TokenWish::read(format!("{{\"{key}\":[]}}").as_bytes()).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some(key));
        }
        assert!(TokenWish::read(br#"{"policies":null}"#).is_err());
        assert!(TokenWish::read(br#"{"policy":["eu"]}"#).is_err());
        assert!(TokenWish::read(br#"{"expires":0}"#).is_err());
    }

    #[test]
    fn the_secret_does_not_show() {
        let made = MadeToken {
            state: TokenState {
                id: "a1".to_owned(),
                certificate: None,
                pools: None,
                policies: None,
                networks: None,
                weight_max: 1_000,
                ttl_max_ms: None,
                expires_unix_ms: None,
            },
            token: Some("ptv_a1_hush".to_owned()),
            stored: true,
        };
        assert!(!format!("{made:?}").contains("hush"));
        let json = serde_json::to_string(&made).unwrap();
        assert_eq!(
            json,
            r#"{"id":"a1","weight_max":1000,"token":"ptv_a1_hush","stored":true}"#
        );
    }
}
