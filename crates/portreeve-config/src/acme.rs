//! `[acme]`: how certificates are had for the `domains` of listeners.

use std::path::PathBuf;

use portreeve_model::plan::{AcmeChallenge, AcmePlan};

use crate::quantity::whole_percent;
use crate::section::Section;
use crate::word::Complaint;
use crate::{certificate, list};

/// Reads the section; `None` if it is not there.
pub(crate) fn read(mut section: Section<'_>) -> Option<AcmePlan> {
    let is_there = !section.is_absent();
    let plain = AcmePlan::default();
    let directory = section.word("directory", directory);
    let mut plan = AcmePlan {
        directory: directory.unwrap_or(plain.directory),
        contacts: list::words(&mut section, "contacts", contact),
        authorities: certificate::file(&mut section, "authorities"),
        challenge: section.word("challenge", challenge).unwrap_or_default(),
        renew_at: plain.renew_at,
        external_account: None,
    };
    section.quantity("renew_at", &whole_percent(1..=90), &mut plan.renew_at);
    plan.external_account = external_account(&mut section);
    section.finish(&[]);
    is_there.then_some(plan)
}

/// The word for a challenge.
pub(crate) fn show(challenge: AcmeChallenge) -> &'static str {
    match challenge {
        AcmeChallenge::Any => "any",
        AcmeChallenge::TlsAlpn01 => "tls-alpn-01",
        AcmeChallenge::Http01 => "http-01",
    }
}

/// The id of the key, and the file it is in.
fn external_account(section: &mut Section<'_>) -> Option<(String, PathBuf)> {
    let item = section.get("external_account")?;
    let mut section = item.section(Complaint::new(EXTERNAL));
    if !item.is_table() {
        return None;
    }
    let id = section.need("key_id", KEY_ID).and_then(|item| item.word(key_id));
    let key = section
        .need("key", KEY)
        .and_then(|item| certificate::file_of(&item));
    section.finish(&[]);
    id.zip(key)
}

/// The URL of an authority's directory.
pub(crate) fn directory(text: &str) -> Result<String, Complaint> {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let is_good =
        !rest.is_empty() && !rest.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_good {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(DIRECTORY)),
    }
}

/// An address of mail, with or without `mailto:`; kept with it.
fn contact(text: &str) -> Result<String, Complaint> {
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    let is_good = |(user, host): (&str, &str)| !user.is_empty() && !host.is_empty() && !host.contains('@');
    let is_plain = address
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b',');
    match is_plain && address.split_once('@').is_some_and(is_good) {
        true => Ok(format!("mailto:{address}")),
        false => Err(Complaint::new("an address of mail such as \"ops@example.com\"")),
    }
}

fn challenge(text: &str) -> Result<AcmeChallenge, Complaint> {
    let all = [
        AcmeChallenge::Any,
        AcmeChallenge::TlsAlpn01,
        AcmeChallenge::Http01,
    ];
    let known = all.into_iter().find(|challenge| show(*challenge) == text);
    known.ok_or_else(|| match text {
        "dns-01" => Complaint::one_of(&all.map(show), text).hint(
            "records of DNS are not written here: have the certificate by another tool and name its file",
        ),
        _ => Complaint::one_of(&all.map(show), text),
    })
}

fn key_id(text: &str) -> Result<String, Complaint> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(KEY_ID)),
    }
}

const DIRECTORY: &str = "the URL of an authority's directory such as \"https://acme.example.com/directory\"";
const EXTERNAL: &str = "a table such as { key_id = \"kid-1\", key = \"eab.key\" }";
const KEY_ID: &str = "the id of a key, as the authority gave it";
const KEY: &str = "a file with the key in base64url, as the authority gave it";
