//! Prints how many nanoseconds the codec takes for typical messages: `cargo run --release -p portreeve-http1
//! --example timing`. For eyes, not for tests: a busy machine gives other numbers.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use portreeve_http1::{
    Chunked, Head, HeadLimits, HeadScan, keeps_alive, parse_request, parse_response, request_framing,
    response_framing,
};

fn main() -> io::Result<()> {
    let limits = HeadLimits::default();
    let mut head = Head::new();
    let mut out = io::stdout();
    for (name, bytes) in [("browser", BROWSER), ("curl", CURL), ("hey", SMALL)] {
        let scan = nanoseconds(|| black_box(HeadScan::default().advance(black_box(bytes), &limits)));
        let parse = nanoseconds(|| {
            let line = parse_request(black_box(bytes), &limits, &mut head).expect("the sample is valid");
            black_box((request_framing(&line, &head), keeps_alive(line.version, &head)))
        });
        writeln!(
            out,
            "request {name:8} {:4} bytes: scan {scan:4.0} ns, parse and framing {parse:4.0} ns",
            bytes.len()
        )?;
    }
    let scan = nanoseconds(|| black_box(HeadScan::default().advance(black_box(RESPONSE), &limits)));
    let parse = nanoseconds(|| {
        let line = parse_response(black_box(RESPONSE), &limits, &mut head).expect("the sample is valid");
        black_box((
            response_framing(b"GET", &line, &head),
            keeps_alive(line.version, &head),
        ))
    });
    writeln!(
        out,
        "response {:13} bytes: scan {scan:4.0} ns, parse and framing {parse:4.0} ns",
        RESPONSE.len()
    )?;
    let body = [&b"1000\r\n"[..], &[b'x'; 4096], b"\r\n"].concat().repeat(16);
    let pass = nanoseconds(|| black_box(Chunked::default().pass(black_box(&body))));
    writeln!(out, "chunked 16 chunks of 4 KiB: pass {pass:4.0} ns")
}

/// The least time of several rounds, as the machine has other work too.
fn nanoseconds<T>(mut act: impl FnMut() -> T) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..50 {
        let start = Instant::now();
        for _ in 0..4000 {
            black_box(act());
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / 4000.0);
    }
    best
}

const BROWSER: &[u8] = b"GET /products/42?ref=start&page=3 HTTP/1.1\r\n\
Host: shop.example.com\r\n\
Connection: keep-alive\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
Accept-Encoding: gzip, deflate, br, zstd\r\n\
Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
Referer: https://shop.example.com/products?page=3\r\n\
Cookie: session=0a1b2c3d4e5f60718293a4b5c6d7e8f9; theme=dark; consent=yes\r\n\r\n";

const CURL: &[u8] =
    b"GET /api/items HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n";

const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
Date: Sun, 22 Nov 2026 04:00:00 GMT\r\n\
Content-Type: application/json; charset=utf-8\r\n\
Content-Length: 128\r\n\
Cache-Control: no-store\r\n\
Vary: Accept-Encoding\r\n\
Server: origin\r\n\r\n";
