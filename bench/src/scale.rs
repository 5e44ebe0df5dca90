//! The suite scale: pools that grow and shrink by themselves, from zero to many. Nothing else does this outside Kubernetes, so
//! nobody stands beside Portreeve here; each part has targets of its own.

mod admin;
mod app;
mod held;
mod idle;
mod scene;
mod step;
mod wake;

use crate::trial::Trial;

/// In the order of the report.
pub(crate) static TRIALS: [&Trial; 4] = [&wake::WAKE, &held::HELD, &step::STEP, &idle::IDLE];
