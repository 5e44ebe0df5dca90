//! Builds in release mode what the benchmark needs, then hands over to it (`bench/src/main.rs`).

use crate::program::{Failure, Program, target};

/// Arguments go to the benchmark as they are.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    Program::cargo()
        .words("build --quiet --release -p portreeve-bench")
        .run()?;
    if measures_portreeve(arguments) {
        Program::cargo()
            .words("build --quiet --release -p portreeve")
            .run()?;
    }
    Program::new(target().join("release/portreeve-bench"))
        .args(arguments)
        .run()
}

/// A run may be about the others alone.
fn measures_portreeve(arguments: &[String]) -> bool {
    let mut rest = arguments.iter();
    match rest.find(|argument| *argument == "--contenders") {
        Some(_) => rest
            .next()
            .is_some_and(|names| names.split(',').any(|name| name == "portreeve")),
        None => !arguments
            .iter()
            .any(|argument| argument == "--redraw" || argument == "--help"),
    }
}
