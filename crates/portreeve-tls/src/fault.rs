//! What is wrong with certificates, keys and authorities, and what is worth a word.

use std::fmt;
use std::path::PathBuf;

use portreeve_model::plan::Name;

/// Something that keeps a part of the configuration of TLS from being used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {wrong}")]
pub struct TlsFault {
    /// Whose it is.
    pub place: Place,
    /// What is wrong.
    pub wrong: Wrong,
}

/// Something that works now, and should be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsWarning {
    /// Whose it is.
    pub place: Place,
    /// What should be looked at.
    pub warning: Warning,
}

impl fmt::Display for TlsWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.warning)
    }
}

/// Whose certificate, key or authority it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// That of `[listener.NAME]`.
    Listener(Name),
    /// That of `[pool.NAME]`.
    Pool(Name),
    /// One had by ACME for this host.
    Managed(Name),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(name) => write!(out, "listener {name}"),
            Self::Pool(name) => write!(out, "pool {name}"),
            Self::Managed(name) => write!(out, "certificate of {name} by ACME"),
        }
    }
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The file is not there, is no file or may not be read.
    #[error("{} cannot be read: {reason}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// As the system says it.
        reason: String,
    },
    /// The file is longer than is read.
    #[error("{} is over {bytes_max} bytes", file.display())]
    TooLarge {
        /// Which.
        file: PathBuf,
        /// The most that is read.
        bytes_max: u64,
    },
    /// The file lacks what it is named for.
    #[error("{} {found}; it should hold {wanted} in PEM", file.display())]
    Lacks {
        /// Which.
        file: PathBuf,
        /// What it holds, as `is empty`.
        found: &'static str,
        /// What it should, as `a certificate (BEGIN CERTIFICATE)`.
        wanted: &'static str,
    },
    /// PEM that is not to be read.
    #[error("{}: {reason}", file.display())]
    Malformed {
        /// Which.
        file: PathBuf,
        /// What breaks the rules.
        reason: String,
    },
    /// The key is protected by a passphrase, which nobody could type.
    #[error("{} is protected by a passphrase; write it without: `openssl pkey -in {} -out KEY`", file.display(), file.display())]
    KeyEncrypted {
        /// Which.
        file: PathBuf,
    },
    /// The key is another one's.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    KeyMismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate that has expired would have taken the place of one that has not.
    #[error("the certificate in {} has expired; the one before it has not, and stays", file.display())]
    AlreadyExpired {
        /// Which.
        file: PathBuf,
    },
    /// A certificate by ACME that is not to be used.
    #[error("what the authority gave is not to be used: {reason}")]
    Managed {
        /// Why.
        reason: String,
    },
    /// The name that backends should have is none.
    #[error("`server_name` is `{name}`; it should be a host or an address")]
    ServerName {
        /// As written.
        name: String,
    },
    /// The machine has no authorities that it trusts.
    #[error(
        "the machine has no authorities that it trusts ({reason}); install `ca-certificates`, or name them with `authorities`"
    )]
    MachineTrustsNobody {
        /// As the system says it.
        reason: String,
    },
}

/// What is worth a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Clients will not take it.
    #[error("the certificate of {names} ({origin}) expired {days} days ago")]
    Expired {
        /// The hosts that it is for.
        names: String,
        /// Its file, or `ACME`.
        origin: String,
        /// Whole days.
        days: u64,
    },
    /// Clients will not take it yet.
    #[error("the certificate of {names} ({origin}) is not valid yet; is the clock right?")]
    NotYetValid {
        /// The hosts that it is for.
        names: String,
        /// Its file, or `ACME`.
        origin: String,
    },
    /// It is time for another one.
    #[error("the certificate of {names} ({origin}) expires in {days} days")]
    ExpiresSoon {
        /// The hosts that it is for.
        names: String,
        /// Its file, or `ACME`.
        origin: String,
        /// Whole days.
        days: u64,
    },
    /// Browsers will not take it.
    #[error(
        "the certificate in {} has no names (subjectAltName), and browsers do not look at its common name; have one with them",
        file.display()
    )]
    NoNames {
        /// Which.
        file: PathBuf,
    },
    /// Others of this machine could take it.
    #[error("the key in {} may be read by others (mode {mode:o}); `chmod 600`", file.display())]
    KeyReadable {
        /// Which.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Nobody vouches for the backends of a pool.
    #[error(
        "`insecure`: any certificate of its backends is taken; whoever is on the way can read and change everything"
    )]
    Insecure,
}
