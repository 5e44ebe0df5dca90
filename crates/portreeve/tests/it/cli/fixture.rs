//! The real binary as a child process, a backend to stand behind it, and just enough HTTP to talk to them.

mod backend;
mod http;
mod start;

pub(crate) use backend::Backend;
pub(crate) use http::Connection;
pub(crate) use portreeve_testkit::Scratch;
pub(crate) use start::run;

pub(crate) use crate::shared::{Outcome, PATIENCE, Program};
