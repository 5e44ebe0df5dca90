//! `portreeve run`, `backends` and `token` as their users meet them: against a scripted proxy for what a real one does
//! rarely, and against the real one for the rest.

mod backends;
mod documented;
mod fixture;
mod real;
mod run;
mod run_end;
mod token;
