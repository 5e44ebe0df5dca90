//! The names that certificates carry (RFC 5280 section 4.2.1.6), with their kind, as a file means them.

use portreeve_model::plan::{NotASan, SanPattern};

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

fn pattern(text: &str) -> Result<SanPattern, Complaint> {
    text.parse().map_err(|fault| complaint(text, fault))
}

fn complaint(text: &str, fault: NotASan) -> Complaint {
    let complaint = Complaint::new(fault.to_string());
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

#[cfg(test)]
mod tests {
    use super::*;

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
            "URI:spiffe://a*",
            "URI:a b",
            "IP:10.0.0",
            "email:ops",
        ] {
            assert!(pattern(text).is_err(), "{text}");
        }
    }
}
