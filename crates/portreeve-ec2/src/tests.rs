//! The whole driver, against moto (an emulation of the AWS API) and against scripted peers.

mod leading;
mod life;
mod means;
mod moto;
mod peer;
mod refusals;
mod secrets;
