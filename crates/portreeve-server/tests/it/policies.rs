//! Duty: no request ever meets a backend that does not uphold what it demands, whatever goes wrong on its way: one test
//! for each way that it may take, and random histories of everything at once.

mod histories;
mod paths;
mod refusals;
mod server;
mod world;
