//! From the text of a file to a checked [`Config`].

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use portreeve_model::plan::Name;

use crate::known::Known;
use crate::listener::Placed;
use crate::mend::mend;
use crate::place::Place;
use crate::quantity::{count, time};
use crate::section::Section;
use crate::whole::Draft;
use crate::{
    AccessLog, Config, Faults, LedgerConfig, acme, defaults, document, ledger, listener, policy, pool,
    registration, route, word,
};

/// Reads and checks the text of a file. A page that it names is looked for in the working directory.
///
/// # Errors
/// Every fault there is, syntax included, in the order of the lines. Where the syntax itself is broken, what could
/// be read is checked too, but nothing is called missing or unknown by name.
pub fn parse(source: &str) -> Result<Config, Faults> {
    parse_in(source, Path::new(""))
}

/// The same of a file in this folder.
pub(crate) fn parse_in(source: &str, folder: &Path) -> Result<Config, Faults> {
    let mended = mend(source);
    let (tree, mut findings) = document::read(&mended);
    folder.clone_into(&mut findings.folder);
    let config = top(Section::new(
        Place {
            line: 1,
            key: String::new(),
        },
        Some(&tree),
        &findings,
    ));
    findings.verdict(config)
}

fn top(mut section: Section<'_>) -> Config {
    let mut threads = defaults::threads() as u64;
    section.quantity("threads", &count(1..=defaults::THREADS_MAX as u64), &mut threads);
    let state = section.word("state", word::path).unwrap_or_else(defaults::state);
    let mut drain_timeout = defaults::DRAIN_TIMEOUT;
    section.quantity(
        "drain_timeout",
        &time(Duration::ZERO..=Duration::from_secs(86_400)),
        &mut drain_timeout,
    );
    let log = section.word("log", word::log_format).unwrap_or_default();
    let admin = admin(section.section("admin"));
    let access_log = access_log(section.section("access_log"));
    let ledger = ledger::read(section.section("ledger"), &state);
    let findings = section.findings;
    let draft = draft(&mut section, admin);
    let admin = draft.admin.as_ref().map(|admin| admin.plan);
    section.finish(&[]);
    let plan = draft.plan(findings);
    let wanted = ledger::is_wanted(&plan).then(|| LedgerConfig::in_state(&state));
    Config {
        plan,
        admin,
        state,
        access_log,
        ledger: ledger.or(wanted),
        threads: usize::try_from(threads).unwrap_or(1),
        drain_timeout,
        log,
    }
}

fn draft(section: &mut Section<'_>, admin: Option<Placed<SocketAddr>>) -> Draft {
    let listeners = section.named("listener");
    let routes = section.named("route");
    let pools = section.named("pool");
    let policies = section.named_by("policy", policy::policy);
    let known = Known {
        listeners: names(&listeners, defaults::LISTENER_NAME),
        pools: names(&pools, ""),
    };
    Draft {
        listeners: listeners
            .into_iter()
            .map(|(name, section)| listener::read(name, section, &known))
            .collect(),
        routes: routes
            .into_iter()
            .map(|(name, section)| route::read(name, section, &known))
            .collect(),
        pools: pools
            .into_iter()
            .map(|(name, section)| pool::read(name, section))
            .collect(),
        policies: policies
            .into_iter()
            .filter_map(|(name, section)| policy::read(&name, section))
            .collect(),
        registration: registration::read(section.section("registration")),
        acme: acme::read(section.section("acme")),
        zone: section.word("zone", word::name),
        admin,
    }
}

/// The names of the sections, or the one that is implied when there are none.
fn names(sections: &[(Name, Section<'_>)], implied: &str) -> Vec<Name> {
    match sections {
        [] => Some(implied)
            .filter(|name| !name.is_empty())
            .map(Name::from)
            .into_iter()
            .collect(),
        some => some.iter().map(|(name, _)| name.clone()).collect(),
    }
}

fn admin(mut section: Section<'_>) -> Option<Placed<SocketAddr>> {
    let bind = section.word("bind", word::admin).unwrap_or(Some(defaults::ADMIN));
    let place = section.place_of("bind");
    section.finish(&[]);
    bind.map(|plan| Placed { place, plan })
}

/// In a section that is there `to` must be too: who writes one wants records.
fn access_log(mut section: Section<'_>) -> AccessLog {
    let to = match section.is_absent() {
        true => section.get("to"),
        false => section.need("to", word::ACCESS_LOG_TO),
    };
    let to = to.and_then(|to| to.word(word::access_log_to)).unwrap_or_default();
    let format = section.word("format", word::record_format).unwrap_or_default();
    section.finish(&[]);
    AccessLog { to, format }
}
