//! How many backends a pool is to have, and what becomes of each of them.
//!
//! One fleet is decided about at a time, in two steps that know no clock and do nothing themselves:
//!
//! 1. [`Seen`] is what was measured. [`Scaler::sample`] takes it in between two decisions, [`Scaler::decide`] makes a
//!    [`Decision`] of it: what each rule of the fleet's plan wishes ([`Wish`]), what holds the largest of them back
//!    ([`Bound`]), and the size that comes of it.
//! 2. A [`Fleet`] keeps its instances at that size: each [`step`](Fleet::step) says what is to be done ([`Act`]), by what
//!    the registry says of their backends ([`Look`]) and what came of the acts before.
//!
//! In the order of a decision: `load` (what is under way, over a period), `counted` (requests in a time), `rules` (what each
//! rule wishes) with `schedule`, `firm` (what is wished whatever paces say) with `rest` (how long nobody has asked),
//! `weighing` (from wishes to one size), `pace` (how fast it may change) with `recent` (what was wished of late) and `regret`
//! (whether it was a mistake to shrink).

mod counted;
mod decision;
mod firm;
mod fleet;
mod kind;
mod load;
mod pace;
mod recent;
mod regret;
mod rest;
mod rules;
mod scaler;
mod schedule;
mod seen;
mod weighing;

pub use decision::{Bound, Decision, Wish};
pub use fleet::{
    Act, Fleet, FleetEvent, FleetEventKind, FoundInstance, Instance, InstanceState, Look, Sizes,
};
pub use kind::{BoundKind, RuleKind};
pub use scaler::Scaler;
pub use seen::Seen;
