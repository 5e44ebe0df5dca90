//! How entries look in the store: JSON, one object an entry. A change here that older files cannot be read with is a
//! new schema.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::{Network, SanPattern};
use portreeve_model::{
    Announcement, Kept, MemberKey, NotAPolicy, Policies, Policy, PolicyScope, Term, Token,
};
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKey, KeptToken};
use crate::credentials::Digest;

/// Under what an entry is kept.
pub(super) fn key(key: &EntryKey) -> String {
    match key {
        EntryKey::Member(key) => format!("member/{key}"),
        EntryKey::Drained(pool, label) => format!("drained/{pool}/{label}"),
        EntryKey::Token(id) => format!("token/{id}"),
    }
}

/// An entry's bytes.
pub(super) fn write(entry: &Entry) -> Vec<u8> {
    serde_json::to_vec(&Form::from(entry)).expect("these forms have no maps with keys other than texts")
}

/// An entry, or what is wrong with its bytes.
pub(super) fn read(bytes: &[u8]) -> Result<Entry, String> {
    let form: Form = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    form.entry()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Member(MemberForm),
    Drained { pool: String, label: String },
    Token(TokenForm),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberForm {
    pool: String,
    id: String,
    address: SocketAddr,
    policies: Vec<String>,
    weight: u16,
    term: TermForm,
    spells_types_as_text: bool,
    /// Entries of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_backup: bool,
    source: Option<IpAddr>,
    token: Option<String>,
    is_drained: bool,
    is_leaving: bool,
    since_unix_ms: u64,
    place: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TermForm {
    Heartbeats { ttl_ms: Option<u64> },
    Probes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenForm {
    id: String,
    /// SHA-256 of the secret, in hex; one that is for a certificate has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The names of certificates that it is for, as they are written; entries of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    pools: Vec<String>,
    /// `None`: any.
    policies: Option<Vec<String>>,
    networks: Vec<NetworkForm>,
    weight_max: u16,
    ttl_max_ms: Option<u64>,
    expires_unix_ms: Option<u64>,
    created_unix_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkForm {
    address: IpAddr,
    prefix: u8,
}

impl From<&Entry> for Form {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Member(kept) => Self::Member(kept.into()),
            Entry::Drained(pool, label) => Self::Drained {
                pool: pool.to_string(),
                label: label.to_string(),
            },
            Entry::Token(kept) => Self::Token(kept.into()),
        }
    }
}

impl Form {
    fn entry(self) -> Result<Entry, String> {
        Ok(match self {
            Self::Member(form) => Entry::Member(form.kept()?),
            Self::Drained { pool, label } => Entry::Drained(pool.into(), label.into()),
            Self::Token(form) => Entry::Token(form.kept()?),
        })
    }
}

impl From<&Kept> for MemberForm {
    fn from(kept: &Kept) -> Self {
        let said = &kept.announcement;
        Self {
            pool: said.key.pool.to_string(),
            id: said.key.id.to_string(),
            address: said.address,
            policies: names(&said.policies),
            weight: said.weight,
            term: said.term.into(),
            spells_types_as_text: said.spells_types_as_text,
            zone: said.zone.as_ref().map(ToString::to_string),
            is_backup: said.is_backup,
            source: kept.source,
            token: kept.token.as_ref().map(ToString::to_string),
            is_drained: kept.is_drained,
            is_leaving: kept.is_leaving,
            since_unix_ms: kept.since_unix_ms,
            place: kept.place,
        }
    }
}

impl MemberForm {
    fn kept(self) -> Result<Kept, String> {
        let announcement = Announcement {
            key: MemberKey {
                pool: self.pool.into(),
                id: self.id.into(),
            },
            address: self.address,
            policies: policies(&self.policies)?,
            weight: self.weight,
            term: self.term.into(),
            spells_types_as_text: self.spells_types_as_text,
            zone: self.zone.map(Into::into),
            is_backup: self.is_backup,
        };
        Ok(Kept {
            announcement,
            source: self.source,
            token: self.token.map(Into::into),
            is_drained: self.is_drained,
            is_leaving: self.is_leaving,
            since_unix_ms: self.since_unix_ms,
            place: self.place,
        })
    }
}

impl From<Term> for TermForm {
    fn from(term: Term) -> Self {
        match term {
            Term::Heartbeats(ttl) => Self::Heartbeats {
                ttl_ms: ttl.map(millis),
            },
            Term::Probes => Self::Probes,
        }
    }
}

impl From<TermForm> for Term {
    fn from(form: TermForm) -> Self {
        match form {
            TermForm::Heartbeats { ttl_ms } => Self::Heartbeats(ttl_ms.map(Duration::from_millis)),
            TermForm::Probes => Self::Probes,
        }
    }
}

impl From<&KeptToken> for TokenForm {
    fn from(kept: &KeptToken) -> Self {
        let token = &kept.token;
        Self {
            id: token.id.to_string(),
            sha256: kept.digest.as_ref().map(Digest::to_hex),
            certificate: token.certificate.as_ref().map(SanPattern::to_string),
            pools: token.pools.iter().map(ToString::to_string).collect(),
            policies: match &token.policies {
                PolicyScope::Any => None,
                PolicyScope::These(these) => Some(names(these)),
            },
            networks: token.networks.iter().map(NetworkForm::from).collect(),
            weight_max: token.weight_max,
            ttl_max_ms: token.ttl_max.map(millis),
            expires_unix_ms: token.expires_unix_ms,
            created_unix_ms: kept.created_unix_ms,
        }
    }
}

impl TokenForm {
    fn kept(self) -> Result<KeptToken, String> {
        let (digest, certificate) = holder(self.sha256.as_deref(), self.certificate.as_deref())?;
        let policies = match self.policies {
            None => PolicyScope::Any,
            Some(names) => PolicyScope::These(policies(&names)?),
        };
        let token = Token {
            id: self.id.into(),
            certificate,
            pools: self.pools.into_iter().map(Into::into).collect(),
            policies,
            networks: self.networks.iter().map(NetworkForm::network).collect(),
            weight_max: self.weight_max,
            ttl_max: self.ttl_max_ms.map(Duration::from_millis),
            expires_unix_ms: self.expires_unix_ms,
        };
        Ok(KeptToken {
            token: Arc::new(token),
            digest,
            created_unix_ms: self.created_unix_ms,
        })
    }
}

/// Who has a token: whoever knows its secret, or who has such a certificate, and never both.
fn holder(
    sha256: Option<&str>,
    certificate: Option<&str>,
) -> Result<(Option<Digest>, Option<SanPattern>), String> {
    match (sha256, certificate) {
        (Some(hex), None) => match Digest::from_hex(hex) {
            Some(digest) => Ok((Some(digest), None)),
            None => Err("sha256: 64 lower-case hex digits are needed".to_owned()),
        },
        (None, Some(name)) => match name.parse() {
            Ok(pattern) => Ok((None, Some(pattern))),
            Err(wanted) => Err(format!("certificate: {wanted} is needed")),
        },
        _ => Err("a token has either sha256 or certificate".to_owned()),
    }
}

impl From<&Network> for NetworkForm {
    fn from(network: &Network) -> Self {
        Self {
            address: network.address,
            prefix: network.prefix,
        }
    }
}

impl NetworkForm {
    fn network(&self) -> Network {
        Network {
            address: self.address,
            prefix: self.prefix,
        }
    }
}

fn names(policies: &Policies) -> Vec<String> {
    policies.iter().map(ToString::to_string).collect()
}

fn policies(names: &[String]) -> Result<Policies, String> {
    let policies = names.iter().map(|name| Policy::new(name));
    policies
        .collect::<Result<_, _>>()
        .map_err(|fault: NotAPolicy| fault.to_string())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
