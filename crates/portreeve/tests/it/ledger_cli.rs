//! `portreeve ledger` as a user meets it: on files that were tampered with, and on those of a real proxy.

mod fixture;
mod serve;
mod show;
mod verify;
