//! Keeps each fleet at its size: reads the figures that the data plane counts, asks the model what size that means and what
//! is to be done, and has drivers do it.
//!
//! One task owns all fleets. What takes long (a driver, a registration) runs in tasks of its own that tell the one task how
//! it ended. It has no private way into the registry: what it starts registers by the [`Door`](portreeve_control::Door) that
//! is open to all, with a token made for it.

mod clock;
mod membership;
mod names;
mod overseer;
mod records;
mod rollcall;
mod run;
mod scaler;
mod start;
mod view;

pub use names::FleetKey;
pub use scaler::{MakeDriver, Scaler, ScalerSettings, ScalerView};
pub use view::{FleetState, InstanceState, Role};
