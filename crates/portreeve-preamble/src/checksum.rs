//! CRC32c (RFC 3720 appendix B.4), as headers of version 2 may carry it.

/// Of all parts in a row.
pub(crate) fn crc32c(parts: [&[u8]; 3]) -> u32 {
    let bytes = parts.into_iter().flatten();
    !bytes.fold(!0, |sum, byte| {
        TABLE[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ (sum >> 8)
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut sum = byte;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ POLYNOMIAL
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
};

/// Castagnoli's, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720 appendix B.4.
    #[test]
    fn sums_are_those_of_the_rfc() {
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c([&[0; 16], &[0; 16], &[]]), 0x8a91_36aa);
        assert_eq!(crc32c([&[0xff; 32], &[], &[]]), 0x62a8_ab43);
        assert_eq!(crc32c([&[], &rising[..7], &rising[7..]]), 0x46dd_794e);
    }
}
