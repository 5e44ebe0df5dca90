//! The programs that speak packets: `backend`, `send` and `packets`, against scripted peers.

mod backend;
mod examples;
mod fixture;
mod generate;
mod send;
mod terminal;
