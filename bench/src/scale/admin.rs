//! What the proxy says of its fleets.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use portreeve_bench::Client;
use serde::Deserialize;

use crate::fault::Fault;

/// Its admin listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admin(pub(super) SocketAddr);

/// As much of a fleet's state as is looked at.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Fleet {
    pub(super) size: u32,
    pub(super) instances_by_state: States,
    pub(super) instances: Vec<Instance>,
    pub(super) decision: Option<Decision>,
    pub(super) events: Events,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct States {
    pub(super) serving: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Instance {}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Decision {
    pub(super) age_ms: u64,
    pub(super) to: u32,
}

/// How often something happened to its instances.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Events {
    pub(super) ordered: u64,
}

impl Admin {
    /// The only fleet.
    pub(super) fn fleet(self) -> Result<Fleet, Fault> {
        let answer = Client::new(self.0)
            .with_host(HOST)
            .ask("GET", "/v1/fleets", "", "");
        let answer = answer.map_err(Fault::io("asking for fleets"))?;
        let list: List = serde_json::from_slice(&answer.body)
            .map_err(|fault| Fault::Program(format!("the list of fleets: {fault}")))?;
        let first = list.fleets.into_iter().next();
        first.ok_or_else(|| Fault::Program("no fleet is listed".to_owned()))
    }

    /// Waits until nothing of it runs.
    pub(super) fn until_empty(self) -> Result<(), Fault> {
        let start = Instant::now();
        while start.elapsed() < EMPTY_MAX {
            let fleet = self.fleet()?;
            if fleet.size == 0 && fleet.instances.is_empty() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err(Fault::Program("the pool did not shrink to zero".to_owned()))
    }

    /// What happens in the registry from about now on; the head of the answer comes with the first event.
    pub(super) fn follow(self) -> Result<Feed, Fault> {
        let stream = TcpStream::connect(self.0).map_err(Fault::io("following events"))?;
        let asked = write!(&stream, "GET /v1/events HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        asked.map_err(Fault::io("following events"))?;
        let timeout = stream.set_read_timeout(Some(EMPTY_MAX));
        timeout.map_err(Fault::io("following events"))?;
        Ok(Feed(BufReader::new(stream)))
    }
}

#[derive(Deserialize)]
struct List {
    fleets: Vec<Fleet>,
}

/// Lines of JSON, in chunks.
pub(super) struct Feed(BufReader<TcpStream>);

#[derive(Deserialize)]
struct Line {
    at: String,
    event: String,
}

impl Feed {
    /// When the next backend passed its first probe, on the wall clock.
    pub(super) fn next_up(&mut self) -> Result<Wall, Fault> {
        loop {
            let line = self.line()?;
            let Ok(line) = serde_json::from_str::<Line>(&line) else {
                continue; // the head, or what frames a chunk
            };
            if line.event == "up" {
                let at = Wall::read(&line.at);
                return at.ok_or_else(|| Fault::Program(format!("an event at {}", line.at)));
            }
        }
    }

    fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => Err(Fault::Program("the events ended".to_owned())),
            Ok(_) => Ok(line),
            Err(fault) => Err(Fault::io("following events")(fault)),
        }
    }
}

/// A time of day on the clock of this machine, which the proxy has too; in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wall(u64);

impl Wall {
    pub(super) fn now() -> Wall {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let day = unix.as_secs() % DAY_S;
        Wall(day * 1000 + u64::from(unix.subsec_millis()))
    }

    /// From then until now, within a day.
    pub(super) fn elapsed_ms(self) -> u64 {
        (Wall::now().0 + DAY_S * 1000 - self.0) % (DAY_S * 1000)
    }

    /// Of RFC 3339 with milliseconds and in UTC: `2026-11-22T14:42:08.502Z`.
    fn read(text: &str) -> Option<Wall> {
        let time = text.split_once('T')?.1.strip_suffix('Z')?;
        let (time, millis) = time.split_once('.')?;
        let mut parts = time.splitn(3, ':').map(str::parse::<u64>);
        let mut next = || parts.next()?.ok();
        let [hours, minutes, seconds] = [next()?, next()?, next()?];
        Some(Wall(
            (hours * 3600 + minutes * 60 + seconds) * 1000 + millis.parse::<u64>().ok()?,
        ))
    }
}

/// Others are refused there.
const HOST: &str = "localhost";
const DAY_S: u64 = 24 * 3600;
const EMPTY_MAX: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_to_the_millisecond() {
        assert_eq!(Wall::read("2026-11-22T01:02:03.004Z"), Some(Wall(3_723_004)));
        assert_eq!(Wall::read("2026-11-22"), None);
    }
}
