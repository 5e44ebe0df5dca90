//! Something that is read from files, and read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use portreeve_model::plan::{CertificatePlan, ClientCertificatePlan};
use rustls::RootCertStore;
use rustls::server::danger::ClientCertVerifier;

use crate::certificate::Certificate;
use crate::fault::Wrong;
use crate::file::Seen;
use crate::listener::{clients_verifier, read_authorities, read_revoked};

/// Something that is read from files.
pub(super) trait Source {
    /// What comes of them.
    type Value;

    /// Which files, in the order in which their contents are given.
    fn files(&self) -> Vec<&Path>;

    /// Makes it of the contents of them all.
    fn read(&self, contents: Vec<Vec<u8>>) -> Result<Self::Value, Vec<Wrong>>;

    /// Whether it may take the place of what there was.
    fn may_follow(&self, _next: &Self::Value, _before: &Self::Value) -> Result<(), Wrong> {
        Ok(())
    }
}

/// What was read last of it that was right, and the files as they were since.
#[derive(Debug)]
pub(super) struct Kept<S: Source> {
    pub(super) source: S,
    pub(super) value: Arc<S::Value>,
    seen: Vec<Seen>,
}

impl<S: Source> Kept<S> {
    /// Reads it for the first time.
    pub(super) fn read(source: S) -> Result<Self, Vec<Wrong>> {
        let (seen, value) = read(&source);
        Ok(Self {
            value: Arc::new(value?),
            source,
            seen,
        })
    }

    /// Reads it again if a file has changed: which have, or what is wrong with them.
    pub(super) fn look_again(&mut self) -> Option<Result<Vec<PathBuf>, Vec<Wrong>>> {
        let changed = self
            .seen
            .iter_mut()
            .filter_map(|seen| seen.has_changed().then(|| seen.path().to_owned()));
        let changed: Vec<PathBuf> = changed.collect();
        (!changed.is_empty()).then(|| self.read_again().map(|()| changed))
    }

    fn read_again(&mut self) -> Result<(), Vec<Wrong>> {
        let (seen, value) = read(&self.source);
        self.seen = seen;
        let value = value?;
        self.source
            .may_follow(&value, &self.value)
            .map_err(|wrong| vec![wrong])?;
        self.value = Arc::new(value);
        Ok(())
    }

    /// The files as they were when they were read last.
    pub(super) fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Tells whether it was made of the same.
    pub(super) fn digests(&self) -> Vec<u64> {
        self.seen.iter().map(Seen::digest).collect()
    }
}

fn read<S: Source>(source: &S) -> (Vec<Seen>, Result<S::Value, Vec<Wrong>>) {
    let mut contents = Vec::new();
    let mut faults = Vec::new();
    let mut seen = Vec::new();
    for file in source.files() {
        let (file, read) = Seen::read(file);
        seen.push(file);
        match read {
            Ok(bytes) => contents.push(bytes),
            Err(wrong) => faults.push(wrong),
        }
    }
    let value = if faults.is_empty() {
        source.read(contents)
    } else {
        Err(faults)
    };
    (seen, value)
}

impl Source for CertificatePlan {
    type Value = Certificate;

    fn files(&self) -> Vec<&Path> {
        let own = [self.certificate.as_path(), self.key.as_path()];
        own.into_iter().chain(self.ocsp.as_deref()).collect()
    }

    fn read(&self, contents: Vec<Vec<u8>>) -> Result<Certificate, Vec<Wrong>> {
        let mut contents = contents.into_iter();
        let mut next = || contents.next().unwrap_or_default();
        let (chain, key) = (next(), next());
        let staple = self.ocsp.is_some().then(next);
        Certificate::of_files(self, &chain, &key, staple)
    }

    fn may_follow(&self, next: &Certificate, before: &Certificate) -> Result<(), Wrong> {
        let now = SystemTime::now();
        if next.has_expired(now) && !before.has_expired(now) {
            return Err(Wrong::AlreadyExpired {
                file: self.certificate.clone(),
            });
        }
        Ok(())
    }
}

impl Source for ClientCertificatePlan {
    type Value = Arc<dyn ClientCertVerifier>;

    fn files(&self) -> Vec<&Path> {
        let revoked = self.revoked.iter().map(PathBuf::as_path);
        std::iter::once(self.authorities.as_path())
            .chain(revoked)
            .collect()
    }

    fn read(&self, contents: Vec<Vec<u8>>) -> Result<Self::Value, Vec<Wrong>> {
        let (authorities, lists) = contents
            .split_first()
            .map_or((&[][..], &[][..]), |(first, rest)| (first, rest));
        let authorities = read_authorities(authorities, &self.authorities);
        let lists: Result<Vec<_>, Wrong> = lists
            .iter()
            .zip(&self.revoked)
            .map(|(bytes, file)| read_revoked(bytes, file))
            .collect();
        match (authorities, lists) {
            (Ok(authorities), Ok(lists)) => {
                clients_verifier(self, authorities, lists.concat()).map_err(|wrong| vec![wrong])
            }
            (authorities, lists) => Err([authorities.err(), lists.err()].into_iter().flatten().collect()),
        }
    }
}

/// Those who may vouch for backends.
#[derive(Debug)]
pub(super) struct Authorities(pub(super) PathBuf);

impl Source for Authorities {
    type Value = RootCertStore;

    fn files(&self) -> Vec<&Path> {
        vec![&self.0]
    }

    fn read(&self, contents: Vec<Vec<u8>>) -> Result<RootCertStore, Vec<Wrong>> {
        let bytes = contents.concat();
        read_authorities(&bytes, &self.0).map_err(|wrong| vec![wrong])
    }
}
