//! Which addresses belong to a set of networks.

use std::net::{IpAddr, Ipv6Addr};

use crate::plan::Network;

/// IP networks, for looking addresses up. IPv4 within IPv6 (`::ffff:a.b.c.d`) counts as IPv4 on both sides.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    v4: Vec<Block<u32>>,
    v6: Vec<Block<u128>>,
}

impl Networks {
    /// Takes the networks in; a prefix longer than the address counts as the whole address.
    #[must_use]
    pub fn new(networks: &[Network]) -> Self {
        let mut all = Self::default();
        networks.iter().for_each(|network| all.add(*network));
        all
    }

    /// Whether one of the networks has this address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self
                .v4
                .iter()
                .any(|block| address.to_bits() & block.mask == block.bits),
            IpAddr::V6(address) => self
                .v6
                .iter()
                .any(|block| address.to_bits() & block.mask == block.bits),
        }
    }

    /// Whether there is no network at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    fn add(&mut self, network: Network) {
        match network.address {
            IpAddr::V4(address) => self.add_v4(address.to_bits(), network.prefix),
            IpAddr::V6(address) => self.add_v6(address, network.prefix),
        }
    }

    fn add_v4(&mut self, bits: u32, prefix: u8) {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
        self.v4.push(Block {
            bits: bits & mask,
            mask,
        });
    }

    /// A network of mapped addresses only is one of IPv4.
    fn add_v6(&mut self, address: Ipv6Addr, prefix: u8) {
        if let (Some(mapped), 96..) = (address.to_ipv4_mapped(), prefix) {
            return self.add_v4(mapped.to_bits(), prefix - 96);
        }
        let mask = u128::MAX
            .checked_shl(128 - u32::from(prefix.min(128)))
            .unwrap_or(0);
        self.v6.push(Block {
            bits: address.to_bits() & mask,
            mask,
        });
    }
}

/// The addresses that have these bits under this mask.
#[derive(Debug, Clone, Copy)]
struct Block<T> {
    bits: T,
    mask: T,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(networks: &[(&str, u8)]) -> Networks {
        let parsed: Vec<Network> = networks
            .iter()
            .map(|(address, prefix)| Network {
                address: address.parse().unwrap(),
                prefix: *prefix,
            })
            .collect();
        Networks::new(&parsed)
    }

    fn has(networks: &Networks, address: &str) -> bool {
        networks.contains(address.parse().unwrap())
    }

    #[test]
    fn leading_bits_decide() {
        let networks = networks(&[("10.1.2.3", 8), ("192.168.1.128", 25), ("2001:db8::5", 32)]);
        assert!(
            ["10.255.0.1", "192.168.1.200", "2001:db8:ffff::"]
                .iter()
                .all(|address| has(&networks, address))
        );
        assert!(
            ["11.0.0.1", "192.168.1.5", "2001:db9::"]
                .iter()
                .all(|address| !has(&networks, address))
        );
    }

    #[test]
    fn a_prefix_of_zero_takes_all_of_its_family() {
        assert!(has(&networks(&[("0.0.0.0", 0)]), "255.1.2.3"));
        assert!(!has(&networks(&[("0.0.0.0", 0)]), "2001:db8::1"));
        assert!(has(&networks(&[("::", 0)]), "2001:db8::1"));
        assert!(!has(&networks(&[("::", 0)]), "10.0.0.1"));
    }

    #[test]
    fn a_whole_address_takes_only_itself() {
        let networks = networks(&[("10.0.0.1", 32), ("::1", 128), ("10.0.0.9", 77)]);
        assert!(
            ["10.0.0.1", "::1", "10.0.0.9"]
                .iter()
                .all(|address| has(&networks, address))
        );
        assert!(
            ["10.0.0.2", "::2", "10.0.0.8"]
                .iter()
                .all(|address| !has(&networks, address))
        );
    }

    #[test]
    fn mapped_addresses_count_as_ipv4_on_both_sides() {
        assert!(has(&networks(&[("10.0.0.0", 8)]), "::ffff:10.9.9.9"));
        assert!(has(&networks(&[("::ffff:10.0.0.0", 104)]), "10.200.9.9"));
        assert!(!has(&networks(&[("::ffff:10.0.0.0", 104)]), "11.9.9.9"));
        assert!(has(&networks(&[("::ffff:10.0.0.0", 96)]), "11.9.9.9"));
    }

    #[test]
    fn none_has_nothing() {
        assert!(networks(&[]).is_empty());
        assert!(!has(&networks(&[]), "127.0.0.1"));
        assert!(!networks(&[("::1", 128)]).is_empty());
    }
}
