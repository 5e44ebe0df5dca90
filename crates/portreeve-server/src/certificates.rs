//! The certificates, keys and authorities that a configuration names, looked at without serving.

use portreeve_acme::look_at_files;
use portreeve_config::Config;
use portreeve_tls::{TlsStore, Warning};

/// Reads them all, and gives what should be looked at: an expiry that is near, a key that others may read.
///
/// # Errors
/// Everything that would keep a start or a reload from using them, a sentence each: files that are not there, keys that
/// belong to other certificates. The files of `[acme]` keep no start from serving, only certificates from being had.
pub fn look_at_certificates(config: &Config) -> Result<Vec<String>, Vec<String>> {
    let loaded = TlsStore::new().load(&config.plan);
    let of_acme = look_at_files(&config.plan).into_iter();
    let of_acme = of_acme.map(|fault| format!("acme: {fault}"));
    let loaded = match (loaded, of_acme.collect::<Vec<_>>()) {
        (Ok(loaded), of_acme) if of_acme.is_empty() => loaded,
        (loaded, of_acme) => {
            let of_files = loaded.err().unwrap_or_default().into_iter();
            return Err(of_files.map(|fault| fault.to_string()).chain(of_acme).collect());
        }
    };
    let warnings = loaded.warnings().into_iter();
    let of_files = warnings.filter(|warning| warning.warning != Warning::Insecure); // the configuration says it itself
    Ok(of_files.map(|warning| warning.to_string()).collect())
}
