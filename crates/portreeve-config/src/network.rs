//! IP networks.

use std::net::IpAddr;

use portreeve_model::plan::Network;

use crate::word::Complaint;

/// `10.0.0.0/8`, or an address alone for itself. IPv4 written as IPv6 is the IPv4 network.
pub(crate) fn network(text: &str) -> Result<Network, Complaint> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| complaint(text))?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(bits), number).filter(|prefix| *prefix <= bits);
    let prefix = prefix.ok_or_else(|| complaint(text).hint(format!("its prefix is from 0 to {bits}")))?;
    Ok(plain(address, prefix))
}

fn plain(address: IpAddr, prefix: u8) -> Network {
    let mapped = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    match (mapped, prefix.checked_sub(96)) {
        (Some(v4), Some(prefix)) => Network {
            address: v4.into(),
            prefix,
        },
        _ => Network { address, prefix },
    }
}

fn number(text: &str) -> Option<u8> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn complaint(text: &str) -> Complaint {
    let complaint = Complaint::new("a network such as \"10.0.0.0/8\" or \"fd00::/8\", or an address");
    match text.starts_with('[') || text.parse::<std::net::SocketAddr>().is_ok() {
        true => complaint.hint("without brackets and port"),
        false => complaint,
    }
}
