use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

/// Listens on a free port of this address, prints both as a line on stdout, and never blocks.
///
/// # Errors
/// When there is no socket or no port to be had, or stdout is closed.
pub fn listen(ip: [u8; 4]) -> io::Result<TcpListener> {
    let listener = listen_silently(ip)?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    Ok(listener)
}

/// As [`listen`], but prints nothing.
///
/// # Errors
/// When there is no socket or no port to be had.
pub fn listen_silently(ip: [u8; 4]) -> io::Result<TcpListener> {
    listen_at(ip, 0)
}

/// As [`listen_silently`], at this port.
///
/// # Errors
/// When there is no socket to be had, or the port is taken.
pub fn listen_at(ip: [u8; 4], port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from((ip, port)))?;
    // The queue of 128 that std asks for overflows when 1000 connections come at once; each lost one waits a second.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

const BACKLOG: i32 = 4096;
