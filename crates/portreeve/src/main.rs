//! A reverse proxy and load balancer: one command in front of a pool.
//!
//! stdout is data, stderr is talk. Exit code 0: done; 1: failed; 2: used wrongly; 130 and 143: cut short by a second
//! SIGINT or SIGTERM while draining.

mod backend;
mod backends;
mod caller;
mod check;
mod cli;
mod demo;
mod end_signals;
mod failure;
mod ledger;
mod operator;
mod output;
mod packet_stream;
mod packets;
mod peer_address;
mod run;
mod runtime;
mod scale;
mod send;
mod serve;
mod table;
mod talk;
mod time;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => obey(cli).unwrap_or_else(|failure| failure.report()),
        Err(error) => explain(&error),
    }
}

fn obey(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        None => output::print(&Cli::command().render_long_help()),
        Some(Command::Serve(arguments)) => serve::serve(arguments),
        Some(Command::Check { file }) => check::check(&file),
        Some(Command::Ledger(command)) => ledger::ledger(&command),
        Some(Command::Run(arguments)) => run::run(arguments),
        Some(Command::Backends(arguments)) => backends::backends(arguments),
        Some(Command::Scale(arguments)) => scale::scale(arguments),
        Some(Command::Token(arguments)) => token::token(arguments),
        Some(Command::Demo) => demo::demo(),
        Some(Command::Backend(arguments)) => backend::backend(arguments),
        Some(Command::Send(arguments)) => send::send(&arguments),
        Some(Command::Packets(command)) => packets::packets(&command),
    }
}

/// Help and the version go to stdout with code 0, what was typed wrongly to stderr with code 2.
fn explain(error: &clap::Error) -> ExitCode {
    let _ = error.print(); // nobody is left to tell
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE))
}
