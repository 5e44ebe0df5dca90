//! Processes of this machine.

use std::net::{IpAddr, Ipv4Addr};

use portreeve_model::plan::ProcessPlan;

use super::table;
use crate::pool::scale::command::PROCESS;
use crate::section::Section;
use crate::word::{self, Complaint, port};

/// Reads `process` and what goes with it.
pub(super) fn read(section: &mut Section<'_>) -> Option<ProcessPlan> {
    let command = section.get("process").and_then(|item| PROCESS.read(&item));
    let env = table::environment(section);
    let folder = section.word("folder", word::path);
    let ports = section.word("ports", ports);
    let host = section.word("host", host).unwrap_or(HOST);
    Some(ProcessPlan {
        command: command?,
        env,
        folder,
        ports,
        host,
    })
}

/// Writes a range of ports.
pub(crate) fn show_ports((first, last): (u16, u16)) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    }
}

/// `8100-8199`, or one port.
fn ports(text: &str) -> Result<(u16, u16), Complaint> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first.trim()), port(last.trim())) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        (Some(first), Some(last)) => Err(Complaint::new(PORTS).hint(format!("perhaps \"{last}-{first}\""))),
        _ => Err(Complaint::new(PORTS)),
    }
}

/// An address that can be connected to.
fn host(text: &str) -> Result<IpAddr, Complaint> {
    match text.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => {
            Err(Complaint::new(HOST_ALLOWED).hint("where it is reached: \"127.0.0.1\" on this machine"))
        }
        Ok(ip) if !ip.is_multicast() => Ok(ip),
        _ => Err(Complaint::new(HOST_ALLOWED)),
    }
}

/// Where instances listen by default.
pub(crate) const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PORTS: &str = "a range of ports such as \"8100-8199\", from 1 to 65535";
const HOST_ALLOWED: &str = "an IP address such as \"127.0.0.1\"";
