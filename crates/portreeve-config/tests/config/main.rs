//! What files and flags mean, what is refused and in which words, and that nothing is lost in printing.

mod edge;
mod faults;
mod flags;
mod generate;
mod meaning;
mod policies;
mod reference;
mod resilience;
mod roundtrip;
mod scale;
mod syntax;

use portreeve_config::{Config, Fault, parse};

/// The meaning of a file that has no faults.
fn sound(source: &str) -> Config {
    parse(source).unwrap_or_else(|faults| panic!("{faults}\nin:\n{source}"))
}

/// All faults of a file that has some.
fn faults(source: &str) -> Vec<Fault> {
    parse(source).expect_err("a fault").iter().cloned().collect()
}

/// The one fault of a file that has one.
fn fault(source: &str) -> Fault {
    let faults = faults(source);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults[0].clone()
}
