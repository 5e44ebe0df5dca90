use std::io::{self, Write};
use std::net::TcpListener;

/// Listens on a free port of 127.0.0.1, prints the address as a line on stdout, and never blocks.
///
/// # Errors
/// When there is no socket or no port to be had, or stdout is closed.
pub fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // The queue of 128 that std asks for overflows when 1000 connections come at once; each lost one waits a second.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    Ok(listener)
}

const BACKLOG: i32 = 4096;
