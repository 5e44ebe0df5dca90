//! A command that ends with 0: in a process group of its own, killed with all that it began when its time is over or
//! the probe is dropped.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use portreeve_model::{Backend, BackendAddress};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::reach::plain;
use super::shown;

pub(super) async fn check(
    command: &[String],
    backend: &Backend,
    time: Duration,
    places: &Semaphore,
) -> Result<(), String> {
    let words: Vec<String> = command.iter().map(|word| filled(word, backend)).collect();
    let Some((program, arguments)) = words.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let _place = places
        .acquire()
        .await
        .map_err(|_| "the proxy is stopping".to_owned())?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program} cannot be started: {}", plain(&error)))?;
    let _group = child.id().and_then(Group::of);
    match timeout(time, child.wait()).await {
        Ok(Ok(status)) => judge(program, status),
        Ok(Err(error)) => Err(format!("{program} cannot be waited for: {}", plain(&error))),
        Err(_) => Err(format!(
            "{program} did not end within {} and was killed",
            shown(time)
        )),
    }
}

fn judge(program: &str, status: ExitStatus) -> Result<(), String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("{program} ended with {code}; 0 passes")),
        (None, Some(signal)) => Err(format!("{program} was ended by signal {signal}")),
        (None, None) => Err(format!("{program} ended with {status}")),
    }
}

/// The word with what it says of the backend filled in.
fn filled(word: &str, backend: &Backend) -> String {
    if !word.contains('{') {
        return word.to_owned();
    }
    let (address, host, port) = match &backend.address {
        BackendAddress::Tcp(addresses) => match addresses.get(backend.preferred()) {
            Some(one) => (one.to_string(), one.ip().to_string(), one.port().to_string()),
            None => Default::default(),
        },
        BackendAddress::Unix(_) => (backend.address.to_string(), String::new(), String::new()),
    };
    let known = [
        ("{address}", &*address),
        ("{host}", &*host),
        ("{port}", &*port),
        ("{id}", &*backend.label),
    ];
    let mut out = String::new();
    let mut rest = word;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let found = known.iter().find(|(name, _)| rest.starts_with(name));
        let (name, value) = found.map_or(("{", "{"), |(name, value)| (*name, *value));
        out.push_str(value);
        rest = &rest[name.len()..];
    }
    out.push_str(rest);
    out
}

/// Whatever is left of a process group dies with this.
struct Group(Pid);

impl Group {
    fn of(leader: u32) -> Option<Self> {
        i32::try_from(leader).ok().and_then(Pid::from_raw).map(Self)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // As a rule nobody is left.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

#[cfg(test)]
mod tests;
