//! The names that certificates carry (RFC 5280 section 4.2.1.6), with their kind, as a file means them.

use portreeve_model::plan::SanPattern;

use crate::document::shortened;
use crate::host;
use crate::item::Item;
use crate::place::quoted;
use crate::word::Complaint;

/// A name that is the key of an entry.
pub(crate) fn of_key(name: &str, entry: &Item<'_>) -> Option<SanPattern> {
    let complain = |complaint| {
        let found = format!("the name {}", quoted(&shortened(name)));
        entry.findings.add(&entry.place, found, complaint);
    };
    pattern(name).map_err(complain).ok()
}

/// `DNS:api.example.com`, `DNS:*.example.com`, `URI:spiffe://example.com/api`, `URI:spiffe://example.com/*`,
/// `email:ops@example.com`, `IP:10.0.0.7`.
pub(crate) fn pattern(text: &str) -> Result<SanPattern, Complaint> {
    let (kind, name) = text.split_once(':').ok_or_else(|| complaint(text))?;
    match kind {
        "DNS" => dns(name),
        "URI" => uri(name),
        "email" if name.contains('@') && is_plain(name) => Some(SanPattern::Exact(text.to_owned())),
        "IP" => name
            .parse()
            .ok()
            .map(|ip: std::net::IpAddr| SanPattern::Exact(format!("IP:{ip}"))),
        _ => None,
    }
    .ok_or_else(|| complaint(text))
}

/// As it is read.
pub(crate) fn show(pattern: &SanPattern) -> String {
    match pattern {
        SanPattern::Exact(name) => name.clone(),
        SanPattern::Open(open) => match open.strip_prefix("DNS:") {
            Some(suffix) => format!("DNS:*{suffix}"),
            None => format!("{open}*"),
        },
    }
}

fn dns(name: &str) -> Option<SanPattern> {
    let is_good = |name: &str| host::is_name(name) && !name.ends_with('.');
    match name.strip_prefix("*.") {
        Some(rest) => is_good(rest).then(|| SanPattern::Open(format!("DNS:.{rest}"))),
        None => is_good(name).then(|| SanPattern::Exact(format!("DNS:{name}"))),
    }
}

fn uri(name: &str) -> Option<SanPattern> {
    let open = name.strip_suffix('*');
    let bare = open.unwrap_or(name);
    let is_good = bare.contains(':') && is_plain(bare) && !bare.contains('*');
    is_good.then(|| match open {
        Some(open) => SanPattern::Open(format!("URI:{open}")),
        None => SanPattern::Exact(format!("URI:{name}")),
    })
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn complaint(text: &str) -> Complaint {
    let complaint = Complaint::new(NAME);
    match text.split_once(':') {
        _ if text.starts_with("spiffe://") => complaint.hint(format!("with its kind: \"URI:{text}\"")),
        None if host::is_name(text) => complaint.hint(format!("with its kind: \"DNS:{text}\"")),
        Some((kind, rest)) if ["dns", "uri", "ip", "EMAIL", "Email"].contains(&kind) => {
            let kind = if kind.eq_ignore_ascii_case("email") {
                "email".to_owned()
            } else {
                kind.to_uppercase()
            };
            complaint.hint(format!("perhaps \"{kind}:{rest}\""))
        }
        _ => complaint,
    }
}

const NAME: &str = "a certificate's name such as \"DNS:api.example.com\", \"DNS:*.example.com\", \
                    \"URI:spiffe://example.com/*\", \"email:ops@example.com\" or \"IP:10.0.0.7\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_as_it_is_read() {
        for text in [
            "DNS:api.example.com",
            "DNS:*.example.com",
            "URI:spiffe://example.com/api",
            "URI:spiffe://example.com/*",
            "email:ops@example.com",
            "IP:10.0.0.7",
            "IP:2001:db8::7",
        ] {
            assert_eq!(pattern(text).map(|pattern| show(&pattern)), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_name_without_its_kind_is_refused_with_what_was_meant() {
        let hint = |text| pattern(text).unwrap_err().hint.unwrap_or_default();
        assert_eq!(hint("spiffe://a/b"), "with its kind: \"URI:spiffe://a/b\"");
        assert_eq!(hint("api.example.com"), "with its kind: \"DNS:api.example.com\"");
        assert_eq!(hint("uri:spiffe://a/b"), "perhaps \"URI:spiffe://a/b\"");
        for text in [
            "",
            "DNS:",
            "DNS:*",
            "DNS:a.*.b",
            "URI:*",
            "URI:a b",
            "IP:10.0.0",
            "email:ops",
        ] {
            assert!(pattern(text).is_err(), "{text}");
        }
    }
}
