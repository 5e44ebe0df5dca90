//! How connections are secured and carried: what is meant, what is refused and what is warned of.

mod flags;
mod meant;
mod refused;
mod warned;
