//! Any bytes as the beginning of a TLS handshake, in any records: nothing panics, no prefix says anything else than that
//! more is needed, and what is said is bounded by what was sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_tls::{HELLO_MAX, HelloScan, HelloStep, Peeked, peek_hello};

fuzz_target!(|data: &[u8]| {
    let whole = peek_hello(data);
    if let Peeked::Hello { server_name, alpn } = &whole {
        let said: usize = alpn.iter().map(Vec::len).sum();
        assert!(server_name.as_ref().map_or(0, String::len) + said <= data.len().min(HELLO_MAX));
        assert_eq!(
            server_name.as_ref().map(|name| name.to_ascii_lowercase()),
            *server_name
        );
    }
    let cuts = [1, 5, 9, data.len() / 2, data.len().saturating_sub(1)];
    for cut in cuts.into_iter().filter(|cut| *cut < data.len()) {
        match peek_hello(&data[..cut]) {
            Peeked::NeedMore => {}
            sooner => assert_eq!(sooner, whole, "cut at {cut}"),
        }
    }
    // However it comes, the same is said of it; where it is whole, at the same byte.
    let (mut at_once, mut by_byte) = (HelloScan::within(HELLO_MAX), HelloScan::within(HELLO_MAX));
    let verdict = at_once.advance(data);
    let last = data.iter().map(|byte| by_byte.advance(&[*byte])).last();
    match verdict {
        HelloStep::NeedMore | HelloStep::Record => assert_eq!(by_byte.seen(), data.len()),
        HelloStep::Whole => assert_eq!((last, by_byte.seen()), (Some(verdict), at_once.seen())),
        HelloStep::NotHello | HelloStep::TooMuch => assert_eq!(last, Some(verdict)),
    }
    // The same message in records of its own, as a client may split it.
    if let (Peeked::Hello { .. }, Some((&[22, 3, minor, ..], message))) =
        (&whole, data.split_first_chunk::<5>())
        && usize::from(u16::from_be_bytes([data[3], data[4]])) == message.len()
        && message.len() < 2_000
    {
        let split: Vec<u8> = message
            .chunks(100)
            .flat_map(|part| {
                [
                    &[22, 3, minor, 0, u8::try_from(part.len()).expect("at most 100")],
                    part,
                ]
                .concat()
            })
            .collect();
        assert_eq!(peek_hello(&split), whole);
    }
});
