//! The app behind the pools: `bench-backend` as a driver starts it.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portreeve_bench::Client;

use crate::contender::{Place, free_address};
use crate::fault::Fault;

/// How it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct App {
    /// From its start until it listens.
    pub(super) pause: Duration,
    /// For each request, of any number at once.
    pub(super) service: Duration,
}

impl App {
    /// As the driver of a pool.
    pub(super) fn driver(self, place: &Place) -> String {
        let words = self.words(place, "{port}");
        let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        format!("driver = {{ process = [{}] }}", words.join(", "))
    }

    /// How long it takes from its start until it has answered, with nobody between.
    pub(super) fn own_start(self, place: &Place) -> Result<Duration, Fault> {
        let address = free_address()?;
        let words = self.words(place, &address.port().to_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        let start = Instant::now();
        let child = command.spawn().map_err(Fault::io("starting bench-backend"))?;
        let _ends = Ends(child);
        while start.elapsed() < START_MAX {
            if is_answered(address) {
                return Ok(start.elapsed());
            }
            std::thread::sleep(LOOK);
        }
        Err(Fault::Program("bench-backend did not start".to_owned()))
    }

    fn words(self, place: &Place, port: &str) -> [String; 5] {
        [
            place.programs.join("bench-backend").display().to_string(),
            "127.0.0.1".to_owned(),
            port.to_owned(),
            self.pause.as_millis().to_string(),
            self.service.as_micros().to_string(),
        ]
    }
}

/// Kills it when dropped.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_answered(address: SocketAddr) -> bool {
    let answer = Client::new(address).ask("GET", "/small", "", "");
    answer.is_ok_and(|answer| answer.status == 200)
}

const START_MAX: Duration = Duration::from_secs(10);
/// Between two tries to connect.
const LOOK: Duration = Duration::from_micros(200);
