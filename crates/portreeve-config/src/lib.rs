//! The configuration file and flags: raw to checked, all faults at once.
//!
//! [`parse()`] reads the text of a file, [`read()`] a file, [`from_flags`] the flags of `serve` without a file. All three
//! give a [`Config`] in which every default is filled in and every name is known, or every fault there is, each
//! with its line, its key, what was found and what is allowed. [`print()`] writes the file that says the same.
//!
//! Looks up no host, opens no socket, changes nothing. From the machine it takes two defaults, the number of cores and
//! the folder for state, and the HTML of waiting pages where a file names one. Certificates and keys are named here, and
//! read elsewhere.

mod acme;
mod balance;
mod certificate;
mod command;
mod config;
mod defaults;
mod demand;
mod document;
mod duration;
mod fault;
mod findings;
mod flags;
mod host;
mod item;
mod known;
mod ledger;
mod limits;
mod list;
mod listener;
mod matching;
mod members;
mod mend;
mod nearest;
mod network;
mod packets;
mod parse;
mod percent;
mod place;
mod policy;
mod pool;
mod print;
mod quantity;
mod read;
mod registration;
mod route;
mod san;
mod section;
mod size;
mod status;
mod target;
mod warnings;
mod whole;
mod word;
mod zero;

pub use config::{AccessLog, AccessLogTo, Config, LogFormat};
pub use fault::{Fault, Faults};
pub use flags::{Flags, from_flags};
pub use ledger::LedgerConfig;
pub use parse::parse;
pub use print::print;
pub use read::{ReadError, read};
