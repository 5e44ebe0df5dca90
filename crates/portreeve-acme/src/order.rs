//! One order, from what is asked for to the certificate.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, CertificateIdentifier, ChallengeStatus, ChallengeType,
    Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use portreeve_tls::TlsStore;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::AcmeFault;
use crate::challenge::Shown;
use crate::error::said;
use crate::names::Proof;
use crate::storage::{Folder, KeptOrder};

/// What an order is made with.
pub(crate) struct Ordering {
    pub(crate) account: Account,
    pub(crate) directory: String,
    pub(crate) domain: String,
    /// The best first; at least one.
    pub(crate) proofs: Vec<Proof>,
    /// The certificate that is to be renewed, if the authority wants to know it (RFC 9773 section 5).
    pub(crate) replaces: Option<CertificateIdentifier<'static>>,
    pub(crate) store: Arc<TlsStore>,
    pub(crate) folder: Folder,
}

/// A certificate with its chain and its key, all in PEM, and what proved that the name is ours.
pub(crate) struct Received {
    pub(crate) pem: String,
    /// `None`: the authority knew already.
    pub(crate) proof: Option<Proof>,
}

impl Ordering {
    /// Tries one proof after the other, until the name is proved or something else is wrong.
    pub(crate) async fn carry_out(self) -> Result<Received, AcmeFault> {
        let done = tokio::time::timeout(ORDER_TIMEOUT, self.by_any_proof()).await;
        done.unwrap_or(Err(AcmeFault::Late {
            seconds: ORDER_TIMEOUT.as_secs(),
        }))
    }

    async fn by_any_proof(&self) -> Result<Received, AcmeFault> {
        let mut last = None;
        for proof in &self.proofs {
            match self.by(*proof).await {
                Err(fault @ (AcmeFault::Unproved { .. } | AcmeFault::NoChallenge { .. })) => {
                    // The last one is told by whoever asked for the order.
                    if Some(proof) != self.proofs.last() {
                        tracing::info!(domain = self.domain, %fault, "this proof did not do; trying another");
                    }
                    last = Some(fault);
                }
                outcome => return outcome,
            }
        }
        Err(last.unwrap_or_else(|| self.no_challenge()))
    }

    async fn by(&self, proof: Proof) -> Result<Received, AcmeFault> {
        let (mut order, key) = self.begun().await?;
        let outcome = self.finish(&mut order, &key, proof).await;
        // An order that may still become something is taken up again; one that cannot is not.
        if !matches!(
            outcome,
            Err(AcmeFault::Unreachable { .. } | AcmeFault::Late { .. })
        ) {
            self.folder.forget_order(&self.domain);
        }
        outcome
    }

    /// The order that was under way when we ended, else a new one.
    async fn begun(&self) -> Result<(Order, KeyPair), AcmeFault> {
        match self.resumed().await {
            Some(found) => Ok(found),
            None => self.placed().await,
        }
    }

    async fn resumed(&self) -> Option<(Order, KeyPair)> {
        let kept = self.folder.order(&self.domain)?;
        let key = KeyPair::from_pem(&kept.key).ok();
        let order = self.account.order(kept.url).await.ok();
        if let Some((key, mut order)) = key.zip(order)
            && order.state().status != OrderStatus::Invalid
        {
            tracing::info!(domain = self.domain, "the order that was under way goes on");
            return Some((order, key));
        }
        self.folder.forget_order(&self.domain);
        None
    }

    async fn placed(&self) -> Result<(Order, KeyPair), AcmeFault> {
        let key = KeyPair::generate().map_err(|error| unusable(&error))?;
        let names = [Identifier::Dns(self.domain.clone())];
        let order = self.place(&names).await.map_err(|error| self.fault(&error))?;
        self.folder.keep_order(
            &self.domain,
            &KeptOrder {
                url: order.url().to_owned(),
                key: key.serialize_pem(),
            },
        )?;
        Ok((order, key))
    }

    /// Names the certificate that it replaces; an authority that does not like that one gets the order without it.
    async fn place(&self, names: &[Identifier]) -> Result<Order, instant_acme::Error> {
        if let Some(replaced) = &self.replaces {
            let order = NewOrder::new(names).replaces(replaced.clone());
            match self.account.new_order(&order).await {
                Err(error) => {
                    tracing::debug!(domain = self.domain, %error, "ordering without naming what is replaced");
                }
                Ok(order) => return Ok(order),
            }
        }
        self.account.new_order(&NewOrder::new(names)).await
    }

    async fn finish(&self, order: &mut Order, key: &KeyPair, proof: Proof) -> Result<Received, AcmeFault> {
        let mut proved_by = None;
        if order.state().status == OrderStatus::Pending {
            proved_by = self.prove(order, proof).await?;
        }
        if order.state().status == OrderStatus::Ready {
            let request = request(&self.domain, key).map_err(|error| unusable(&error))?;
            order
                .finalize_csr(&request)
                .await
                .map_err(|error| self.fault(&error))?;
        }
        let chain = order
            .poll_certificate(&looks())
            .await
            .map_err(|error| self.fault(&error))?;
        Ok(Received {
            pem: key.serialize_pem() + &chain,
            proof: proved_by,
        })
    }

    /// Shows the proof, has the authority look, and waits for what it says.
    async fn prove(&self, order: &mut Order, proof: Proof) -> Result<Option<Proof>, AcmeFault> {
        let mut shown = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let authorization = authorization.map_err(|error| self.fault(&error))?;
            if authorization.status == AuthorizationStatus::Pending {
                shown.push(self.show(authorization, proof).await?);
            }
        }
        match order.poll_ready(&looks()).await {
            Ok(OrderStatus::Invalid) | Err(instant_acme::Error::Api(_)) => {
                Err(self.unproved(order, proof).await)
            }
            Ok(_) => Ok((!shown.is_empty()).then_some(proof)),
            Err(error) => Err(self.fault(&error)),
        }
    }

    async fn show(
        &self,
        mut authorization: AuthorizationHandle<'_>,
        proof: Proof,
    ) -> Result<Shown, AcmeFault> {
        let kind = match proof {
            Proof::TlsAlpn01 => ChallengeType::TlsAlpn01,
            Proof::Http01 => ChallengeType::Http01,
        };
        let Some(mut challenge) = authorization.challenge(kind) else {
            return Err(self.no_challenge());
        };
        let key = challenge.key_authorization();
        let shown = match proof {
            Proof::TlsAlpn01 => {
                Shown::in_handshakes(&self.store, &self.domain, &key).map_err(|error| unusable(&error))?
            }
            Proof::Http01 => Shown::to_requests(&self.store, &challenge.token, &key),
        };
        // One that was cut off may have been told before.
        if challenge.status == ChallengeStatus::Pending {
            challenge.set_ready().await.map_err(|error| self.fault(&error))?;
        }
        Ok(shown)
    }

    /// What the authority says of the proof it looked at.
    async fn unproved(&self, order: &mut Order, proof: Proof) -> AcmeFault {
        AcmeFault::Unproved {
            domain: self.domain.clone(),
            proof: proof.code(),
            reason: reason(order)
                .await
                .unwrap_or_else(|| "it did not say why".to_owned()),
            port: match proof {
                Proof::TlsAlpn01 => 443,
                Proof::Http01 => 80,
            },
        }
    }

    fn no_challenge(&self) -> AcmeFault {
        let wanted: Vec<_> = self.proofs.iter().map(|proof| proof.code()).collect();
        AcmeFault::NoChallenge {
            domain: self.domain.clone(),
            wanted: wanted.join(", "),
        }
    }

    fn fault(&self, error: &instant_acme::Error) -> AcmeFault {
        AcmeFault::of(&self.directory, error)
    }
}

async fn reason(order: &mut Order) -> Option<String> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        let problem = state.challenges.iter().find_map(|one| one.error.as_ref());
        if let Some(problem) = problem {
            return Some(said(problem));
        }
    }
    None
}

/// A request for a certificate with this name and no other, for this key.
fn request(domain: &str, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

fn unusable(error: &dyn std::fmt::Display) -> AcmeFault {
    AcmeFault::Unusable {
        reason: format!("no key, request or proof for this name can be made: {error}"),
    }
}

/// How often, and how long, we look whether the authority is done.
fn looks() -> RetryPolicy {
    RetryPolicy::new()
        .initial_delay(Duration::from_millis(250))
        .backoff(1.5)
        .timeout(Duration::from_secs(120))
}

/// With all its proofs.
const ORDER_TIMEOUT: Duration = Duration::from_secs(300);
