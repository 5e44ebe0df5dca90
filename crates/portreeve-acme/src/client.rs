//! How the authority is reached: HTTPS, by what the operator or the machine trusts.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Limited;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};

use crate::AcmeFault;

/// Asks the authority; each request has its time and each answer its size.
pub(crate) struct Asker(HyperClient<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

impl Asker {
    /// Trusts those in the file, else those whom the machine trusts.
    pub(crate) fn trusting(authorities: Option<&Path>) -> Result<Self, AcmeFault> {
        let roots = match authorities {
            Some(path) => roots_of(path)?,
            None => roots_of_the_machine(),
        };
        let config = ClientConfig::builder_with_provider(portreeve_tls::provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .build();
        Ok(Self(HyperClient::builder(TokioExecutor::new()).build(connector)))
    }
}

impl HttpClient for Asker {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let answer = self.0.request(request);
        Box::pin(async move {
            match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
                Ok(Ok(answer)) => Ok(answer.map(|body| Limited::new(body, ANSWER_MAX)).into()),
                Ok(Err(error)) => Err(Error::Other(Box::new(error))),
                Err(_) => Err(Error::Other(NO_ANSWER.into())),
            }
        })
    }
}

fn roots_of(path: &Path) -> Result<RootCertStore, AcmeFault> {
    let fault = |reason: String| AcmeFault::Setting {
        path: path.to_owned(),
        reason,
    };
    let unread = |error: pem::Error| match error {
        pem::Error::Io(error) => fault(error.to_string()),
        error => fault(portreeve_tls::pem_fault(&error).to_owned()),
    };
    let found = CertificateDer::pem_file_iter(path).map_err(unread)?;
    let mut roots = RootCertStore::empty();
    for certificate in found {
        let certificate = certificate.map_err(unread)?;
        roots.add(certificate).map_err(|error| fault(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(fault(
            "there is no certificate in it; name a file in PEM with those who vouch for the authority"
                .to_owned(),
        )),
        false => Ok(roots),
    }
}

fn roots_of_the_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// From the first byte of a request to the head of its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const NO_ANSWER: &str = "no answer within 30 s";
/// Directories, orders and chains have a few thousand bytes.
const ANSWER_MAX: usize = 1024 * 1024;
