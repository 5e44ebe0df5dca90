//! Ledgers as they were written are good; whatever is done to them is found, and named.

mod sample;

mod files;
mod kept;
mod properties;
mod tampered;
