//! What holds for every chunked body, however its bytes arrive.

use portreeve_http1::{Chunked, Fault, SizeLine};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_encoded_is_decoded(chunks in vec(vec(any::<u8>(), 1..50), 0..8)) {
        let body = encode(&chunks);
        let expected = Decoded { content: chunks.concat(), length: body.len(), is_done: true };
        prop_assert_eq!(decode(&body, &[]), Ok(expected));
    }

    #[test]
    fn a_body_split_anywhere_decodes_to_the_same(body in spoilt(body())) {
        let whole = decode(&body, &[]);
        for cut in 0..=body.len() {
            prop_assert_eq!(&decode(&body, &[cut]), &whole, "cut at {}", cut);
        }
        let every: Vec<usize> = (0..body.len()).collect();
        prop_assert_eq!(&decode(&body, &every), &whole, "byte by byte");
    }

    #[test]
    fn a_body_split_anywhere_passes_the_same(body in spoilt(body())) {
        let whole = pass(&body, &[]);
        for cut in 0..=body.len() {
            prop_assert_eq!(&pass(&body, &[cut]), &whole, "cut at {}", cut);
        }
    }

    #[test]
    fn relay_and_decoder_agree(body in spoilt(body())) {
        let decoded = decode(&body, &[]).map(|d| (d.length, d.content.len() as u64, d.is_done));
        prop_assert_eq!(pass(&body, &[]), decoded);
    }

    #[test]
    fn a_valid_body_is_accepted(body in body()) {
        prop_assert!(decode(&body, &[]).is_ok_and(|decoded| decoded.is_done));
    }

    #[test]
    fn arbitrary_bytes_are_answered(body in vec(any::<u8>(), 0..100), cut in any::<Index>()) {
        prop_assert_eq!(decode(&body, &[cut.index(body.len() + 1)]), decode(&body, &[]));
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    content: Vec<u8>,
    length: usize,
    is_done: bool,
}

/// Decodes `body` as it arrives up to each of `cuts`, then as a whole.
fn decode(body: &[u8], cuts: &[usize]) -> Result<Decoded, Fault> {
    let mut chunked = Chunked::default();
    let mut decoded = Decoded {
        content: Vec::new(),
        length: 0,
        is_done: false,
    };
    for &cut in cuts.iter().chain([&body.len()]) {
        while decoded.length < cut && !decoded.is_done {
            let input = &body[decoded.length..cut];
            let event = chunked.next(input)?;
            assert!(event.data.is_some() || event.last_chunk || event.consumed == input.len());
            decoded
                .content
                .extend(event.data.map_or(&[][..], |data| &input[data]));
            decoded.length += event.consumed;
            decoded.is_done = event.last_chunk;
        }
    }
    Ok(decoded)
}

/// Relays `body` in the same way; returns bytes, bytes of content, and whether the last chunk came.
fn pass(body: &[u8], cuts: &[usize]) -> Result<(usize, u64, bool), Fault> {
    let mut chunked = Chunked::default();
    let (mut bytes, mut data, mut is_done) = (0, 0, false);
    for &cut in cuts.iter().chain([&body.len()]) {
        let passed = chunked.pass(&body[bytes.min(cut)..cut])?;
        bytes += passed.bytes;
        data += passed.data;
        is_done = passed.last_chunk;
    }
    Ok((bytes, data, is_done))
}

fn encode(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend(SizeLine::new(chunk.len() as u64).as_bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(SizeLine::new(0).as_bytes());
    body
}

/// Chunks with extensions and sizes of many spellings, up to and including the last-chunk line.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let extension = "([ \t]{0,2};[ \t]{0,2}[a-z!~]{1,5}([ \t]?=[ \t]?([a-z0-9]{1,5}|\"([ -!#-\\[\\]-~]|\\\\[ -~]){0,6}\"))?){0,3}";
    let chunk = (vec(any::<u8>(), 1..40), 0..4_usize, any::<bool>(), extension);
    (vec(chunk, 0..5), 1..17_usize, extension).prop_map(|(chunks, zeros, extension)| {
        let mut body = Vec::new();
        for (data, zeros, is_upper, extension) in chunks {
            let size = format!("{}{:x}", "0".repeat(zeros), data.len());
            let size = if is_upper { size.to_uppercase() } else { size };
            body.extend([size.as_bytes(), extension.as_bytes(), b"\r\n", &data, b"\r\n"].concat());
        }
        body.extend(format!("{}{extension}\r\n", "0".repeat(zeros)).into_bytes());
        body
    })
}

/// Bytes that are valid half of the time, else changed in one place, maybe with more behind them.
fn spoilt(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => select(&b"\r\n\0 \t;=\"\\0f"[..]), 1 => any::<u8>()];
    let tail = vec(any::<u8>(), 0..10);
    (valid, any::<Index>(), byte, 0..8_u8, tail).prop_map(|(mut body, place, byte, kind, tail)| {
        let place = place.index(body.len());
        match kind {
            0 => body.insert(place, byte),
            1 | 2 => body[place] = byte,
            3 => drop(body.remove(place)),
            _ => {}
        }
        body.extend(tail);
        body
    })
}
