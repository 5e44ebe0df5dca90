//! The real binary as its users meet it, and what the documents say of it. One binary of tests, since each would link the
//! same again.

mod cli;
mod differential;
mod docs;
mod ledger_cli;
mod packets_cli;
mod real_clients;
mod registration_cli;
mod scale_cli;
mod shared;
