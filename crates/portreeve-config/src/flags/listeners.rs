//! Where the flags of `serve` say that clients connect, and how.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use portreeve_model::plan::{
    AcmePlan, Bind, Carries, CertificatePlan, ListenerPlan, Name, RedirectPlan, Target, TlsPlan,
};

use super::Flags;
use crate::findings::Findings;
use crate::listener::{ListenerDraft, redirect};
use crate::place::{Place, quoted};
use crate::word::Complaint;
use crate::{acme, defaults, host, word, zero};

/// Those of `--listen`, then those of `--redirect`.
pub(super) fn listeners(flags: &Flags, targets: &[Target], findings: &Findings) -> Vec<ListenerDraft> {
    let tls = tls(flags, findings);
    let carries = match targets.iter().any(|target| target.scheme.is_raw()) {
        true => Carries::Tcp,
        false => Carries::Http,
    };
    let redirects = redirects(flags, tls.is_some(), carries, findings);
    let binds = binds("--listen", &flags.listen, findings);
    let implied = flags.listen.is_empty().then(|| match tls.is_some() {
        true => on_all(HTTPS),
        false => defaults::bind(),
    });
    let serving = binds.into_iter().chain(implied).enumerate().map(|(nth, bind)| {
        let plan = ListenerPlan {
            carries,
            tls: tls.clone(),
            ..ListenerPlan::new(numbered(defaults::LISTENER_NAME, nth), bind)
        };
        match flags.to.is_empty() {
            true => zero::listener(plan),
            false => plan,
        }
    });
    let mut all: Vec<ListenerPlan> = serving.collect();
    let to = all.first().and_then(redirect_to);
    all.extend(redirects.into_iter().enumerate().map(|(nth, bind)| ListenerPlan {
        redirect: Some(to.clone().unwrap_or_else(redirect::plain)),
        ..ListenerPlan::new(numbered(REDIRECT, nth), bind)
    }));
    all.into_iter()
        .map(|plan| ListenerDraft::at(&Place::flag("--listen"), plan))
        .collect()
}

/// `listen`, `listen-2`, `listen-3`...
fn numbered(name: &str, nth: usize) -> Name {
    match nth {
        0 => Name::from(name),
        nth => Name::from(format!("{name}-{}", nth + 1)),
    }
}

fn binds(flag: &str, texts: &[String], findings: &Findings) -> Vec<Bind> {
    let read = texts
        .iter()
        .map(|text| super::word(flag, text, word::bind, findings));
    read.flatten().collect()
}

/// Where clients are sent to https: port 80 where https is on its own port for want of another.
fn redirects(flags: &Flags, has_tls: bool, carries: Carries, findings: &Findings) -> Vec<Bind> {
    let may_be = has_tls && carries == Carries::Http;
    match flags.redirect.as_slice() {
        [] if may_be && flags.listen.is_empty() => vec![on_all(HTTP)],
        [first, ..] if !may_be => {
            let allowed = "such a flag beside --tls-cert or --domain, and with backends for requests";
            findings.add(&Place::flag("--redirect"), quoted(first), Complaint::new(allowed));
            Vec::new()
        }
        given => binds("--redirect", given, findings),
    }
}

/// Where clients are sent, unless that is port 443.
fn redirect_to(listener: &ListenerPlan) -> Option<RedirectPlan> {
    let is_usual = matches!(listener.bind, Bind::Tcp(address) if address.port() == HTTPS);
    (!is_usual).then(|| RedirectPlan {
        to: Some(listener.name.clone()),
        ..redirect::plain()
    })
}

/// What is said of TLS, if anything is.
fn tls(flags: &Flags, findings: &Findings) -> Option<TlsPlan> {
    let (certificates, keys) = (&flags.tls_cert, &flags.tls_key);
    if certificates.len() != keys.len() {
        let found = format!("{} beside {} of --tls-cert", keys.len(), certificates.len());
        let complaint = Complaint::new("one --tls-key for each --tls-cert, in the same order");
        findings.add(&Place::flag("--tls-key"), found, complaint);
    }
    let pairs = certificates.iter().zip(keys).filter_map(|(certificate, key)| {
        Some(CertificatePlan {
            certificate: file("--tls-cert", certificate, findings)?,
            key: file("--tls-key", key, findings)?,
            ocsp: None,
        })
    });
    let plan = TlsPlan {
        certificates: pairs.collect(),
        domains: domains(flags, findings),
        ..TlsPlan::default()
    };
    let is_asked = !certificates.is_empty() || !keys.is_empty() || !flags.domain.is_empty();
    is_asked.then_some(plan)
}

/// How certificates are had, if that is not the usual way.
pub(super) fn acme(flags: &Flags, findings: &Findings) -> Option<AcmePlan> {
    let plain = AcmePlan::default();
    let (directory, authorities) = (&flags.acme_directory, &flags.acme_authorities);
    let first = match (directory, authorities) {
        (Some(_), _) => "--acme-directory",
        (None, Some(_)) => "--acme-authorities",
        (None, None) => return None,
    };
    if flags.domain.is_empty() {
        let complaint = Complaint::new("such a flag beside --domain");
        findings.add(&Place::flag(first), "no --domain", complaint);
    }
    let directory = directory
        .as_ref()
        .and_then(|text| super::word("--acme-directory", text, acme::directory, findings));
    Some(AcmePlan {
        directory: directory.unwrap_or(plain.directory),
        authorities: authorities
            .as_ref()
            .and_then(|path| file("--acme-authorities", path, findings)),
        ..plain
    })
}

fn domains(flags: &Flags, findings: &Findings) -> Vec<String> {
    let named = flags
        .domain
        .iter()
        .flat_map(|list| list.split(','))
        .map(str::trim);
    let mut domains: Vec<String> = Vec::new();
    for domain in named.filter_map(|text| super::word("--domain", text, host::domain, findings)) {
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains
}

/// As an absolute path, which means the same wherever it is read again.
fn file(flag: &str, path: &Path, findings: &Findings) -> Option<PathBuf> {
    let named = match path.to_str() {
        Some(text) => super::word(flag, text, word::path, findings)?,
        None => {
            let found = quoted(&path.to_string_lossy());
            findings.add(&Place::flag(flag), found, Complaint::new("a path in UTF-8"));
            return None;
        }
    };
    Some(std::path::absolute(&named).unwrap_or(named))
}

/// IPv6 and IPv4.
fn on_all(port: u16) -> Bind {
    Bind::Tcp((Ipv6Addr::UNSPECIFIED, port).into())
}

const HTTP: u16 = 80;
const HTTPS: u16 = 443;
const REDIRECT: &str = "redirect";
