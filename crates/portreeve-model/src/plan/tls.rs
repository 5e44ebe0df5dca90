//! How connections are secured: with clients, and with backends.

use std::path::PathBuf;
use std::time::Duration;

use super::Name;

/// How a listener speaks TLS with its clients. Certificates are chosen by the names they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPlan {
    /// The first is shown to clients that name no host (no SNI).
    pub certificates: Vec<CertificatePlan>,
    /// Names for which certificates are had by ACME; in lower case.
    pub domains: Vec<String>,
    /// The oldest version that is spoken; default 1.2.
    pub version_min: TlsVersion,
    /// Whether a client that names a host must name one that a certificate is for; default yes: it is refused with the
    /// alert `unrecognized_name` (RFC 6066 section 3); else it is shown the first certificate.
    pub requires_known_name: bool,
    /// Whether clients show a certificate; `None`: they are not asked.
    pub clients: Option<ClientCertificatePlan>,
    /// From the connection's first moment until the handshake is over; default 10 s.
    pub handshake_timeout: Duration,
    /// Handshakes under way at once on this listener, in all; those beyond wait for their turn; default 1,024.
    pub handshakes_max: u32,
    /// How much of a thread's time handshakes may take while requests are to be served, in percent; 1 to 100, default 50.
    pub handshake_share: u8,
    /// How long a client may resume a session without a whole handshake; the keys of tickets are changed at half of it.
    /// Default 12 h; zero: never.
    pub ticket_lifetime: Duration,
    /// Which reading of what clients have to show it goes with: whoever has read the files says so. Requests of a
    /// connection that was made under another one are not for this plan. 0: nobody has read them.
    pub trust: u64,
}

impl Default for TlsPlan {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            domains: Vec::new(),
            version_min: TlsVersion::Tls12,
            requires_known_name: true,
            clients: None,
            handshake_timeout: Duration::from_secs(10),
            handshakes_max: 1_024,
            handshake_share: 50,
            ticket_lifetime: Duration::from_secs(12 * 3_600),
            trust: 0,
        }
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TlsVersion {
    /// RFC 5246. `1.2`
    #[default]
    Tls12,
    /// RFC 8446. `1.3`
    Tls13,
}

/// A certificate with its chain, and its key; files in PEM that are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificatePlan {
    /// The certificate first, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
    /// A DER-encoded OCSP response to be stapled (RFC 6066 section 8).
    pub ocsp: Option<PathBuf>,
}

/// Which certificates of clients count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificatePlan {
    /// Those who may vouch for them; a file in PEM, read again when it changes.
    pub authorities: PathBuf,
    /// Certificates revoked by them; files in PEM.
    pub revoked: Vec<PathBuf>,
    /// Whether a client without one is refused; default yes.
    pub is_required: bool,
    /// The request field that tells backends whose certificate it was; in lower case. What clients write there
    /// themselves is dropped. Default `x-client-certificate-san`.
    pub header: Option<String>,
}

/// How connections to the backends of a pool are secured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackendTlsPlan {
    /// Who may vouch for them, in PEM; `None`: those whom the machine trusts.
    pub authorities: Option<PathBuf>,
    /// The name their certificates must be for, which is also named to them (SNI); `None`: the host as the target
    /// names it.
    pub server_name: Option<String>,
    /// The certificate that we show.
    pub certificate: Option<CertificatePlan>,
    /// Whether any certificate is taken; default no. Whoever is on the way can then read and change everything.
    pub is_insecure: bool,
    /// Which reading of all this, and of the files that it names, it goes with: whoever has read them says so. A
    /// connection that was made under another one is not for this plan. 0: nobody has read them.
    pub trust: u64,
}

/// How certificates are had by ACME (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmePlan {
    /// Where the authority is asked; default Let's Encrypt.
    pub directory: String,
    /// Addresses that the authority may write to, as `mailto:ops@example.com`.
    pub contacts: Vec<String>,
    /// Who vouches for the authority's own certificate, in PEM; `None`: those whom the machine trusts.
    pub authorities: Option<PathBuf>,
    /// Which challenge is answered first.
    pub challenge: AcmeChallenge,
    /// How much of a certificate's life is left when it is renewed, in percent; 1 to 90, default 33.
    pub renew_at: u8,
    /// The account's binding to another one (RFC 8555 section 7.3.4): its key id, and the file of its key (base64url).
    pub external_account: Option<(String, PathBuf)>,
}

impl Default for AcmePlan {
    fn default() -> Self {
        Self {
            directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            contacts: Vec::new(),
            authorities: None,
            challenge: AcmeChallenge::default(),
            renew_at: 33,
            external_account: None,
        }
    }
}

/// How the authority is shown that a name is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AcmeChallenge {
    /// By a handshake on the TLS listener, else by a request on a listener without TLS. `any`
    #[default]
    Any,
    /// RFC 8737. `tls-alpn-01`
    TlsAlpn01,
    /// RFC 8555 section 8.3. `http-01`
    Http01,
}

/// Where a listener without TLS sends its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectPlan {
    /// The TLS listener whose port is named; `None`: 443.
    pub to: Option<Name>,
    /// Default 308 (RFC 9110 section 15.4.9), which keeps method and body.
    pub status: u16,
}
