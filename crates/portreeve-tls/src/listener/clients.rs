//! Whose certificates count where clients show one.

use std::path::Path;
use std::sync::Arc;

use portreeve_model::plan::ClientCertificatePlan;
use rustls::RootCertStore;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::certificate::{pem_certificates, pem_fault};
use crate::fault::Wrong;
use crate::provider::provider;

/// Those who may vouch for others, of a file.
pub(crate) fn read_authorities(bytes: &[u8], file: &Path) -> Result<RootCertStore, Wrong> {
    let mut authorities = RootCertStore::empty();
    for certificate in pem_certificates(bytes, file)? {
        authorities.add(certificate).map_err(|fault| Wrong::Malformed {
            file: file.to_owned(),
            reason: fault.to_string(),
        })?;
    }
    Ok(authorities)
}

/// Certificates revoked, of a file: one list or several.
pub(crate) fn read_revoked(
    bytes: &[u8],
    file: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, Wrong> {
    let read: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
    match read {
        Ok(lists) if lists.is_empty() => Err(Wrong::Lacks {
            file: file.to_owned(),
            found: "holds none",
            wanted: "a list of revoked certificates (BEGIN X509 CRL)",
        }),
        Ok(lists) => Ok(lists),
        Err(fault) => Err(Wrong::Malformed {
            file: file.to_owned(),
            reason: pem_fault(&fault).to_owned(),
        }),
    }
}

/// Who checks them: their chain up to one of the authorities, its dates, its purpose, and that no list names any of it.
/// A certificate of whose issuer there is no list counts as not revoked: the lists say who is, not who is not.
pub(crate) fn clients_verifier(
    plan: &ClientCertificatePlan,
    authorities: RootCertStore,
    revoked: Vec<CertificateRevocationListDer<'static>>,
) -> Result<Arc<dyn ClientCertVerifier>, Wrong> {
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider())
        .with_crls(revoked)
        .allow_unknown_revocation_status();
    if !plan.is_required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|fault| Wrong::Malformed {
        file: plan.revoked.first().unwrap_or(&plan.authorities).clone(),
        reason: fault.to_string(),
    })
}
