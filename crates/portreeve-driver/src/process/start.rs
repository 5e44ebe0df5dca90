//! The start of an instance: all of it, or nothing stays.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use portreeve_model::plan::ProcessPlan;
use rustix::process::{Pid, Signal, kill_process_group};

use super::birth::Birth;
use super::marks::{self, Whose};
use super::note::{self, Note};
use super::output;
use super::port::GivenPort;
use super::shared::Shared;
use super::watch::{Newcomer, Watched};
use crate::environment::without_the_proxys;
use crate::fill::filled;
use crate::folder::Folder;
use crate::id::is_id;
use crate::system_fault::{limit, not_started, plain};
use crate::{DriverFault, Order, Started};

pub(super) fn start(shared: &Arc<Shared>, order: &Order) -> Result<Started, DriverFault> {
    accept(shared, order)?;
    let port = GivenPort::choose(&shared.plan, order.port)?;
    let address = port.address();
    let begun = Begun::new(shared, order, address)?;
    let newcomer = Newcomer {
        id: order.id.clone(),
        birth: begun.birth,
        address: Some(address),
        token: order.token.clone(),
        port: Some(port),
    };
    let watched = shared
        .watch(newcomer)?
        .ok_or_else(|| failed(order, "it vanished"))?;
    begun.stay();
    Ok(started(&watched))
}

fn started(watched: &Watched) -> Started {
    Started {
        handle: watched.birth.to_string(),
        address: watched.address,
    }
}

fn accept(shared: &Shared, order: &Order) -> Result<(), DriverFault> {
    if !is_id(&order.id) {
        return Err(failed(order, "an id is 1 to 64 of a-z, 0-9 and -"));
    }
    if shared.table().running.contains_key(&order.id) {
        return Err(failed(order, "there is one of this id"));
    }
    Ok(())
}

fn failed(order: &Order, reason: &str) -> DriverFault {
    DriverFault::Failed {
        what: format!("starting {}", order.id),
        reason: reason.to_owned(),
    }
}

/// A process that is killed, waited for, and tidied up after, unless it is said that it stays.
struct Begun<'a> {
    folder: &'a Folder,
    id: &'a str,
    child: Option<Child>,
    birth: Birth,
}

impl<'a> Begun<'a> {
    fn new(shared: &'a Shared, order: &'a Order, address: SocketAddr) -> Result<Self, DriverFault> {
        let (folder, id) = (&shared.folder, &*order.id);
        let file = output::create(&note::output(folder, id)).map_err(|error| unwritable(folder, &error))?;
        let child = spawned(shared, order, address, file).inspect_err(|_| note::remove(folder, id))?;
        let pid = Pid::from_child(&child);
        let mut begun = Self {
            folder,
            id,
            child: Some(child),
            birth: Birth { pid, start: 0 },
        };
        begun.birth = Birth::of(pid).ok_or_else(|| failed(order, "/proc does not show it"))?;
        let note = Note {
            id: id.to_owned(),
            birth: begun.birth,
            address: Some(address),
        };
        note.write(folder, &shared.whose)
            .map_err(|error| unwritable(folder, &error))?;
        Ok(begun)
    }

    fn stay(mut self) {
        self.child = None;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // It is our child and not waited for, so the number is its own.
        let _ = kill_process_group(self.birth.pid, Signal::KILL);
        let _ = child.wait();
        note::remove(self.folder, self.id);
    }
}

fn unwritable(folder: &Folder, error: &io::Error) -> DriverFault {
    limit(error).unwrap_or_else(|| DriverFault::Failed {
        what: format!("writing in {}", folder.path().display()),
        reason: plain(error),
    })
}

fn spawned(shared: &Shared, order: &Order, address: SocketAddr, out: File) -> Result<Child, DriverFault> {
    let plan = &shared.plan;
    let program = plan.command.first().map_or("", String::as_str);
    let fault = |error: &io::Error| not_started(program, plan.folder.as_deref(), error);
    let mut command = command(plan, order, address);
    let err = out.try_clone().map_err(|error| fault(&error))?;
    environment(&mut command, shared, order, address);
    command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn()
        .map_err(|error| fault(&error))
}

fn command(plan: &ProcessPlan, order: &Order, address: SocketAddr) -> Command {
    let port = address.port().to_string();
    let known = known(order, &port);
    let mut words = plan.command.iter().map(|word| filled(word, &known));
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    if let Some(folder) = &plan.folder {
        command.current_dir(folder);
    }
    without_the_proxys(&mut command);
    // What many programs look for; the plan may say otherwise.
    command.env("PORT", &port);
    for (name, value) in &plan.env {
        command.env(name, filled(value, &known));
    }
    command
}

fn known<'a>(order: &'a Order, port: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("port", port),
        ("id", &order.id),
        ("pool", &order.pool),
        ("fleet", &order.fleet),
    ]
}

fn environment(command: &mut Command, shared: &Shared, order: &Order, address: SocketAddr) {
    let Whose { pool, fleet, keeper } = &shared.whose;
    command
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .env(marks::ID, &*order.id)
        .env(marks::POOL, &**pool)
        .env(marks::FLEET, &**fleet)
        .env(marks::KEEPER, keeper)
        .env(marks::ADDRESS, address.to_string())
        .env(marks::PORT, address.port().to_string());
    if !order.token.reveal().is_empty() {
        command.env(marks::TOKEN, order.token.reveal());
    }
}
