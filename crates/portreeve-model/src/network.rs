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
        if mask & MAPPED_MASK == mask && MAPPED & mask == address.to_bits() & mask {
            self.add_v4(0, 0);
        }
    }
}

/// The addresses that have these bits under this mask.
#[derive(Debug, Clone, Copy)]
struct Block<T> {
    bits: T,
    mask: T,
}

const MAPPED: u128 = 0xffff_0000_0000;
const MAPPED_MASK: u128 = u128::MAX << 32;
