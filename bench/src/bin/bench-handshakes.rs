//! Makes whole TLS handshakes, each on a connection of its own with one request, 16 at a time.
//!
//! `bench-handshakes PROXY SECONDS` prints what it counted as one line of JSON.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use portreeve_bench::tls;
use rustls::ClientConfig;

fn main() -> io::Result<()> {
    let (proxy, seconds) =
        arguments().ok_or_else(|| io::Error::other("usage: bench-handshakes PROXY_IP:PORT SECONDS"))?;
    let config = tls::config();
    let (done, broken) = (AtomicU64::new(0), AtomicU64::new(0));
    let begin = Instant::now();
    let until = begin + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while Instant::now() < until {
                    match one(&config, proxy) {
                        Ok(()) => done.fetch_add(1, Relaxed),
                        Err(_) => broken.fetch_add(1, Relaxed),
                    };
                }
            });
        }
    });
    let micros = begin.elapsed().as_micros();
    writeln!(
        io::stdout(),
        "{{\"requests\":{},\"duration_us\":{micros},\"p50_us\":0,\"p99_us\":0,\"p999_us\":0,\"bad_status\":0,\
         \"broken\":{},\"timeouts\":0}}",
        done.load(Relaxed),
        broken.load(Relaxed)
    )
}

fn arguments() -> Option<(SocketAddr, u64)> {
    let mut arguments = std::env::args().skip(1);
    Some((arguments.next()?.parse().ok()?, arguments.next()?.parse().ok()?))
}

fn one(config: &Arc<ClientConfig>, proxy: SocketAddr) -> io::Result<()> {
    let mut stream = tls::connect(config, proxy)?;
    stream.write_all(b"GET /small HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    if &start != b"HTTP/1.1 200" {
        return Err(io::Error::other("not 200"));
    }
    Ok(())
}

const AT_ONCE: usize = 16;
