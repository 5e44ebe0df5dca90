//! Backends by the registration API, over connections that are kept.
//!
//! `bench-registry fill PROXY PORT BACKENDS POLICIES` registers as many backends, each at an address of 127.0.0.0/8 of its
//! own with this port, and prints `ready` when all of them serve. The first three policies have two backends each,
//! whatever the number of the others, which share what is left.
//!
//! `bench-registry watch PROXY PORT COUNT` registers further ones, one after the other, each under a policy that nobody
//! upheld before, and asks for that policy until it is served. It prints one line of JSON: from the moment that the PUT
//! is sent, the time until it is answered and until the first request is served, p50 and p99 in microseconds.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use portreeve_bench::{Client, percentile};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["fill", proxy, port, backends, policies] => {
            let pool = Pool::at(proxy, port)?;
            fill(&pool, number(backends)?, number(policies)?)?;
            writeln!(io::stdout(), "ready")
        }
        ["watch", proxy, port, count] => {
            let line = watch(&Pool::at(proxy, port)?, number(count)?)?;
            writeln!(io::stdout(), "{line}")
        }
        _ => Err(io::Error::other(
            "usage: bench-registry fill PROXY PORT BACKENDS POLICIES | watch PROXY PORT COUNT",
        )),
    }
}

fn number(word: &str) -> io::Result<usize> {
    word.parse().map_err(io::Error::other)
}

/// The pool that is filled, and the port of all its backends.
struct Pool {
    proxy: SocketAddr,
    port: u16,
}

impl Pool {
    fn at(proxy: &str, port: &str) -> io::Result<Pool> {
        Ok(Pool {
            proxy: proxy.parse().map_err(io::Error::other)?,
            port: port.parse().map_err(io::Error::other)?,
        })
    }

    fn put(&self, client: &mut Client, id: &str, network: u8, number: usize, policy: &str) -> io::Result<()> {
        let address = format!(
            "127.{network}.{}.{}:{}",
            number / 250,
            number % 250 + 1,
            self.port
        );
        let body = json!({ "address": address, "policies": [policy] }).to_string();
        let answer = client.ask("PUT", &target(id), "", &body)?;
        match answer.status {
            200 | 201 => Ok(()),
            status => Err(refused("PUT", id, status, &answer.body)),
        }
    }
}

fn fill(pool: &Pool, backends: usize, policies: usize) -> io::Result<()> {
    thread::scope(|scope| {
        let share = |first: usize| {
            move || -> io::Result<()> {
                let mut client = Client::new(pool.proxy);
                let mine = || (first..backends).step_by(CONNECTIONS);
                for backend in mine() {
                    let policy = format!("policy-{}", policy_of(backend, policies));
                    pool.put(&mut client, &id(backend), 1, backend, &policy)?;
                }
                mine().try_for_each(|backend| wait_until_it_serves(&mut client, &id(backend)))
            }
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|first| scope.spawn(share(first))).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("it does not panic"))
    })
}

fn id(backend: usize) -> String {
    format!("backend-{backend}")
}

fn target(id: &str) -> String {
    format!("/v1/pools/api/backends/{id}")
}

/// Two backends for each of the first three policies; the rest for the others in turn.
fn policy_of(backend: usize, policies: usize) -> usize {
    match policies.checked_sub(FEW_POLICIES) {
        Some(others @ 1..) if backend >= 2 * FEW_POLICIES => {
            FEW_POLICIES + (backend - 2 * FEW_POLICIES) % others
        }
        _ => backend % FEW_POLICIES,
    }
}

fn wait_until_it_serves(client: &mut Client, id: &str) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        let answer = client.ask("GET", &target(id), "", "")?;
        let state: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if state["standing"] == "serving" {
            return Ok(());
        }
        if answer.status != 200 || begun.elapsed() > PATIENCE {
            return Err(refused("GET", id, answer.status, &answer.body));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn watch(pool: &Pool, count: usize) -> io::Result<Value> {
    let (mut writer, mut reader) = (Client::new(pool.proxy), Client::new(pool.proxy));
    let (mut answered, mut served) = (Vec::new(), Vec::new());
    for number in 0..count {
        let policy = format!("watched-{number}");
        // Both connections are there, and nobody is served under this policy yet.
        for client in [&mut writer, &mut reader] {
            if demand(client, &policy)? != 503 {
                return Err(io::Error::other(format!("{policy} was served before")));
            }
        }
        let begun = Instant::now();
        let times = thread::scope(|scope| {
            let reader = scope.spawn(|| first_served(&mut reader, &policy));
            pool.put(&mut writer, &policy, 2, number, &policy)?;
            let answered = begun.elapsed();
            let served = reader.join().expect("it does not panic")?;
            io::Result::Ok((answered, served.duration_since(begun)))
        })?;
        answered.push(micros(times.0));
        served.push(micros(times.1));
        writer.ask("DELETE", &target(&policy), "", "")?;
    }
    let summary =
        |times: &mut [u64]| json!({ "p50_us": percentile(times, 0.5), "p99_us": percentile(times, 0.99) });
    Ok(json!({ "answered": summary(&mut answered), "served": summary(&mut served) }))
}

/// When the first request with this policy was served; those before it were refused.
fn first_served(client: &mut Client, policy: &str) -> io::Result<Instant> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match demand(client, policy)? {
            200 => return Ok(Instant::now()),
            503 => {}
            status => return Err(refused("GET /small", policy, status, b"")),
        }
    }
    Err(refused("GET /small", policy, 503, b""))
}

/// The status of a request with this policy.
fn demand(client: &mut Client, policy: &str) -> io::Result<u16> {
    let field = format!("Privacy-Policy: {policy}\r\n");
    Ok(client.ask("GET", "/small", &field, "")?.status)
}

fn refused(method: &str, what: &str, status: u16, body: &[u8]) -> io::Error {
    let body = String::from_utf8_lossy(body);
    io::Error::other(format!("{method} of {what} got {status}: {body}"))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

const FEW_POLICIES: usize = 3;
const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_policies_have_two_backends_each_however_many_there_are() {
        for (backends, policies) in [(6, 3), (10_000, 1_000)] {
            let mut counts = vec![0; policies];
            for backend in 0..backends {
                counts[policy_of(backend, policies)] += 1;
            }
            assert_eq!(counts[..3], [2, 2, 2]);
            assert!(counts.iter().all(|&count| count > 0), "{policies}");
        }
    }
}
