//! Pools that grow and shrink, as their users meet them: the real binary, real processes as its instances.

mod documented;
mod example;
mod fixture;
mod observe;
mod policies;
mod reload;
mod replacement;
mod restart;
mod trouble;
mod wake;
