//! Bytes as lower-case hexadecimal digits, and only as those: one value has one spelling.

/// Appends two digits for each byte.
pub(crate) fn write(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), b'0');
    for (byte, digits) in bytes.iter().zip(out[start..].chunks_exact_mut(2)) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// `N` bytes from exactly `2 * N` digits.
pub(crate) fn read<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The digits as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(2 * bytes.len());
    write(bytes, &mut out);
    String::from_utf8(out).expect("the digits are ASCII")
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_as_it_was_written() {
        let bytes: [u8; 256] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(read(text(&bytes).as_bytes()), Some(bytes));
    }

    #[test]
    fn other_spellings_are_refused() {
        for wrong in ["", "a", "A0", "0g", "0x", " 0", "000"] {
            assert_eq!(read::<1>(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
