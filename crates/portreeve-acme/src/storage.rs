//! What survives a restart: the account, certificates with their keys, orders under way.
//!
//! ```text
//! <state>/acme/<authority>/account.json           the account's key, its address at the authority, its contacts
//!                          account.key            the key of an account that is being opened
//!                          certificates/NAME.pem  the key, the certificate, those that vouch for it
//!                          orders/NAME.json       the order's address and the key it is for
//! ```
//!
//! Each file is written anew beside the old one and then takes its name, so that a kill leaves the old or the new one,
//! whole. Key and certificate share a file since they must change together. Folders are 0700 and files 0600. What cannot
//! be read is set aside and had anew.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use portreeve_tls::{Managed, pem_fault};
use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::AcmeFault;

/// What is kept of one authority; accounts and certificates of another (its rehearsal, say) are of no use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(PathBuf);

/// The account.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptAccount {
    /// What the authority has been told of whom to write to.
    pub(crate) contacts: Vec<String>,
    pub(crate) credentials: AccountCredentials,
}

/// An order under way.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptOrder {
    pub(crate) url: String,
    /// In PEM; the certificate will be for it.
    pub(crate) key: String,
}

/// A certificate, those that vouch for it, and its key.
#[derive(Debug)]
pub(crate) struct Certified {
    /// At least one, the certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Certified {
    /// All that is in this text, in PEM.
    pub(crate) fn parse(pem: &str) -> Result<Self, String> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| format!("no certificates in PEM: {}", pem_fault(&error)))?;
        if chain.is_empty() {
            return Err("there is no certificate in it".to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("no key in PEM: {}", pem_fault(&error)))?;
        Ok(Self { chain, key })
    }

    pub(crate) fn leaf(&self) -> &CertificateDer<'static> {
        &self.chain[0]
    }
}

impl From<Certified> for Managed {
    fn from(Certified { chain, key }: Certified) -> Self {
        Self { chain, key }
    }
}

impl Folder {
    /// Of the authority at `directory`.
    pub(crate) fn of(state: &Path, directory: &str) -> Self {
        let authority = directory.strip_prefix("https://").unwrap_or(directory);
        Self(state.join("acme").join(file_name(authority)))
    }

    pub(crate) fn account(&self) -> Option<KeptAccount> {
        self.read_json(&self.account_path())
    }

    pub(crate) fn keep_account(&self, account: &KeptAccount) -> Result<(), AcmeFault> {
        self.write_json(&self.account_path(), account)
    }

    /// The key of the account that is to be opened: the one that was kept, since the authority may know it already, else a
    /// new one, which is kept first.
    pub(crate) fn account_key(&self) -> Result<KeyPair, AcmeFault> {
        let path = self.account_key_path();
        let kept = read(&path).and_then(|pem| {
            let key = KeyPair::from_pem(&pem);
            key.inspect_err(|_| set_aside(&path, "it is no key in PEM")).ok()
        });
        if let Some(key) = kept {
            return Ok(key);
        }
        let key = KeyPair::generate().map_err(|error| AcmeFault::Unusable {
            reason: format!("no key can be made: {error}"),
        })?;
        self.write(&path, key.serialize_pem().as_bytes())?;
        Ok(key)
    }

    /// The account is open, and has it.
    pub(crate) fn forget_account_key(&self) {
        forget(&self.account_key_path());
    }

    /// The authority knows it no more.
    pub(crate) fn forget_account(&self) {
        forget(&self.account_path());
    }

    pub(crate) fn certificate(&self, domain: &str) -> Option<Certified> {
        let path = self.certificate_path(domain);
        let text = read(&path)?;
        Certified::parse(&text)
            .inspect_err(|reason| set_aside(&path, reason))
            .ok()
    }

    /// `pem` has key and chain.
    pub(crate) fn keep_certificate(&self, domain: &str, pem: &str) -> Result<(), AcmeFault> {
        self.write(&self.certificate_path(domain), pem.as_bytes())
    }

    pub(crate) fn order(&self, domain: &str) -> Option<KeptOrder> {
        self.read_json(&self.order_path(domain))
    }

    pub(crate) fn keep_order(&self, domain: &str, order: &KeptOrder) -> Result<(), AcmeFault> {
        self.write_json(&self.order_path(domain), order)
    }

    pub(crate) fn forget_order(&self, domain: &str) {
        forget(&self.order_path(domain));
    }

    fn account_path(&self) -> PathBuf {
        self.0.join("account.json")
    }

    fn account_key_path(&self) -> PathBuf {
        self.0.join("account.key")
    }

    fn certificate_path(&self, domain: &str) -> PathBuf {
        self.0.join("certificates").join(file_name(domain) + ".pem")
    }

    fn order_path(&self, domain: &str) -> PathBuf {
        self.0.join("orders").join(file_name(domain) + ".json")
    }

    fn read_json<T: DeserializeOwned>(&self, path: &Path) -> Option<T> {
        let text = read(path)?;
        of_json(&text).inspect_err(|reason| set_aside(path, reason)).ok()
    }

    fn write_json(&self, path: &Path, value: &impl Serialize) -> Result<(), AcmeFault> {
        let text = serde_json::to_vec(value).expect("texts and keys are JSON");
        self.write(path, &text)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), AcmeFault> {
        replace(path, bytes).map_err(|error| AcmeFault::unstored(path, &error))
    }
}

/// A name for a file: letters, digits, `-` and `.` stay, `/` is `+`, and all else is `%` and two hexadecimal digits. No
/// two texts have the same one, and none begins with a dot.
fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'.' if name.is_empty() => name.push_str("%2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => name.push(byte.into()),
            b'/' => name.push('+'),
            // Writing to memory cannot fail.
            byte => drop(write!(name, "%{byte:02x}")),
        }
    }
    name
}

fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| place_of(&error))
}

/// Where JSON is damaged, and how; not what stands there, which may be a key, and which the error's own words quote.
fn place_of(error: &serde_json::Error) -> String {
    let how = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "it is no JSON",
        Category::Data => "it is not what was written there",
        Category::Io => "it cannot be read",
    };
    format!("{how}: line {}, column {}", error.line(), error.column())
}

/// What is in this file; `None` if there is none. One that others may read is closed to them.
fn read(path: &Path) -> Option<String> {
    let outcome = fs::read_to_string(path);
    match outcome {
        Ok(text) => {
            close_to_others(path);
            Some(text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "cannot read what ACME kept; it is had anew");
            None
        }
    }
}

fn close_to_others(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |data| data.permissions().mode());
    if mode & 0o077 == 0 {
        return;
    }
    tracing::warn!(file = %path.display(), mode = format!("{:o}", mode & 0o777), "others could read this key; now they cannot");
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(0o600)) {
        tracing::warn!(file = %path.display(), %error, "cannot close this key to others");
    }
}

fn set_aside(path: &Path, reason: &str) {
    let aside = beside(path, "damaged");
    tracing::warn!(file = %path.display(), aside = %aside.display(), reason, "this file is damaged; it is set aside and had anew");
    if let Err(error) = fs::rename(path, &aside) {
        tracing::warn!(file = %path.display(), %error, "cannot set it aside");
    }
}

fn forget(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(file = %path.display(), %error, "cannot remove what ACME needs no more"),
    }
}

/// Whole or not at all, also if the power fails.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("all files lie in the authority's folder");
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let fresh = beside(path, "new");
    // One that a kill left behind may be open to others.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("portreeve-acme-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn certificate() -> String {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        made.signing_key.serialize_pem() + &made.cert.pem()
    }

    #[test]
    fn two_authorities_never_share_a_folder() {
        let names = [
            "ca.test/a/b",
            "ca.test/a+b",
            "ca.test/a%2fb",
            "ca.test:1/a/b",
            "..",
            "/..",
        ];
        let mut found: Vec<_> = names.iter().map(|one| file_name(one)).collect();
        assert!(
            found
                .iter()
                .all(|one| !one.starts_with('.') && !one.contains('/')),
            "{found:?}"
        );

        found.sort();
        found.dedup();

        assert_eq!(found.len(), names.len());
    }

    #[test]
    fn nobody_else_may_read_a_key() {
        let scratch = Scratch::new("mode");
        let folder = Folder::of(&scratch.0, "https://ca.test/directory");

        folder.keep_certificate("a.test", &certificate()).unwrap();

        let path = folder.certificate_path("a.test");
        assert_eq!(mode(&path), 0o600);
        for above in path
            .ancestors()
            .skip(1)
            .take_while(|above| above.starts_with(&scratch.0))
        {
            assert_eq!(mode(above), 0o700, "{}", above.display());
        }
        folder.certificate("a.test").unwrap();
    }

    #[test]
    fn a_key_that_was_opened_to_others_is_closed_when_it_is_read() {
        let scratch = Scratch::new("open");
        let folder = Folder::of(&scratch.0, "https://ca.test/directory");
        folder.keep_certificate("a.test", &certificate()).unwrap();
        let path = folder.certificate_path("a.test");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();

        folder.certificate("a.test").unwrap();

        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn what_a_kill_left_behind_is_in_nobodys_way() {
        let scratch = Scratch::new("left");
        let folder = Folder::of(&scratch.0, "https://ca.test/directory");
        folder.keep_certificate("a.test", &certificate()).unwrap();
        let half = beside(&folder.certificate_path("a.test"), "new");
        fs::write(&half, "-----BEGIN").unwrap();

        folder.certificate("a.test").expect("the old one is whole");
        folder.keep_certificate("a.test", &certificate()).unwrap();

        assert!(!half.exists());
        assert_eq!(mode(&folder.certificate_path("a.test")), 0o600);
    }

    #[test]
    fn what_is_damaged_is_told_by_its_place_and_not_quoted() {
        let texts = [
            (
                "{\n \"contacts\": \"MIGHAgEAhush\"}",
                "it is not what was written there: line 2",
            ),
            ("{\"contacts\": [MIGHAgEAhush", "it is no JSON: line 1"),
            ("{\"contacts\": [\"MIGHAgEAhush\"]", "it ends too early: line 1"),
        ];
        for (text, told) in texts {
            let reason = of_json::<KeptAccount>(text).err().unwrap();
            assert!(reason.starts_with(told) && !reason.contains("hush"), "{reason}");
        }
        let quoted = serde_json::from_str::<KeptAccount>(texts[0].0).err().unwrap();
        assert!(
            quoted.to_string().contains("hush"),
            "else this test shows nothing: {quoted}"
        );
    }

    #[test]
    fn a_key_whose_lines_were_joined_is_not_quoted() {
        let joined = certificate().replace('\n', "");
        let reason = |pem: &str| Certified::parse(pem).unwrap_err();
        assert_eq!(
            reason(&joined),
            "no certificates in PEM: a section that -----BEGIN begins has no end"
        );
        assert_eq!(
            reason(&(joined + "x")),
            "no certificates in PEM: a line begins with -----BEGIN and is not closed by -----"
        );
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let scratch = Scratch::new("damaged");
        let folder = Folder::of(&scratch.0, "https://ca.test/directory");
        let path = folder.certificate_path("a.test");
        replace(&path, b"half a certif").unwrap();
        replace(&folder.account_path(), b"{").unwrap();

        assert!(folder.certificate("a.test").is_none());
        assert!(folder.account().is_none());

        assert!(!path.exists() && beside(&path, "damaged").exists());
    }
}
