//! Processes of this machine.

use std::net::{IpAddr, Ipv4Addr};

use portreeve_model::plan::ProcessPlan;

use crate::item::Item;
use crate::pool::scale::command::{OF_INSTANCE, PROCESS};
use crate::section::Section;
use crate::word::{self, Complaint, port};

/// Reads `process` and what goes with it.
pub(super) fn read(section: &mut Section<'_>) -> Option<ProcessPlan> {
    let command = section.get("process").and_then(|item| PROCESS.read(&item));
    let env = section
        .get("env")
        .map(|item| environment(&item))
        .unwrap_or_default();
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

/// Names and values, in the order of the file.
pub(super) fn environment(item: &Item<'_>) -> Vec<(String, String)> {
    let Some(entries) = item.entries() else {
        item.refuse(Complaint::new(ENV));
        return Vec::new();
    };
    let variables = entries
        .into_iter()
        .filter_map(|(name, value)| variable(name, &value));
    variables.collect()
}

fn variable(name: &str, value: &Item<'_>) -> Option<(String, String)> {
    let complaint = match name {
        _ if name.is_empty() || name.contains(['=', '\0']) => {
            Some("the name of a variable: not empty, without = and NUL")
        }
        _ if name.starts_with(OURS) => Some("a name that does not begin with PORTREEVE_: these are ours"),
        _ => None,
    };
    if let Some(complaint) = complaint {
        let found = format!(
            "the name {}",
            crate::place::quoted(&crate::document::shortened(name))
        );
        value.findings.add(&value.place, found, Complaint::new(complaint));
    }
    let text = OF_INSTANCE.text(value)?;
    complaint.is_none().then(|| (name.to_owned(), text))
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

pub(crate) const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OURS: &str = "PORTREEVE_";
const ENV: &str = "a table of texts such as { LEVEL = \"info\" }";
const PORTS: &str = "a range of ports such as \"8100-8199\", from 1 to 65535";
const HOST_ALLOWED: &str = "an IP address such as \"127.0.0.1\"";
