//! What starts and stops instances of backends: one interface, and the drivers for processes and for the operator's own
//! commands. Those that need a large library are crates of their own.
//!
//! A driver decides nothing: how many there are to be, who leaves, and when to try again is said by the scaler. It keeps no
//! list either: what there is, it finds out from where it is, so that a proxy that was killed finds everything again.

mod aside;
mod driver;
mod environment;
mod exec;
mod fault;
mod fill;
mod folder;
mod id;
mod instance;
mod last_words;
mod lead;
mod process;
mod readable;
mod secret;
mod system_fault;
#[cfg(test)]
mod testing;

pub use driver::{Driver, Pending};
pub use exec::ExecDriver;
pub use fault::DriverFault;
pub use instance::{Ended, Found, FoundState, Leadership, Order, Started, Stop, Usage};
pub use process::ProcessDriver;
pub use readable::readable;
pub use secret::Secret;
