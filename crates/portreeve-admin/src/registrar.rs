//! What a registration means: from the words of the wire to the control plane, and back.

mod announce;
mod authorization;
mod counts;
mod last_event;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use portreeve_api::{Act, BackendPath, Fault, Heartbeat, Problem, Registered, Registration, Renewed};
use portreeve_control::{Credentials, Door, Refused};
use portreeve_model::plan::Name;
use portreeve_model::{Announcement, Beat, MemberKey, ShownCertificate};

use crate::wire;
use announce::announcement;
pub(crate) use authorization::bearer;
pub(crate) use counts::Counts;
use counts::Kind;
use last_event::LastEvent;

/// Takes registrations in, whichever way they came, and counts them. Cheap to clone.
///
/// Who may register what is decided behind the [`Door`]; here the words are read, and a sender whose address is not
/// known to be its own is asked for a token.
#[derive(Debug, Clone)]
pub struct Registrar {
    door: Door,
    counts: Arc<Counts>,
    last_event: Arc<LastEvent>,
}

/// An HTTP request to the registration API, as the listener read it.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationRequest<'a> {
    /// The other end of the connection; `None` over a Unix socket.
    pub source: Option<IpAddr>,
    /// Whether it came through a proxy (`Via`, `Forwarded` or `X-Forwarded-For`), so that `source` is not the backend.
    pub is_forwarded: bool,
    /// The certificate that the other end of the connection has shown, and its handshake verified.
    pub certificate: Option<&'a ShownCertificate>,
    /// As it came; a query is left out of account.
    pub method: &'a str,
    /// As it came.
    pub path: &'a str,
    /// The field of that name.
    pub authorization: Option<&'a str>,
    /// As it came.
    pub body: &'a [u8],
}

/// A setup packet, as far as it concerns registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupWish {
    /// The server's own name.
    pub id: String,
    /// The policy that it upholds.
    pub policy: String,
    /// Where it listens.
    pub port: u16,
    /// On which IP address, if not on the one it speaks from.
    pub host: Option<String>,
    /// What it shows.
    pub token: Option<String>,
    /// For how long it counts without another setup; `None`: as long as probes pass.
    pub ttl: Option<Duration>,
    /// Whether it writes `type` as text.
    pub spells_types_as_text: bool,
}

impl Registrar {
    /// Passes what may pass through this door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        Self {
            last_event: Arc::new(LastEvent::of(door.events())),
            counts: Arc::default(),
            door,
        }
    }

    /// Answers a request of the registration API: a status, and a body of JSON, `application/problem+json` from 400
    /// on; it is empty for 204.
    pub async fn http(&self, request: RegistrationRequest<'_>) -> (u16, Vec<u8>) {
        match self.answer(request).await {
            Ok(answer) => answer,
            Err(problem) => {
                self.counts.refused(&problem.cause);
                (problem.status, problem.to_json())
            }
        }
    }

    async fn answer(&self, request: RegistrationRequest<'_>) -> Result<(u16, Vec<u8>), Box<Problem>> {
        let path = BackendPath::read(request.path).map_err(|fault| refusal(&fault))?;
        let key = MemberKey {
            pool: Name::from(path.pool.as_str()),
            id: path.id.as_str().into(),
        };
        let by = credentials(&request)?;
        match (request.method, path.act) {
            ("PUT", None) => self.register(key, by, request.body).await,
            ("GET", None) => self.show(&key, by).await,
            ("DELETE", None) => self.deregister(&key, by).await,
            ("POST", Some(Act::Heartbeat)) => self.renew(&key, by, request.body).await,
            (_, Some(Act::Drain | Act::Undrain)) => Err(elsewhere()),
            (method, act) => Err(not_allowed(method, act)),
        }
    }

    async fn register(
        &self,
        key: MemberKey,
        by: Credentials,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>), Box<Problem>> {
        let said = Registration::read(body).map_err(|fault| refusal(&fault))?;
        let source = by.source.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let announcement = announcement(key, &said, source).map_err(|fault| refusal(&fault))?;
        let (registered, is_new) = self
            .announce(announcement, by)
            .await
            .map_err(|fault| refused(&fault))?;
        Ok((if is_new { 201 } else { 200 }, json(&registered)))
    }

    /// Whether it is new, and what to tell of it.
    async fn announce(
        &self,
        announcement: Announcement,
        by: Credentials,
    ) -> Result<(Registered, bool), Refused> {
        let pool = Arc::clone(&announcement.key.pool);
        let mut registered = Registered {
            pool: pool.to_string(),
            id: announcement.key.id.to_string(),
            address: announcement.address.to_string(),
            policies: wire::policies(&announcement.policies),
            weight: announcement.weight,
            ttl_ms: 0,
            standing: String::new(),
            stored: false,
            sequence: 0,
        };
        let accepted = self.door.register(announcement, by).await?;
        self.counts
            .accepted(&pool, if accepted.is_new { Kind::New } else { Kind::Again });
        self.counts.stored(accepted.is_stored);
        registered.ttl_ms = wire::millis(accepted.ttl);
        registered.standing = accepted.standing.code().to_owned();
        registered.stored = accepted.is_stored;
        registered.sequence = accepted.sequence;
        Ok((registered, accepted.is_new))
    }

    async fn renew(
        &self,
        key: &MemberKey,
        by: Credentials,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>), Box<Problem>> {
        let said = Heartbeat::read(body).map_err(|fault| refusal(&fault))?;
        let beat = Beat {
            load: said.load,
            in_flight: said.in_flight,
            version: said.version.map(Into::into),
            is_draining: said.draining,
        };
        let ttl = self
            .door
            .renew(key, beat, by)
            .await
            .map_err(|fault| refused(&fault))?;
        self.counts.accepted(&key.pool, Kind::Heartbeat);
        let ttl_ms = wire::millis(ttl);
        Ok((200, json(&Renewed { ttl_ms })))
    }

    /// Only who may renew a registration may look at it here. Looking does not renew it: any page in a browser of this
    /// machine can have a GET sent.
    async fn show(&self, key: &MemberKey, by: Credentials) -> Result<(u16, Vec<u8>), Box<Problem>> {
        let state = self.door.look(key, by).await.map_err(|fault| refused(&fault))?;
        Ok((200, json(&wire::backend(state))))
    }

    async fn deregister(&self, key: &MemberKey, by: Credentials) -> Result<(u16, Vec<u8>), Box<Problem>> {
        self.door
            .deregister(key, by)
            .await
            .map_err(|fault| refused(&fault))?;
        self.counts.accepted(&key.pool, Kind::Left);
        Ok((204, Vec::new()))
    }

    /// Registers a packet server as `ID@POLICY`.
    ///
    /// # Errors
    /// It may not; a sentence that says why.
    pub async fn setup(
        &self,
        source: Option<IpAddr>,
        certificate: Option<ShownCertificate>,
        pool: Name,
        setup: SetupWish,
    ) -> Result<(), String> {
        let by = Credentials {
            source: source.map(|source| source.to_canonical()),
            token: setup.token.clone(),
            certificate,
        };
        let own = by.source.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let announcement = announce::of_setup(pool, setup, own).map_err(|fault| {
            self.counts.refused(fault.kind.code());
            fault.to_string()
        })?;
        match self.announce(announcement, by).await {
            Ok(_) => Ok(()),
            Err(fault) => {
                self.counts.refused(fault.code());
                Err(fault.to_string())
            }
        }
    }

    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The number of the last event since this was made; 0 before the first.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.last_event.sequence()
    }
}

fn credentials(request: &RegistrationRequest<'_>) -> Result<Credentials, Box<Problem>> {
    let token = request
        .authorization
        .map(|text| bearer(text).ok_or_else(no_bearer))
        .transpose()?;
    if request.is_forwarded && token.is_none() {
        return Err(Box::new(Problem::new(403, "forwarded", FORWARDED)));
    }
    Ok(Credentials {
        source: request.source.map(|source| source.to_canonical()),
        token: token.map(str::to_owned),
        // Behind a proxy it is the proxy's.
        certificate: request.certificate.filter(|_| !request.is_forwarded).cloned(),
    })
}

fn no_bearer() -> Box<Problem> {
    let detail = "allowed is `Authorization: Bearer ptv_…`, with a token that `portreeve token create` made";
    Box::new(Problem::new(401, "bad_authorization", detail).in_field(Some("authorization")))
}

fn elsewhere() -> Box<Problem> {
    let detail = "draining is the operator's word, on the admin listener; a backend says it by a heartbeat with \
        {\"draining\":true}";
    Box::new(Problem::new(404, "bad_path", detail))
}

fn not_allowed(method: &str, act: Option<Act>) -> Box<Problem> {
    let allowed = match act {
        None => "PUT, GET and DELETE",
        Some(_) => "POST",
    };
    let shown: String = method.chars().take(20).collect();
    let detail = format!("found {}, allowed here is {allowed}", shown.escape_debug());
    Box::new(Problem::new(405, "method_not_allowed", detail))
}

fn refusal(fault: &Fault) -> Box<Problem> {
    Box::new(Problem::from(fault))
}

fn refused(refused: &Refused) -> Box<Problem> {
    Box::new(wire::problem(refused))
}

fn json(body: &impl serde::Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec(body).expect("texts and numbers are JSON");
    json.push(b'\n');
    json
}

const FORWARDED: &str = "the request came through a proxy (it has Via, Forwarded or X-Forwarded-For), so neither its \
    source nor a certificate is the backend's own: register directly, or with a token";

#[cfg(test)]
mod tests;
