//! What each byte may be part of, as one table, and the searches that lean on it.

/// Bytes at the start of `bytes` that may be part of a token (RFC 9110 section 5.6.2).
#[inline]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    run_len(bytes, TOKEN)
}

/// Bytes at the start of `bytes` that may be part of a request target: visible ASCII but `#`.
///
/// A fragment is no part of a request target (RFC 9112 section 3.2). Servers differ on one that is sent all the
/// same: some cut the path there, some take it as part of the path, so it would be routed one way and served another.
#[inline]
pub(crate) fn target_len(bytes: &[u8]) -> usize {
    run_len(bytes, TARGET)
}

/// Bytes at the start of `bytes` that may be part of a field value, spaces and tabs included (RFC 9110 section 5.5).
#[inline]
pub(crate) fn value_len(bytes: &[u8]) -> usize {
    let plain = bytes
        .as_chunks::<16>()
        .0
        .iter()
        .take_while(|block| is_plain(block))
        .count();
    let mut at = plain * 16;
    let (blocks, tail) = bytes[at..].as_chunks::<8>();
    for block in blocks {
        let mut hits = control_bytes(u64::from_le_bytes(*block));
        while hits != 0 {
            let offset = (hits.trailing_zeros() / 8) as usize;
            if !is(block[offset], VALUE) {
                return at + offset;
            }
            hits &= hits - 1;
        }
        at += 8;
    }
    at + run_len(tail, VALUE)
}

/// Whether no byte is a control byte. Without branches, so that it becomes a few vector instructions.
#[inline]
fn is_plain(block: &[u8; 16]) -> bool {
    block
        .iter()
        .fold(true, |plain, &b| plain & (b >= 0x20) & (b != 0x7f))
}

/// Spaces and tabs at the start of `bytes`.
#[inline]
pub(crate) fn blank_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&b| !is_blank(b)).unwrap_or(bytes.len())
}

/// `bytes` without the spaces and tabs around them (OWS, RFC 9110 section 5.6.3).
#[inline]
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    trim_end(&bytes[blank_len(bytes)..])
}

/// `bytes` without the spaces and tabs at their end.
#[inline]
pub(crate) fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|&b| !is_blank(b))
        .map_or(0, |last| last + 1);
    &bytes[..end]
}

/// Whether `bytes` are a token: at least one byte, each a tchar.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && token_len(bytes) == bytes.len()
}

/// Whether `byte` is a space or a tab.
#[inline]
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Whether `byte` may be part of a token.
#[inline]
pub(crate) fn is_tchar(byte: u8) -> bool {
    is(byte, TOKEN)
}

/// Whether `byte` may be part of a field value, a reason phrase or a quoted string.
#[inline]
pub(crate) fn is_text(byte: u8) -> bool {
    is(byte, VALUE)
}

/// Whether `byte` may be part of a registered name or an IPv4 address; `%` counts, its digits are not looked at.
#[inline]
pub(crate) fn is_host(byte: u8) -> bool {
    is(byte, HOST)
}

#[inline]
fn run_len(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|&b| !is(b, class)).unwrap_or(bytes.len())
}

#[inline]
fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// A set top bit for each byte of `word` below 0x20 or equal to 0x7f. Bits above the lowest may be set in vain.
#[inline]
fn control_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let del = word ^ (ONES * 0x7f);
    let is_del = del.wrapping_sub(ONES) & !del;
    (below_space | is_del) & (ONES * 0x80)
}

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const VALUE: u8 = 4;
const HOST: u8 = 8;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classes_of(byte);
        byte += 1;
    }
    table
}

const fn classes_of(byte: usize) -> u8 {
    let mut classes = 0;
    if has(TOKEN_MARKS, byte) || is_alphanumeric(byte) {
        classes |= TOKEN;
    }
    if byte > 0x20 && byte < 0x7f && byte != 0x23 {
        classes |= TARGET;
    }
    if byte == 0x09 || (byte >= 0x20 && byte != 0x7f) {
        classes |= VALUE;
    }
    if has(HOST_MARKS, byte) || is_alphanumeric(byte) {
        classes |= HOST;
    }
    classes
}

const fn is_alphanumeric(byte: usize) -> bool {
    matches!(byte, 0x30..=0x39 | 0x41..=0x5a | 0x61..=0x7a)
}

const fn has(marks: &[u8], byte: usize) -> bool {
    let mut at = 0;
    while at < marks.len() {
        if marks[at] as usize == byte {
            return true;
        }
        at += 1;
    }
    false
}

const TOKEN_MARKS: &[u8] = b"!#$%&'*+-.^_`|~";

/// Unreserved and sub-delims (RFC 3986 section 2), but for the comma: it only ever comes from two Host lines that
/// something in front of us has joined.
const HOST_MARKS: &[u8] = b"-._~!$&'()*+;=%";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_for_a_values_end_agrees_with_the_table_at_every_place() {
        for length in 0..40 {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'\t'; length];
                    bytes[place] = byte;
                    let expected = if is_text(byte) { length } else { place };
                    assert_eq!(value_len(&bytes), expected, "{byte:#x} at {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn bits_set_in_vain_do_not_end_a_value() {
        assert_eq!(value_len(b"\t     \x80\xff\t!!!\x7f"), 12);
        assert_eq!(value_len(b"\t!\t!\t!\t!\r"), 8);
        assert_eq!(value_len(b"\t\x7f      "), 1);
    }

    #[test]
    fn trimming_takes_spaces_and_tabs_only() {
        assert_eq!(trim(b" \t a b \t"), b"a b");
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(trim(b"\x0ba"), b"\x0ba");
    }

    #[test]
    fn a_target_takes_no_fragment_and_nothing_beyond_ascii() {
        assert_eq!(target_len(b"/a?b=%20|{}\"<>\\^`"), 17);
        for byte in [b'#', b' ', b'\t', 0x7f, 0x80, 0xff, 0] {
            assert_eq!(target_len(&[b'/', byte]), 1);
        }
    }
}
