//! From the flags of `serve` to the [`Config`] that a file would give.

use std::path::{Path, PathBuf};

use portreeve_model::plan::{Bind, ListenerPlan, Name, PoolPlan, Target};

use crate::findings::Findings;
use crate::listener::Placed;
use crate::place::{Place, quoted};
use crate::pool::PoolDraft;
use crate::quantity::grouped;
use crate::target::target;
use crate::whole::{self, Draft};
use crate::word::{self, Complaint, Word};
use crate::{AccessLog, Config, Faults, LogFormat, balance, defaults};

/// The flags as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// `--listen ADDR`, each time it was given; none: `:8080`.
    pub listen: Vec<String>,
    /// `--to ADDR,ADDR`; commas within are taken as separators.
    pub to: Vec<String>,
    /// `--balance NAME`.
    pub balance: Option<String>,
    /// `--admin ADDR|off`.
    pub admin: Option<String>,
    /// `--state DIR`.
    pub state: Option<PathBuf>,
    /// `--access-log FILE|-|off`.
    pub access_log: Option<String>,
    /// `--threads N`.
    pub threads: Option<usize>,
}

/// Reads and checks the flags.
///
/// # Errors
/// Every fault there is; its line is 0 and its key the flag.
pub fn from_flags(flags: &Flags) -> Result<Config, Faults> {
    let findings = Findings::default();
    let admin = match &flags.admin {
        Some(text) => word("--admin", text, word::admin, &findings).flatten(),
        None => Some(defaults::ADMIN),
    };
    let to = flags
        .access_log
        .as_ref()
        .and_then(|text| word("--access-log", text, word::access_log_to, &findings));
    let draft = Draft {
        listeners: listeners(&flags.listen, &findings),
        routes: vec![Placed {
            place: Place::flag("--to"),
            plan: whole::route(Name::from(defaults::NAME)),
        }],
        pools: vec![pool(flags, &findings)],
        admin: admin.map(|plan| Placed {
            place: Place::flag("--admin"),
            plan,
        }),
    };
    let config = Config {
        plan: draft.plan(&findings),
        admin,
        state: flags
            .state
            .as_deref()
            .and_then(|path| state(path, &findings))
            .unwrap_or_else(defaults::state),
        access_log: AccessLog {
            to: to.unwrap_or_default(),
            ..AccessLog::default()
        },
        threads: flags
            .threads
            .and_then(|threads| checked(threads, &findings))
            .unwrap_or_else(defaults::threads),
        drain_timeout: defaults::DRAIN_TIMEOUT,
        log: LogFormat::default(),
    };
    findings.verdict(config)
}

fn word<T>(flag: &str, text: &str, read: Word<T>, findings: &Findings) -> Option<T> {
    read(text)
        .map_err(|complaint| findings.add(&Place::flag(flag), quoted(text), complaint))
        .ok()
}

/// `listen`, `listen-2`, `listen-3`...
fn listeners(listen: &[String], findings: &Findings) -> Vec<Placed<ListenerPlan>> {
    let binds = listen
        .iter()
        .filter_map(|text| word("--listen", text, word::bind, findings));
    binds.enumerate().map(|(nth, bind)| listener(nth, bind)).collect()
}

fn listener(nth: usize, bind: Bind) -> Placed<ListenerPlan> {
    let name = match nth {
        0 => defaults::LISTENER_NAME.to_owned(),
        nth => format!("{}-{}", defaults::LISTENER_NAME, nth + 1),
    };
    let plan = ListenerPlan {
        name: Name::from(name),
        bind,
        ..whole::listener()
    };
    Placed {
        place: Place::flag("--listen"),
        plan,
    }
}

fn pool(flags: &Flags, findings: &Findings) -> PoolDraft {
    let named: Vec<&str> = flags
        .to
        .iter()
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .collect();
    if named.is_empty() {
        findings.missing(&Place::flag("--to"), Complaint::new(TO_NEEDED));
    }
    let mut targets: Vec<Target> = Vec::new();
    for text in &named {
        let Some(address) = word("--to", text, target, findings) else {
            continue;
        };
        match targets.iter().any(|known| known.address == address) {
            true => findings.add(
                &Place::flag("--to"),
                quoted(text),
                Complaint::new("each backend once"),
            ),
            false => targets.push(Target {
                address,
                weight: 1,
                policies: portreeve_model::Policies::none(),
            }),
        }
    }
    let balance = flags
        .balance
        .as_ref()
        .and_then(|text| word("--balance", text, balance::balance, findings));
    let plan = PoolPlan {
        name: Name::from(defaults::NAME),
        targets,
        balance: balance.unwrap_or_default(),
        limits: portreeve_model::plan::BackendLimits::default(),
        resolve_every: defaults::RESOLVE_EVERY,
        members: None,
    };
    PoolDraft {
        placed: Placed {
            place: Place::flag("--to"),
            plan,
        },
        is_vacant: false,
    }
}

/// The folder, if a file could say the same.
fn state(path: &Path, findings: &Findings) -> Option<PathBuf> {
    match path.to_str() {
        Some(text) => word("--state", text, word::path, findings),
        None => {
            findings.add(
                &Place::flag("--state"),
                quoted(&path.to_string_lossy()),
                Complaint::new("a path in UTF-8"),
            );
            None
        }
    }
}

fn checked(threads: usize, findings: &Findings) -> Option<usize> {
    let is_good = (1..=defaults::THREADS_MAX).contains(&threads);
    if !is_good {
        let complaint = Complaint::new(format!(
            "a whole number from 1 to {}",
            grouped(defaults::THREADS_MAX as u64)
        ));
        findings.add(&Place::flag("--threads"), threads.to_string(), complaint);
    }
    is_good.then_some(threads)
}

const TO_NEEDED: &str =
    "hosts with ports such as \"localhost:8001,localhost:8002\", or --config FILE instead";
