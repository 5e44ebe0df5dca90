//! Starts and stops instances as containers, by the API of Docker Engine or of Podman, over a Unix socket or plain HTTP.
//!
//! The engine is the only memory: labels tell our containers from others, and what is remembered beside them may be lost.
//! An engine that is not there when a driver is made is no fault; each call says so until it is.
//!
//! What it does not do: TLS to the engine, credentials of registries (pull such images beforehand), published ports (a
//! backend is reached at its container's own address), restart policies of the engine (the scaler replaces).

mod container;
mod driver;
mod ending;
mod engine;
mod fault;
mod image;
mod lease;
mod notes;
mod output;
mod seat;
mod starting;
mod usage;

pub use driver::DockerDriver;
