//! Containers.

use portreeve_model::plan::DockerPlan;

use super::table;
use crate::item::Item;
use crate::pool::scale::command::CONTAINER;
use crate::quantity::{bytes, count};
use crate::section::Section;
use crate::target::target;
use crate::word::{Complaint, socket_path};

/// Reads `docker` and what goes with it.
pub(super) fn read(section: &mut Section<'_>) -> Option<DockerPlan> {
    let image = section.word("docker", image);
    let port = section.need("port", PORT);
    let port = port.and_then(|item| count(1..=u16::MAX).read(&item));
    let command = section.get("command").map(|item| CONTAINER.read(&item));
    let env = table::environment(section);
    let memory = section.get("memory");
    let memory_bytes = memory.and_then(|item| bytes(MEMORY_MIN..=MEMORY_MAX).read(&item));
    let cpu_thousandths = section.get("cpus").and_then(|item| cpus(&item));
    let network = section.word("network", network);
    let labels = table::labels(section);
    let endpoint = section.word("endpoint", endpoint);
    Some(DockerPlan {
        endpoint: endpoint.unwrap_or_else(|| ENDPOINT.to_owned()),
        image: image?,
        command: command.flatten().unwrap_or_default(),
        env,
        port: port?,
        memory_bytes,
        cpu_thousandths,
        network,
        labels,
    })
}

/// Writes a number of CPUs.
pub(crate) fn show_cpus(thousandths: u32) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number of CPUs such as `0.5`.
fn cpus(item: &Item<'_>) -> Option<u32> {
    let read = item.decimal().and_then(|text| thousandths(&text));
    let read = read.filter(|thousandths| CPUS.contains(thousandths));
    if read.is_none() {
        item.refuse(Complaint::new(CPUS_ALLOWED));
    }
    read
}

/// At most three digits after the point.
fn thousandths(number: &str) -> Option<u32> {
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_good = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = whole.parse::<u32>().ok().filter(|_| is_good)?;
    let part = format!("{part:0<3}").parse::<u32>().ok()?;
    whole.checked_mul(1_000)?.checked_add(part)
}

fn image(text: &str) -> Result<String, Complaint> {
    named(text, "an image such as \"registry.example.com/api:1.2\"")
}

fn network(text: &str) -> Result<String, Complaint> {
    named(text, "the name of a network such as \"shop\"")
}

fn named(text: &str, allowed: &str) -> Result<String, Complaint> {
    let is_good =
        (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_good
        .then(|| text.to_owned())
        .ok_or_else(|| Complaint::new(allowed))
}

/// Where an engine listens, without TLS.
fn endpoint(text: &str) -> Result<String, Complaint> {
    let complaint =
        Complaint::new("an engine's address such as \"unix:///run/docker.sock\" or \"tcp://10.0.0.7:2375\"");
    let is_good = match text.split_once("://") {
        Some(("unix", path)) => path.starts_with('/') && socket_path(path).is_ok(),
        Some(("tcp" | "http", host)) => target(host).is_ok() && !host.starts_with("unix:"),
        Some(("https", _)) => return Err(complaint.hint("TLS to engines is not there yet")),
        _ if text.starts_with('/') => return Err(complaint.hint(format!("perhaps \"unix://{text}\""))),
        _ => false,
    };
    is_good.then(|| text.to_owned()).ok_or(complaint)
}

/// Where the engine is by default.
pub(crate) const ENDPOINT: &str = "unix:///var/run/docker.sock";
const PORT: &str = "the port at which it listens inside, such as 8000";
/// Less, and engines refuse it.
const MEMORY_MIN: u64 = 6 << 20;
const MEMORY_MAX: u64 = 1 << 50;
/// In thousandths; less than a hundredth of a CPU engines refuse.
const CPUS: std::ops::RangeInclusive<u32> = 10..=1_024_000;
const CPUS_ALLOWED: &str =
    "a number of CPUs such as 0.5, from 0.01 to 1,024, with at most three digits after the point";
const NAME_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_counted_in_thousandths() {
        assert_eq!(
            [thousandths("0.5"), thousandths("2"), thousandths("1.125")],
            [Some(500), Some(2_000), Some(1_125)]
        );
        for text in ["0.0005", "1e3", "-1", "inf", "nan", "1.", ".5", "4294967296"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
        assert_eq!(
            [500, 2_000, 1_125, 10].map(show_cpus),
            ["0.5", "2", "1.125", "0.01"]
        );
    }
}
