//! From the flags of `serve` to the [`Config`] that a file would give.

mod listeners;

use std::path::{Path, PathBuf};

use portreeve_model::plan::{BalancePlan, Name, PoolPlan, RegistrationPlan, Scheme, Target};

use crate::findings::Findings;
use crate::listener::Placed;
use crate::place::{Place, quoted};
use crate::pool::{PoolDraft, PoolPlaces, backends, probe, room, spoken, sticky};
use crate::quantity::grouped;
use crate::route::{RouteDraft, RoutePlaces};
use crate::target::target;
use crate::whole::{self, Draft};
use crate::word::{self, Complaint, Word};
use crate::{AccessLog, Config, Faults, LogFormat, balance, defaults, zero};

/// The flags as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// `--listen ADDR`, each time it was given; none: `:8080`.
    pub listen: Vec<String>,
    /// `--redirect ADDR`: where clients without TLS are sent to https; none: `:80` if there is TLS and no `--listen`.
    pub redirect: Vec<String>,
    /// `--tls-cert FILE`, in PEM: every listener speaks TLS, by default on `:443`.
    pub tls_cert: Vec<PathBuf>,
    /// `--tls-key FILE`: one for each certificate, in the same order.
    pub tls_key: Vec<PathBuf>,
    /// `--domain NAME,NAME`: every listener speaks TLS, with certificates had by ACME.
    pub domain: Vec<String>,
    /// `--acme-directory URL`: the authority that certifies them; none: Let's Encrypt.
    pub acme_directory: Option<String>,
    /// `--acme-authorities FILE`, in PEM: who vouches for that authority's own certificate; none: whom the machine trusts.
    pub acme_authorities: Option<PathBuf>,
    /// `--to ADDR,ADDR`; commas within are taken as separators. None: backends register, on each listener, and
    /// packets are served beside HTTP.
    pub to: Vec<String>,
    /// `--pool NAME`: the pool for HTTP; default `default`.
    pub pool: Option<String>,
    /// `--balance NAME`.
    pub balance: Option<String>,
    /// `--probe PATH|connect|packet|grpc|off`: how the backends of the pool for HTTP are probed.
    pub probe: Option<String>,
    /// `--in-flight N|auto|unlimited`: how many requests each of them may have at once.
    pub in_flight: Option<String>,
    /// `--sticky`: clients stay with their backends by a cookie.
    pub sticky: bool,
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
    let targets = targets(flags, &findings);
    let draft = Draft {
        listeners: listeners::listeners(flags, &targets, &findings),
        pools: Vec::new(),
        routes: Vec::new(),
        policies: Vec::new(),
        registration: RegistrationPlan::default(),
        acme: listeners::acme(flags, &findings),
        zone: None,
        admin: admin.map(|plan| Placed {
            place: Place::flag("--admin"),
            plan,
        }),
    };
    let draft = routed(draft, flags, targets, &findings);
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
        ledger: None,
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

/// The draft with its one route for HTTP, and with the pools.
fn routed(draft: Draft, flags: &Flags, targets: Vec<Target>, findings: &Findings) -> Draft {
    let name = pool_name(flags, findings);
    let pool = pool(name.clone(), flags, findings);
    let (route, pools) = match flags.to.is_empty() {
        true => {
            let packets = zero::pool(Name::from(zero::PACKETS), BalancePlan::default());
            (zero::route(name), vec![pool, packets])
        }
        false => {
            mixed(&targets, findings);
            let pool = PoolPlan {
                scheme: spoken::shared(&targets),
                targets,
                members: None,
                ..pool
            };
            (whole::route(name), vec![pool])
        }
    };
    Draft {
        routes: vec![RouteDraft {
            place: Place::flag("--to"),
            places: RoutePlaces::all(&Place::flag("--to")),
            plan: route,
        }],
        pools: pools.into_iter().map(drafted).collect(),
        ..draft
    }
}

/// The pool for HTTP, without backends.
fn pool(name: Name, flags: &Flags, findings: &Findings) -> PoolPlan {
    let balance = flags
        .balance
        .as_ref()
        .and_then(|text| word("--balance", text, balance::balance, findings));
    let probe = flags
        .probe
        .as_ref()
        .and_then(|text| word("--probe", text, probe::probe, findings));
    let in_flight = flags
        .in_flight
        .as_ref()
        .and_then(|text| word("--in-flight", text, room::in_flight, findings));
    let plain = zero::pool(name, balance.unwrap_or_default());
    let in_flight = in_flight.unwrap_or_default();
    if flags.sticky && matches!(plain.balance, BalancePlan::Hash(_)) {
        let complaint = Complaint::new("one of --sticky and --balance hash:...");
        findings.add(&Place::flag("--sticky"), "a cookie beside a hash", complaint);
    }
    PoolPlan {
        probe: probe.flatten(),
        in_flight,
        hold: room::hold(plain.limits.total_timeout, false, in_flight, plain.fail_mode),
        sticky: flags.sticky.then(sticky::plain),
        ..plain
    }
}

fn drafted(plan: PoolPlan) -> PoolDraft {
    PoolDraft {
        placed: Placed {
            place: Place::flag("--to"),
            plan,
        },
        places: PoolPlaces::all(&Place::flag("--to")),
        is_vacant: false,
        is_whole: true,
    }
}

/// The name of the pool for HTTP, which is not that of the pool for packets.
fn pool_name(flags: &Flags, findings: &Findings) -> Name {
    let name = flags
        .pool
        .as_ref()
        .and_then(|text| word("--pool", text, word::name, findings));
    let name = name.unwrap_or_else(|| Name::from(defaults::NAME));
    if flags.to.is_empty() && name.as_ref() == zero::PACKETS {
        let complaint = Complaint::new("another name: this one is for the backends that serve packets");
        findings.add(&Place::flag("--pool"), quoted(&name), complaint);
        return Name::from(defaults::NAME);
    }
    name
}

/// The backends of `--to`, each once.
fn targets(flags: &Flags, findings: &Findings) -> Vec<Target> {
    let named = flags.to.iter().flat_map(|list| list.split(',')).map(str::trim);
    let mut targets: Vec<Target> = Vec::new();
    for text in named {
        let Some(written) = word("--to", text, target, findings) else {
            continue;
        };
        match targets.iter().any(|known| known.address == written.address) {
            true => findings.add(
                &Place::flag("--to"),
                quoted(text),
                Complaint::new("each backend once"),
            ),
            false => targets.push(backends::speaking(written, Scheme::default())),
        }
    }
    targets
}

/// Backends of which some serve requests and some connections.
fn mixed(targets: &[Target], findings: &Findings) {
    let raw = targets.iter().filter(|target| target.scheme.is_raw()).count();
    if (1..targets.len()).contains(&raw) {
        let complaint = Complaint::new("tcp:// and tls:// for all of them, or for none");
        findings.add(&Place::flag("--to"), "connections beside requests", complaint);
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
