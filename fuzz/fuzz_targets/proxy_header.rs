//! Any bytes as a PROXY header: however they are split, the same is read, never a byte beyond it is asked for, and what
//! is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_preamble::{LENGTH_MAX, Preamble, Version, parse, write};

fuzz_target!(|bytes: &[u8]| {
    let whole = parse(bytes);
    for cut in 0..bytes.len() {
        match (parse(&bytes[..cut]), whole) {
            (Ok(None), Ok(Some(Preamble { length, .. }))) => assert!(cut < length),
            (Ok(None), _) => {}
            (sooner, whole) => assert_eq!(sooner, whole, "cut at {cut}"),
        }
    }
    let Ok(Some(Preamble { length, ends })) = whole else {
        assert!(whole.is_err() || bytes.len() < LENGTH_MAX);
        return;
    };
    assert!((15..=LENGTH_MAX).contains(&length) && length <= bytes.len());
    for version in [Version::V1, Version::V2] {
        let mut out = Vec::new();
        write(version, ends, &mut out);
        let again = parse(&out).expect("ours is a header").expect("all of it is here");
        assert_eq!(again.length, out.len());
        let plain = |ends: Option<portreeve_preamble::Ends>| {
            ends.map(|ends| {
                let (client, server) = (ends.client, ends.server);
                let told = |end: std::net::SocketAddr| (end.ip().to_canonical(), end.port());
                (told(client), told(server))
            })
        };
        assert_eq!(plain(again.ends), plain(ends));
    }
});
