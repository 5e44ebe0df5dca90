//! Opens keep-alive connections one after the other, does one request on each and holds them all.
//!
//! `bench-idle PROXY COUNT [tls]` prints the count once all are held, and lets go of them when its stdin ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use portreeve_bench::tls;

fn main() -> io::Result<()> {
    let (proxy, count) =
        arguments().ok_or_else(|| io::Error::other("usage: bench-idle PROXY_IP:PORT COUNT"))?;
    let over_tls = std::env::args().nth(3).is_some_and(|word| word == "tls");
    let config = tls::config();
    let hold = |_| -> io::Result<Held> {
        Ok(match over_tls {
            true => Box::new(asked(tls::connect(&config, proxy)?)?),
            false => Box::new(asked(TcpStream::connect(proxy)?)?),
        })
    };
    let held = (0..count).map(hold).collect::<io::Result<Vec<_>>>()?;
    writeln!(io::stdout(), "{}", held.len())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn arguments() -> Option<(SocketAddr, usize)> {
    let mut arguments = std::env::args().skip(1);
    Some((arguments.next()?.parse().ok()?, arguments.next()?.parse().ok()?))
}

/// A connection that is open for as long as it is there.
type Held = Box<dyn std::any::Any>;

/// The connection, with one answer behind it.
fn asked<S: Read + Write>(mut stream: S) -> io::Result<S> {
    stream.write_all(b"GET /small HTTP/1.1\r\nHost: bench.test\r\n\r\n")?;
    let mut answer = BufReader::new(&mut stream);
    let length = head(&mut answer)?;
    answer.read_exact(&mut vec![0; length])?;
    Ok(stream)
}

/// Reads a head that says 200 and returns its Content-Length.
fn head(answer: &mut impl BufRead) -> io::Result<usize> {
    let mut line = String::new();
    answer.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("expected 200, found {line:?}")));
    }
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        if answer.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        let value = lower
            .strip_prefix("content-length:")
            .and_then(|value| value.trim().parse().ok());
        length = value.unwrap_or(length);
    }
    Ok(length)
}
