//! `[listener.NAME.tls]`: how a listener speaks TLS with its clients.

use std::path::PathBuf;
use std::time::Duration;

use portreeve_model::plan::{CertificatePlan, ClientCertificatePlan, TlsPlan, TlsVersion};

use crate::item::Item;
use crate::quantity::{count, time, whole_percent};
use crate::section::Section;
use crate::word::Complaint;
use crate::{certificate, host, list, matching};

/// Reads the section, and its keys; `None` where TLS is not spoken.
pub(super) fn read(section: &mut Section<'_>) -> (Option<TlsPlan>, Vec<&'static str>) {
    let (mut tls, switch) = section.section_or_switch("tls");
    if switch == Some(true) {
        let allowed = format!("false, or a section [{}] with {SHOWN}", tls.place.key);
        section.misfit("tls", "true", allowed);
    }
    let is_there = !tls.is_absent();
    let mut plan = TlsPlan::default();
    shown(&mut tls, &mut plan);
    rules(&mut tls, &mut plan);
    let (clients, below) = clients(tls.section("clients"));
    plan.clients = clients;
    let keys = tls.finish(&[("clients", &below)]);
    (is_there.then_some(plan), keys)
}

/// What clients are shown.
fn shown(tls: &mut Section<'_>, plan: &mut TlsPlan) {
    plan.certificates.extend(certificate::read_with_ocsp(tls));
    let several = tls.get("certificates");
    if several.is_some() && tls.has("certificate") {
        let allowed = "one of the two: a certificate alone, or the list of all";
        tls.misfit("certificates", "a list beside certificate", allowed);
    }
    let elements = several.map(|item| list::filled(&item)).unwrap_or_default();
    for element in &elements {
        match one_of_several(element) {
            Some(own) if plan.certificates.contains(&own) => element.refuse(Complaint::new("each once")),
            own => plan.certificates.extend(own),
        }
    }
    plan.domains = list::words(tls, "domains", host::domain);
    let is_shown = ["certificate", "key", "certificates", "domains"];
    if !tls.is_absent() && !is_shown.iter().any(|key| tls.has(key)) {
        tls.findings.missing(&tls.place, Complaint::new(SHOWN));
    }
}

fn one_of_several(item: &Item<'_>) -> Option<CertificatePlan> {
    let mut section = item.section(Complaint::new(CERTIFICATE));
    let plan = certificate::read_with_ocsp(&mut section);
    if item.is_table() && !section.has("certificate") && !section.has("key") {
        section
            .findings
            .missing(&section.place, Complaint::new(CERTIFICATE));
    }
    section.finish(&[]);
    plan
}

fn rules(tls: &mut Section<'_>, plan: &mut TlsPlan) {
    plan.version_min = tls.word("min_version", version).unwrap_or(plan.version_min);
    let known = tls.word("unknown_names", unknown_names);
    plan.requires_known_name = known.unwrap_or(plan.requires_known_name);
    tls.quantity("handshake_timeout", &time(MS..=HOUR), &mut plan.handshake_timeout);
    tls.quantity("handshakes_max", &count(1..=100_000), &mut plan.handshakes_max);
    tls.quantity(
        "handshake_share",
        &whole_percent(1..=100),
        &mut plan.handshake_share,
    );
    tls.quantity(
        "ticket_lifetime",
        &time(Duration::ZERO..=WEEK),
        &mut plan.ticket_lifetime,
    );
}

/// `1.2` or `1.3`.
fn version(text: &str) -> Result<TlsVersion, Complaint> {
    match text {
        "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        "1.0" | "1.1" => Err(Complaint::one_of(VERSIONS, text).hint("older ones are not safe (RFC 8996)")),
        _ => Err(Complaint::one_of(VERSIONS, text)),
    }
}

/// Whether a name must be known: `refuse` or `first`.
fn unknown_names(text: &str) -> Result<bool, Complaint> {
    match text {
        "refuse" => Ok(true),
        "first" => Ok(false),
        _ => Err(Complaint::one_of(&["refuse", "first"], text)),
    }
}

/// `[listener.NAME.tls.clients]`, and its keys; `None` where clients are not asked for a certificate.
fn clients(mut section: Section<'_>) -> (Option<ClientCertificatePlan>, Vec<&'static str>) {
    let is_there = !section.is_absent();
    let authorities = certificate::file(&mut section, "authorities");
    if is_there && !section.has("authorities") {
        let place = section.place_of("authorities");
        section.findings.missing(&place, Complaint::new(AUTHORITIES));
    }
    let revoked: Vec<PathBuf> = section
        .get("revoked")
        .map(|item| list::distinct(&item, certificate::file_of))
        .unwrap_or_default();
    let mut is_required = true;
    section.switch("required", &mut is_required);
    let header = section.word("header", header);
    let keys = section.finish(&[]);
    let plan = authorities.map(|authorities| ClientCertificatePlan {
        authorities,
        revoked,
        is_required,
        header: header.unwrap_or_else(|| Some(HEADER.to_owned())),
    });
    (plan, keys)
}

/// A field's name, or `off`.
fn header(text: &str) -> Result<Option<String>, Complaint> {
    match text {
        "off" => Ok(None),
        _ => matching::plain_header_name(text)
            .map(Some)
            .map_err(|_| Complaint::new(HEADERS)),
    }
}

/// The request field that tells backends whose certificate it was.
pub(crate) const HEADER: &str = "x-client-certificate-san";
const HEADERS: &str = "a header's name such as \"X-Client-Certificate-SAN\", or \"off\"";
const SHOWN: &str = "certificate and key, certificates, or domains";
const CERTIFICATE: &str = "a table such as { certificate = \"shop.pem\", key = \"shop.key\" }";
const AUTHORITIES: &str = "a file in PEM with those who may vouch for clients";
const VERSIONS: &[&str] = &["1.2", "1.3"];
const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// RFC 8446 section 4.6.1: no ticket lives longer.
const WEEK: Duration = Duration::from_secs(7 * 86_400);
