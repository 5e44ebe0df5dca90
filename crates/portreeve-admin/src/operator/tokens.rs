//! Tokens: made, listed, revoked.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portreeve_api::{Fault, MadeToken, TokenList};
use portreeve_control::TokenWish;
use portreeve_model::plan::{Name, Network, NotASan, SanPattern};
use portreeve_model::{Policies, Policy, PolicyScope, TokenId};

use super::Desk;
use super::answer::{Answered, Refusal, fault, refused};
use super::backends::{done, whole};
use crate::wire;

pub(super) async fn list(State(desk): State<Arc<Desk>>) -> Answered<TokenList> {
    let outcome = desk.door().tokens().await.map_err(refused);
    let list = outcome.map(|states| TokenList {
        tokens: states.iter().map(wire::token).collect(),
    });
    list.into()
}

pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    body: Result<Bytes, BytesRejection>,
) -> Answered<MadeToken> {
    match created(&desk, body).await {
        Ok(made) => Answered::Done(StatusCode::CREATED, made),
        Err(problem) => Answered::Refused(problem),
    }
}

async fn created(desk: &Desk, body: Result<Bytes, BytesRejection>) -> Result<MadeToken, Refusal> {
    let said = portreeve_api::TokenWish::read(&whole(body)?).map_err(|error| fault(&error))?;
    let certificate = certificate(&said).map_err(|error| fault(&error))?;
    let wish = wish(said).map_err(|error| fault(&error))?;
    let door = desk.door();
    Ok(match certificate {
        None => wire::made(door.create_token(wish).await.map_err(refused)?),
        Some(certificate) => {
            let made = door.create_token_for(certificate, wish).await;
            wire::made_for_certificate(&made.map_err(refused)?)
        }
    })
}

pub(super) async fn revoke(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answered<()> {
    let revoked = desk.door().revoke_token(&TokenId::from(id)).await;
    done(revoked.map(drop).map_err(refused))
}

fn certificate(said: &portreeve_api::TokenWish) -> Result<Option<SanPattern>, Fault> {
    let read = |name: &String| {
        let parsed = name.parse();
        parsed.map_err(|error: NotASan| Fault::field("certificate", shown(name), error.to_string()))
    };
    said.certificate.as_ref().map(read).transpose()
}

fn wish(said: portreeve_api::TokenWish) -> Result<TokenWish, Fault> {
    let pools = said.pools.unwrap_or_default();
    Ok(TokenWish {
        pools: pools.into_iter().map(Name::from).collect(),
        policies: said
            .policies
            .map_or(Ok(PolicyScope::Any), |names| scope(&names))?,
        networks: said.networks.map_or(Ok(Vec::new()), |texts| networks(&texts))?,
        weight_max: said.weight_max.unwrap_or(WEIGHT_MAX),
        ttl_max: said.ttl_max,
        expires_in: said.expires,
    })
}

fn scope(names: &[String]) -> Result<PolicyScope, Fault> {
    let read = |(place, name): (usize, &String)| {
        Policy::new(name)
            .map_err(|error| Fault::field(format!("policies[{place}]"), shown(name), error.to_string()))
    };
    let these: Policies = names.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    Ok(PolicyScope::These(these))
}

fn networks(texts: &[String]) -> Result<Vec<Network>, Fault> {
    let read = |(place, text): (usize, &String)| {
        network(text).ok_or_else(|| Fault::field(format!("networks[{place}]"), shown(text), NETWORK))
    };
    texts.iter().enumerate().map(read).collect()
}

/// `10.0.0.0/8`, or an address alone for itself. IPv4 written as IPv6 is the IPv4 network.
fn network(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let is_plain = |prefix: &&str| prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u8 = match prefix {
        Some(prefix) => Some(prefix).filter(is_plain)?.parse().ok()?,
        None => bits,
    };
    match address.to_canonical() {
        IpAddr::V4(v4) if bits == 128 => Some(Network {
            address: v4.into(),
            prefix: prefix.checked_sub(96).filter(|prefix| *prefix <= 32)?,
        }),
        address => (prefix <= bits).then_some(Network { address, prefix }),
    }
}

fn shown(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

const WEIGHT_MAX: u16 = 1_000;
const NETWORK: &str = "a network such as \"10.0.0.0/8\" or \"fd00::/8\", or an address";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_with_or_without_a_prefix() {
        let read = |text| network(text).map(|network| (network.address.to_string(), network.prefix));
        assert_eq!(read("10.0.0.0/8"), Some(("10.0.0.0".to_owned(), 8)));
        assert_eq!(read("10.0.0.7"), Some(("10.0.0.7".to_owned(), 32)));
        assert_eq!(read("fd00::/8"), Some(("fd00::".to_owned(), 8)));
        assert_eq!(read("::ffff:10.0.0.0/104"), Some(("10.0.0.0".to_owned(), 8)));
        for wrong in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "fd00::/129",
            "a/8",
            "::ffff:10.0.0.0/8",
            "10/8",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
