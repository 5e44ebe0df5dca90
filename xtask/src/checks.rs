//! The checks that cargo itself brings.

use crate::program::{Failure, Program};

/// Formatting, without changing anything; the fuzz targets are a workspace of their own.
pub(crate) fn fmt() -> Result<(), Failure> {
    Program::cargo().words("fmt --all --check").run()?;
    Program::cargo()
        .words("fmt --manifest-path fuzz/Cargo.toml --check")
        .run()
}

/// Every lint over every target; warnings fail.
pub(crate) fn clippy() -> Result<(), Failure> {
    Program::cargo()
        .words("clippy --quiet --workspace --all-targets -- -D warnings")
        .run()
}

/// Rustdoc over every crate of ours; a broken link or a missing page fails.
pub(crate) fn doc() -> Result<(), Failure> {
    let arguments = "doc --quiet --workspace --no-deps --document-private-items";
    Program::cargo()
        .words(arguments)
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

/// Cargo.lock says what the manifests ask for.
pub(crate) fn lock() -> Result<(), Failure> {
    Program::cargo()
        .words("metadata --locked --format-version 1")
        .stdout()
        .map(drop)
}
