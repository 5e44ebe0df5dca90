//! TLS with backends that are probed, as it is spoken with them when they serve.

use std::sync::Arc;

use portreeve_model::ProbeOrder;
use portreeve_model::plan::Scheme;
use portreeve_tls::{PoolTls, TlsTable, backend_cause};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reach::{Reached, ReadWrite, Wire};
use super::{Deadline, shown};

/// How TLS is spoken with backends, now and from now on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Securing(pub(crate) Option<watch::Receiver<Arc<TlsTable>>>);

impl ReadWrite for TlsStream<Wire> {}

impl Securing {
    /// The same connection, within TLS if the scheme has it: who the backend is has been verified, and what it speaks
    /// agreed on.
    pub(super) async fn wrap(
        &self,
        order: &ProbeOrder,
        scheme: Scheme,
        reached: Reached,
        by: &Deadline,
    ) -> Result<Reached, String> {
        if !scheme.is_tls() {
            return Ok(reached);
        }
        let tls = self.of_pool(order)?;
        let name = tls.server_name(&order.backend)?;
        let connector = TlsConnector::from(tls.config(scheme));
        let shaking = async {
            let shaken = connector.connect(name, reached.wire).await;
            shaken.map_err(|error| backend_cause(&error).1)
        };
        let late = || {
            format!(
                "the TLS handshake was not done within {}",
                shown(order.plan.timeout)
            )
        };
        let wire = by.keep(late, shaking).await?;
        agreed(&wire, scheme)?;
        Ok(Reached {
            wire: Box::new(wire),
            host: reached.host,
        })
    }

    fn of_pool(&self, order: &ProbeOrder) -> Result<Arc<PoolTls>, String> {
        let table = self.0.as_ref().map(|table| Arc::clone(&table.borrow()));
        let tls = table.and_then(|table| table.pool(&order.pool).cloned());
        tls.ok_or_else(|| "TLS is not configured yet".to_owned())
    }
}

fn agreed(wire: &TlsStream<Wire>, scheme: Scheme) -> Result<(), String> {
    if scheme.is_http2() && wire.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err("the backend does not agree on HTTP/2 (ALPN)".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
