//! Any bytes as a body of the registration and admin API, and as a path: what is read is in its bounds and is read back
//! from what we write of it; what is refused is told shortly and in characters that print.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_api::{
    BODY_BYTES_MAX, BackendPath, DrainWish, Fault, Heartbeat, Registration, TokenWish, Whereabouts,
};
use serde::Serialize;

fuzz_target!(|data: &[u8]| {
    if let Some(said) = same(data, Registration::read) {
        assert_ne!(said.at, Whereabouts::Port(0));
        assert!(said.policies.len() <= Registration::POLICIES_MAX);
        assert!(
            said.policies
                .iter()
                .all(|policy| (1..=64).contains(&policy.len()))
        );
        assert!(said.weight.is_none_or(|weight| (1..=1_000).contains(&weight)));
        assert!(
            said.ttl
                .is_none_or(|ttl| (100..=365 * 86_400_000).contains(&ttl.as_millis()))
        );
    }
    if let Some(beat) = same(data, Heartbeat::read) {
        assert!(beat.load.is_none_or(|load| (0.0..=1.0).contains(&load)));
    }
    same(data, DrainWish::read);
    if let Some(wish) = same(data, TokenWish::read) {
        let lists = [&wish.pools, &wish.policies, &wish.networks];
        assert!(lists.into_iter().flatten().all(|list| !list.is_empty()));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        path(text);
    }
});

/// Reads `data`; if that can be done, what is written of it reads the same, to the millisecond.
fn same<T>(data: &[u8], read: fn(&[u8]) -> Result<T, Fault>) -> Option<T>
where
    T: Serialize + PartialEq + std::fmt::Debug,
{
    let said = read(data).map_err(|fault| is_told_well(&fault)).ok()?;
    assert!(data.len() <= BODY_BYTES_MAX);
    let once = written(&said);
    let again = read(&once).expect("what we wrote can be read");
    assert_eq!(written(&again), once);
    Some(said)
}

fn written(said: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(said).expect("it can be written")
}

fn path(text: &str) {
    match BackendPath::read(text) {
        Ok(path) => assert_eq!(BackendPath::read(&path.to_string()), Ok(path)),
        Err(fault) => is_told_well(&fault),
    }
}

fn is_told_well(fault: &Fault) {
    let told = fault.to_string();
    assert!(told.len() < 2_000, "{told}");
    assert!(!told.contains(char::is_control), "{told:?}");
    assert!(fault.field.as_ref().is_none_or(|field| field.len() < 1_000));
}
