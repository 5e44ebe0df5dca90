//! What is spoken with the backends of a pool: `scheme`, `send_proxy_protocol` and `[pool.NAME.tls]`.

use portreeve_model::plan::{BackendTlsPlan, PoolPlan, Scheme, Target, TargetAddress};

use crate::place::quoted;
use crate::quantity::count;
use crate::section::Section;
use crate::word::Complaint;
use crate::{certificate, host};

/// What is spoken with backends that do not say it themselves, if the pool says it.
pub(super) fn scheme(section: &mut Section<'_>) -> Option<Scheme> {
    section.word("scheme", word)
}

/// What is spoken with all of them, else bytes or requests as such: the default for those that register.
pub(crate) fn shared(targets: &[Target]) -> Scheme {
    let first = targets.first().map(|target| target.scheme).unwrap_or_default();
    let is_raw = first.is_raw() && targets.iter().all(|target| target.scheme.is_raw());
    match targets.iter().all(|target| target.scheme == first) {
        true => first,
        false if is_raw => Scheme::Tcp,
        false => Scheme::Http,
    }
}

/// How connections are secured and begun, given the backends and the scheme; and the keys of the section.
pub(super) fn read(section: &mut Section<'_>, plan: &mut PoolPlan) -> Vec<&'static str> {
    plan.proxy_protocol = section
        .get("send_proxy_protocol")
        .and_then(|item| count(1..=2_u8).read(&item));
    let (tls, keys) = tls(section.section("tls"));
    plan.tls = tls;
    mixed(section, plan);
    needless(section, plan);
    nameless(section, plan);
    keys
}

fn word(text: &str) -> Result<Scheme, Complaint> {
    let known = Scheme::ALL.into_iter().find(|scheme| scheme.code() == text);
    known.ok_or_else(|| Complaint::one_of(&Scheme::ALL.map(Scheme::code), text))
}

fn tls(mut section: Section<'_>) -> (BackendTlsPlan, Vec<&'static str>) {
    let mut plan = BackendTlsPlan {
        authorities: certificate::file(&mut section, "authorities"),
        server_name: section.word("server_name", host::server_name),
        certificate: certificate::read(&mut section),
        is_insecure: false,
        trust: 0,
    };
    section.switch("insecure", &mut plan.is_insecure);
    if plan.is_insecure && plan.authorities.is_some() {
        let allowed = "false, or no authorities: nobody's word counts where any certificate is taken";
        section.misfit("insecure", "true", allowed);
    }
    (plan, section.finish(&[]))
}

/// Backends of which some serve requests and some bytes.
fn mixed(section: &Section<'_>, plan: &PoolPlan) {
    let is_raw = plan.scheme.is_raw();
    let other = plan
        .targets
        .iter()
        .find(|target| target.scheme.is_raw() != is_raw);
    if let Some(other) = other {
        let found = format!("{} beside {}", other.scheme.code(), plan.scheme.code());
        let allowed =
            "tcp and tls in a pool of their own: its backends serve connections, the others requests";
        section.misfit("backends", found, allowed);
    }
}

/// What is said of connections that this pool never makes.
fn needless(section: &Section<'_>, plan: &PoolPlan) {
    let mut schemes = plan.targets.iter().map(|target| target.scheme);
    let is_secured = plan.scheme.is_tls() || schemes.any(Scheme::is_tls);
    if section.has("tls") && !is_secured {
        let allowed = "no such section: no backend is spoken with in TLS, as \"https://...\" says it";
        section.misfit("tls", "a section", allowed);
    }
    if let Some(version) = plan.proxy_protocol.filter(|_| !plan.scheme.is_raw()) {
        let allowed = "no such key: requests say in Forwarded and X-Forwarded-For whose they are";
        section.misfit("send_proxy_protocol", version.to_string(), allowed);
    }
}

/// A Unix socket in TLS, of which nobody knows for which name its certificate must be.
fn nameless(section: &Section<'_>, plan: &PoolPlan) {
    let is_nameless =
        |target: &&Target| target.scheme.is_tls() && matches!(target.address, TargetAddress::Unix(_));
    let is_named = plan.tls.server_name.is_some() || plan.tls.is_insecure;
    if let Some(target) = plan.targets.iter().find(is_nameless).filter(|_| !is_named) {
        let found = format!("{} over a Unix socket", quoted(target.scheme.code()));
        let allowed = "tls.server_name beside it: a path is no name that a certificate is for";
        section.misfit("backends", found, allowed);
    }
}
