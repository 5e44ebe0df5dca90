//! The binary as a user meets it: what it prints, its exit codes, signals, files.

mod access_log;
mod check;
mod demo;
mod deploy;
mod drain;
mod edge;
mod fixture;
mod print_config;
mod reload;
mod start;
mod systemd;
mod unread_stderr;
mod usage;
