//! Serving a client's connection, one version a file; every request ends in `answer`.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod h1;
pub(crate) mod h2;
mod inbound;
mod misplaced;
mod own;
pub(crate) mod packets;
pub(crate) mod plain;
mod registration;
pub(crate) mod tcp;

pub(crate) use inbound::refusal as inbound_refusal;
