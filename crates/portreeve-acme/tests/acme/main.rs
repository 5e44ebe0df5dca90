//! The task against a real authority: pebble, with its challenge test server for DNS, over real sockets.
//!
//! Where pebble is not installed these tests say so and pass, unless `PORTREEVE_MUST_HAVE_PEBBLE=1`.

mod authority;
mod edge;
mod faults;
mod orders;
mod pebble;
mod renewals;
mod restarts;
mod stage;
