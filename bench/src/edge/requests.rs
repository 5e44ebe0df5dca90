//! Small answers: over TLS with HTTP/1.1 and HTTP/2, and through a raw relay.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::scene::{Scene, Speaks};
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::load::{Counted, counted_by};
use crate::process::{Cores, pinned};
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};
use crate::turns::under;

pub(crate) static TLS_HTTP1: Trial = Trial {
    name: "tls-http1",
    title: "TLS 1.3, HTTP/1.1, 128 bytes, 64 kept connections",
    note: "Load by wrk; a backend without TLS.",
    entrants: ALL,
    columns: &[CPU, AGAINST_085, RATE, P99, ERRORS],
    turns: 1,
    run: |entrant, bench| measure(entrant, Speaks::Tls, bench, by_wrk_over_tls),
};

pub(crate) static TLS_HTTP2: Trial = Trial {
    name: "tls-http2",
    title: "TLS 1.3, HTTP/2, 128 bytes, 8 connections with 32 streams each",
    note: "Load by h2load; a backend without TLS, over HTTP/1.1.",
    entrants: ALL,
    columns: &[CPU, AGAINST_09, RATE, ERRORS],
    turns: 1,
    run: |entrant, bench| measure(entrant, Speaks::Tls, bench, by_h2load),
};

pub(crate) static TCP: Trial = Trial {
    name: "tcp-relay",
    title: "raw connections: 128 bytes, 64 of them, each request through the relay",
    note: "Load by wrk, which speaks HTTP with the backend; the proxies see bytes.",
    entrants: WITHOUT_NGINX,
    columns: &[CPU, AGAINST_11, RATE, P99, ERRORS],
    turns: 1,
    run: |entrant, bench| measure(entrant, Speaks::Raw, bench, by_wrk),
};

const PORTREEVE: Entrant = Entrant::new("portreeve", Contender::Portreeve, "").judged();
const NGINX: Entrant = Entrant::new("nginx", Contender::Nginx, "");
const HAPROXY: Entrant = Entrant::new("haproxy", Contender::Haproxy, "");
/// Who is measured, in the order of the report.
pub(super) const ALL: &[Entrant] = &[PORTREEVE, NGINX, HAPROXY];
const WITHOUT_NGINX: &[Entrant] = &[PORTREEVE, HAPROXY];

/// Microseconds of CPU per request.
const CPU: Column = Column::new(CPU_NAME, Unit::Micros);
const CPU_NAME: &str = "CPU per request";
const AGAINST_085: Column = against(0.85);
const AGAINST_09: Column = against(0.9);
const AGAINST_11: Column = against(1.1);
const RATE: Column = Column::new("requests/s", Unit::Count);
const P99: Column = Column::new("p99", Unit::Millis);
const ERRORS: Column = Column::new("errors", Unit::Count).target(Bound::AtMost(0.0));

const fn against(most: f64) -> Column {
    Column::new("against the better peer", Unit::Ratio)
        .of_best_peer(CPU_NAME)
        .target(Bound::AtMost(most))
}

type Load = fn(SocketAddr, Duration) -> Result<Counted, Fault>;

fn measure(entrant: &Entrant, speaks: Speaks, bench: &Bench<'_>, load: Load) -> Result<Figures, Fault> {
    let mut scene = Scene::start(entrant, speaks, bench.place)?;
    let address = scene.running.address;
    load(address, WARM_UP)?;
    let sample = under(
        &mut scene.running.process,
        || load(address, bench.length),
        Duration::ZERO,
    )?;
    Ok(BTreeMap::from([
        (CPU.name, sample.cpu_us),
        (RATE.name, sample.requests_per_second),
        (P99.name, sample.p99_us as f64),
        (ERRORS.name, sample.errors as f64),
    ]))
}

fn by_wrk(address: SocketAddr, length: Duration) -> Result<Counted, Fault> {
    wrk(&format!("http://{address}/small"), length)
}

fn by_wrk_over_tls(address: SocketAddr, length: Duration) -> Result<Counted, Fault> {
    wrk(&format!("https://{address}/small"), length)
}

fn wrk(url: &str, length: Duration) -> Result<Counted, Fault> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("load/report.lua");
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--timeout", "2s", "--connections", "64"]);
    // Without a name that a certificate is for, the first one is shown to all.
    command.args(["--header", "Host: bench.test"]);
    command.args(["--duration", &format!("{}s", length.as_secs().max(1))]);
    command.arg("--script").arg(script).arg(url);
    counted_by("wrk", &command, Cores::Second)
}

fn by_h2load(address: SocketAddr, length: Duration) -> Result<Counted, Fault> {
    let mut command = Command::new("h2load");
    command.args([
        "--clients",
        "8",
        "--max-concurrent-streams",
        "32",
        "--threads",
        "1",
    ]);
    command.args(["--duration", &length.as_secs().max(1).to_string()]);
    // h2load names the host of its URL in the handshake unless that is an address; the authority is then free.
    command.args(["--header", ":authority: bench.test"]);
    command.arg(format!("https://{address}/small"));
    let output = pinned(Cores::Second, &command)
        .output()
        .map_err(Fault::io("starting h2load"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    told(&text, length)
        .ok_or_else(|| Fault::Program(format!("h2load ended with {} and said:\n{text}", output.status)))
}

/// What h2load told at its end.
fn told(text: &str, length: Duration) -> Option<Counted> {
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let number = |text: &str, before: &str| -> Option<u64> {
        let end = text.find(before)?;
        text[..end]
            .split([' ', ','])
            .rfind(|word| !word.is_empty())?
            .parse()
            .ok()
    };
    let (requests, codes) = (line("requests: ")?, line("status codes: ")?);
    let good = number(codes, " 2xx")?;
    let failed = number(requests, " failed")?;
    let bad = number(codes, " 4xx")? + number(codes, " 5xx")?;
    Some(Counted::of(good, length, failed + bad))
}

const WARM_UP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_h2load_tells_is_read() {
        let text = "finished in 2.00s, 1000.50 req/s, 1.20MB/s\n\
                    requests: 2001 total, 2010 started, 2001 done, 1998 succeeded, 3 failed, 3 errored, 0 timeout\n\
                    status codes: 1998 2xx, 0 3xx, 1 4xx, 2 5xx\n";
        let counted = told(text, Duration::from_secs(2)).unwrap();
        assert_eq!((counted.requests, counted.errors()), (1998, 6));
        assert!((counted.requests_per_second() - 999.0).abs() < 1e-9);
        assert_eq!(
            told("no", Duration::from_secs(2)).map(|counted| counted.requests),
            None
        );
    }
}
