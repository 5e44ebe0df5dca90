//! Any bytes as a ledger: never a panic, the same however they are split. A good ledger with any bytes put in the place
//! of some of its own: never a good one, unless it is as it was or lost lines at its end.
#![no_main]

use std::sync::LazyLock;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve_fuzz::split_off_cut;
use portreeve_ledger::{Bad, Chain, Head, SigningKey, Summary, Verifier};

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = split_off_cut(data) else {
        return;
    };
    alike_however_split(cut, bytes);
    let _ = Head::read(bytes);
    if let Some(([a, b, c, d], put)) = data.split_first_chunk::<4>() {
        let [from, to] = [[*a, *b], [*c, *d]].map(u16::from_be_bytes).map(usize::from);
        changes_are_found(from, to, put);
    }
});

fn alike_however_split(cut: usize, bytes: &[u8]) {
    let whole = verify(&[bytes]);
    assert_eq!(verify(&[&bytes[..cut], &bytes[cut..]]), whole);
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(verify(&each), whole);
}

fn changes_are_found(from: usize, to: usize, put: &[u8]) {
    let good = &*GOOD;
    let from = from % good.len();
    let to = from + to % (good.len() - from + 1);
    let changed = [&good[..from], put, &good[to..]].concat();
    if verify(&[&changed]).is_ok() {
        assert!(good.starts_with(&changed), "a change was not found");
    }
}

fn verify(pieces: &[&[u8]]) -> Result<Summary, Bad> {
    let mut verifier = Verifier::new();
    verifier.file("fuzz")?;
    for piece in pieces {
        verifier.feed(piece)?;
    }
    verifier.finish()
}

static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (mut chain, mut out) = (Chain::default(), Vec::new());
    let key = SigningKey::from_seed(&[1; 32]);
    chain.header(&key.public(), SystemTime::UNIX_EPOCH, &mut out);
    for _ in 0..3 {
        chain
            .append(b"{\"at\":\"x\",\"policy\":[\"eu\"]}", &mut out)
            .expect("it is a record");
        chain.head(&key, SystemTime::UNIX_EPOCH, &mut out);
    }
    out
});
