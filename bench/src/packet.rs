use std::fmt::Write as _;

use sha1::{Digest, Sha1};

/// The policies of the packet benchmark.
pub const POLICIES: [u64; 3] = [111, 222, 333];

/// The id of the `number`th server (below 10) of a policy: an acknowledgement's sender tells which policy it upholds.
#[must_use]
pub fn server_id(policy: u64, number: u64) -> u64 {
    policy * 10 + number
}

/// The policy of the server with this id.
#[must_use]
pub fn policy_of(server_id: u64) -> u64 {
    server_id / 10
}

/// The lower-case hexadecimal SHA-1 of a payload, as acknowledgements carry it.
#[must_use]
pub fn sha1_hex(payload: &str) -> String {
    let digest = Sha1::digest(payload.as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(2 * digest.len()), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // RFC 3174, section 7.3, test 1
        assert_eq!(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn a_server_tells_its_policy() {
        for policy in POLICIES {
            assert_eq!(policy_of(server_id(policy, 2)), policy);
        }
    }
}
