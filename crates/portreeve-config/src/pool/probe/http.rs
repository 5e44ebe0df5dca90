//! The request of an HTTP probe, and the response that passes.

use portreeve_model::plan::HttpCheck;

use crate::item::Item;
use crate::place::quoted;
use crate::section::Section;
use crate::word::{Complaint, port};
use crate::{host, matching, status};

/// Reads `path` and what goes with it; `None` without it.
pub(super) fn read(section: &mut Section<'_>) -> Option<HttpCheck> {
    let path = section.word("path", target);
    let mut check = HttpCheck::default();
    if let Some(method) = section.word("method", method) {
        check.method = method;
    }
    check.host = section.word("host", authority);
    check.headers = section
        .get("header")
        .map(|item| headers(&item))
        .unwrap_or_default();
    status::read_some(section, 200..=599, &mut check.statuses);
    check.body_contains = section.word("body_contains", part_of_body);
    if check.method == "HEAD" && check.body_contains.is_some() {
        section.misfit(
            "body_contains",
            "a text",
            "no such key with method = \"HEAD\", which has no response body",
        );
    }
    path.map(|target| HttpCheck { target, ..check })
}

/// Notes what only an HTTP probe could heed, beside another kind of probe.
pub(super) fn not_beside(section: &Section<'_>, others: &[&str]) {
    let Some(other) = others.iter().find(|other| section.has(other)) else {
        return;
    };
    for key in HTTP_ONLY.into_iter().filter(|key| section.has(key)) {
        section.misfit(
            key,
            format!("a key of HTTP probes beside {other}"),
            "such a key beside path only",
        );
    }
}

/// A path, perhaps with a query, as it is sent.
pub(super) fn target(text: &str) -> Result<String, Complaint> {
    let is_good = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    match text.starts_with('/') && text.len() <= TARGET_BYTES_MAX && text.bytes().all(is_good) {
        true => Ok(text.to_owned()),
        false => Err(target_complaint(text)),
    }
}

fn target_complaint(text: &str) -> Complaint {
    let complaint = Complaint::new("a path such as \"/healthz\", perhaps with a query");
    match text {
        "" => complaint,
        _ if !text.starts_with('/') => complaint.hint("it begins with a slash"),
        _ if text.len() > TARGET_BYTES_MAX => complaint.hint(format!("at most {TARGET_BYTES_MAX} bytes")),
        _ => complaint.hint("write blanks and letters beyond ASCII as %XX"),
    }
}

fn method(text: &str) -> Result<String, Complaint> {
    match text {
        "CONNECT" => Err(Complaint::new("a method such as \"GET\"").hint("a tunnel is no probe")),
        _ => matching::method(text),
    }
}

/// A host, perhaps with a port.
fn authority(text: &str) -> Result<String, Complaint> {
    let host = match text.rsplit_once(':') {
        Some((host, digits)) if !text.ends_with(']') => port(digits).map(|_| host),
        _ => Some(text),
    };
    match host.is_some_and(|host| host::is_name(host) || host::is_ipv6(host)) {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(
            "a host such as \"shop.example.com\", perhaps with a port",
        )),
    }
}

fn part_of_body(text: &str) -> Result<String, Complaint> {
    match (1..=BODY_BYTES_MAX).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(format!("a text of 1 to {BODY_BYTES_MAX} bytes"))),
    }
}

fn headers(item: &Item<'_>) -> Vec<(String, String)> {
    let Some(entries) = item.entries() else {
        item.refuse(Complaint::new("a table such as { X-Probe = \"1\" }"));
        return Vec::new();
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in entries {
        match header(name, &value) {
            Some(one) if headers.iter().any(|known| known.0.eq_ignore_ascii_case(&one.0)) => {
                value.refuse(Complaint::new("each header once; case does not count"));
            }
            one => headers.extend(one),
        }
    }
    headers
}

fn header(name: &str, value: &Item<'_>) -> Option<(String, String)> {
    let good_name = matching::plain_header_name(name).map_err(|complaint| match name {
        _ if name.eq_ignore_ascii_case("host") => complaint.hint("for Host write host = \"...\""),
        _ => complaint,
    });
    if let Err(complaint) = &good_name {
        let found = format!("the name {}", quoted(&crate::document::shortened(name)));
        value.findings.add(&value.place, found, complaint.clone());
    }
    let value = value.word(matching::header_value)?;
    good_name.is_ok().then(|| (name.to_owned(), value))
}

const HTTP_ONLY: [&str; 5] = ["method", "host", "header", "status", "body_contains"];
const TARGET_BYTES_MAX: usize = 2_048;
const BODY_BYTES_MAX: usize = 1_024;
