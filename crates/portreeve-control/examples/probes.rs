//! What it costs to probe 500 backends each second, by each check that needs a connection.
//!
//! `cargo run --release -p portreeve-control --example probes [BACKENDS [SECONDS]]`. The backends answer in a process of
//! their own, so that what is counted is the prober's; on loopback, though, the kernel does much of the other end's
//! work in the name of who sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use portreeve_control::{ControlSettings, Controller};
use portreeve_model::plan::{Check, HttpCheck, Plan, PoolPlan, ProbePlan, Target, TargetAddress};
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let mut words = std::env::args().skip(1);
    let first = words.next();
    if first.as_deref() == Some(SERVE) {
        return serve();
    }
    let number =
        |word: Option<String>, or: u16| word.map_or(or, |word| word.parse().expect("it is a number"));
    let (backends, seconds) = (number(first, 500), number(words.next(), 10));
    let mut server = server();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let checks = [Check::Connect, Check::Packet, Check::Http(HttpCheck::default())];
    for check in checks {
        runtime.block_on(measure(check, server.port, backends, seconds));
    }
    server.end();
}

async fn measure(check: Check, port: u16, backends: u16, seconds: u16) {
    let kind = check.code();
    let plan = plan(check, port, backends);
    let controller = Controller::start(plan, 1, ControlSettings::default())
        .await
        .expect("nothing is kept");
    let door = controller.door();
    let passed = || door.probes().totals().map(|totals| totals.passed).sum::<u64>();
    // Until they are no longer in step.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (before, start, probes) = (cpu(), Instant::now(), passed());
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    let (spent, took, probes) = (cpu() - before, start.elapsed(), passed() - probes);
    let failed: u64 = door.probes().totals().map(|totals| totals.failed).sum();
    let rate = probes as f64 / took.as_secs_f64();
    say(&format!(
        "{kind}: {rate:.0} probes/s, {:.2} % of a core, {:.1} us of CPU each, {failed} failed",
        100.0 * spent.as_secs_f64() / took.as_secs_f64(),
        spent.as_secs_f64() * 1e6 / probes as f64,
    ));
    controller.stop().await;
}

/// Each at an address of its own.
fn plan(check: Check, port: u16, backends: u16) -> Plan {
    let address =
        |number: u16| SocketAddr::from(([127, 9, number.to_be_bytes()[0], number.to_be_bytes()[1]], port));
    let targets = (0..backends).map(|number| Target::new(TargetAddress::Socket(address(number))));
    let pool = PoolPlan {
        targets: targets.collect(),
        probe: Some(ProbePlan {
            every: Duration::from_secs(1),
            ..ProbePlan::new(check)
        }),
        ..PoolPlan::empty("api".into())
    };
    Plan {
        pools: vec![pool],
        ..Plan::default()
    }
}

/// This program once more, as all of the backends.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn end(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it was killed");
    }
}

fn server() -> Server {
    let own = std::env::current_exe().expect("we run");
    let mut child = Command::new(own)
        .arg(SERVE)
        .stdout(Stdio::piped())
        .spawn()
        .expect("what runs can be run");
    let out = child.stdout.take().expect("it is piped");
    let mut port = String::new();
    BufReader::new(out)
        .read_line(&mut port)
        .expect("it says its port");
    Server {
        child,
        port: port.trim().parse().expect("a port"),
    }
}

/// Takes every connection, answers whoever says something, and waits for the end.
fn serve() {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port is free");
    say(&listener.local_addr().expect("it is bound").port().to_string());
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let listener = listener.try_clone().expect("descriptors are left");
            thread::spawn(move || listener.incoming().flatten().for_each(answer))
        })
        .collect();
    for worker in workers {
        worker.join().expect("it serves for ever");
    }
}

fn answer(mut connection: TcpStream) {
    let mut asked = [0; 1_024];
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    if matches!(connection.read(&mut asked), Ok(1..)) {
        // Who has gone does not read it.
        let _ = connection.write_all(answer);
    }
}

/// User and system time of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("it is not negative")
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}"); // nobody may be reading
}

const SERVE: &str = "serve";
