//! How connections are secured: `[listener.NAME.tls]` and `[pool.NAME.tls]`.

use std::path::Path;

use portreeve_model::plan::{
    BackendTlsPlan, CertificatePlan, ClientCertificatePlan, PoolPlan, TlsPlan, TlsVersion,
};

use super::said::{Said, inline, number, one_or_list, percent, time};
use super::{Text, text_of};
use crate::listener::tls::HEADER;
use crate::place::quoted;

/// `[listener.NAME.tls]`, and that of its clients.
pub(super) fn clients(file: &mut Text, name: &str, plan: &TlsPlan) {
    let plain = TlsPlan::default();
    let mut said = Said::default();
    match plan.certificates.as_slice() {
        [] => {}
        [only] => certificate(&mut said, only),
        several => said.value("certificates", list(several)),
    }
    if !plan.domains.is_empty() {
        let domains: Vec<String> = plan.domains.iter().map(|domain| quoted(domain)).collect();
        said.value("domains", one_or_list(&domains));
    }
    if plan.version_min == TlsVersion::Tls13 {
        said.value("min_version", quoted("1.3"));
    }
    if !plan.requires_known_name {
        said.value("unknown_names", quoted("first"));
    }
    said.unless(
        "handshake_timeout",
        plan.handshake_timeout,
        plain.handshake_timeout,
        time,
    );
    said.unless(
        "handshakes_max",
        plan.handshakes_max,
        plain.handshakes_max,
        number,
    );
    said.unless(
        "handshake_share",
        plan.handshake_share,
        plain.handshake_share,
        percent,
    );
    said.unless(
        "ticket_lifetime",
        plan.ticket_lifetime,
        plain.ticket_lifetime,
        time,
    );
    said.write_always(file, &["listener", name, "tls"]);
    if let Some(plan) = &plan.clients {
        of_clients(file, name, plan);
    }
}

/// `[pool.NAME.tls]`, if there is anything to say.
pub(super) fn backends(file: &mut Text, pool: &PoolPlan) {
    let BackendTlsPlan {
        authorities,
        server_name,
        certificate: own,
        is_insecure,
        trust: _,
    } = &pool.tls;
    let mut said = Said::default();
    said.some("authorities", authorities.as_deref(), path);
    said.some("server_name", server_name.as_deref(), quoted);
    if let Some(own) = own {
        certificate(&mut said, own);
    }
    said.on("insecure", *is_insecure);
    said.write(file, &["pool", &pool.name, "tls"]);
}

/// A path as a text.
pub(super) fn path(path: &Path) -> String {
    quoted(&text_of(path))
}

fn certificate(said: &mut Said, plan: &CertificatePlan) {
    said.value("certificate", path(&plan.certificate));
    said.value("key", path(&plan.key));
    said.some("ocsp", plan.ocsp.as_deref(), path);
}

fn list(plans: &[CertificatePlan]) -> String {
    let table = |plan| {
        let mut said = Said::default();
        certificate(&mut said, plan);
        said.table()
    };
    let tables: Vec<String> = plans.iter().map(table).collect();
    format!("[{}]", tables.join(", "))
}

fn of_clients(file: &mut Text, name: &str, plan: &ClientCertificatePlan) {
    let mut said = Said::default();
    said.value("authorities", path(&plan.authorities));
    if !plan.revoked.is_empty() {
        let files: Vec<String> = plan.revoked.iter().map(|file| path(file)).collect();
        said.value("revoked", one_or_list(&files));
    }
    if !plan.is_required {
        said.value("required", "false".to_owned());
    }
    if plan.header.as_deref() != Some(HEADER) {
        said.value("header", quoted(plan.header.as_deref().unwrap_or("off")));
    }
    said.write_always(file, &["listener", name, "tls", "clients"]);
}

/// `{ key_id = ..., key = ... }`.
pub(super) fn external_account(id: &str, key: &Path) -> String {
    inline(&[format!("key_id = {}", quoted(id)), format!("key = {}", path(key))])
}
