//! The certificates, keys and authorities that a configuration names, looked at without serving.

use portreeve_config::Config;
use portreeve_tls::{TlsStore, Warning};

/// Reads them all, and gives what should be looked at: an expiry that is near, a key that others may read.
///
/// # Errors
/// Everything that would keep a start or a reload from using them, a sentence each: files that are not there, keys that
/// belong to other certificates.
pub fn look_at_certificates(config: &Config) -> Result<Vec<String>, Vec<String>> {
    let loaded = TlsStore::new().load(&config.plan);
    let loaded = loaded.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let warnings = loaded.warnings().into_iter();
    let of_files = warnings.filter(|warning| warning.warning != Warning::Insecure); // the configuration says it itself
    Ok(of_files.map(|warning| warning.to_string()).collect())
}
