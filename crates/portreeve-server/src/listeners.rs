//! Which listeners are open, and what a new plan changes about them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use portreeve_model::plan::{Bind, ListenerPlan, Name, Plan};
use portreeve_proxy::{BindError, BoundListener, Proxy};

/// The open listeners by name. Dropping it removes the files of Unix sockets, so that whoever comes next finds the path free.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    open: BTreeMap<Name, Open>,
}

#[derive(Debug)]
struct Open {
    /// As the plan says, perhaps with port 0.
    asked: Bind,
    /// As the kernel says.
    real: Bind,
}

/// Sockets that are bound for listeners that do not accept yet. Dropping it gives them up.
pub(crate) struct Bound(Vec<Claim>);

/// One of them.
struct Claim {
    plan: ListenerPlan,
    /// Taken when it is opened.
    socket: Option<BoundListener>,
}

impl Bound {
    /// Where they are, as the kernel says; a Unix socket is nowhere.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let sockets = self.0.iter().filter_map(|claim| claim.socket.as_ref());
        sockets.filter_map(|socket| match socket.local() {
            Bind::Tcp(address) => Some(address),
            Bind::Unix(_) => None,
        })
    }

    /// The same plan, with these listeners where they are: port 0 is the port that the kernel gave.
    pub(crate) fn placed(&self, plan: &Plan) -> Plan {
        Listeners::default().placed(plan, self)
    }

    fn real(&self, name: &Name) -> Option<Bind> {
        let claim = self.0.iter().find(|claim| claim.plan.name == *name)?;
        Some(claim.socket.as_ref()?.local())
    }

    /// The first that takes registrations over TCP.
    pub(crate) fn taking_registrations(&self) -> Option<SocketAddr> {
        let mut taking = self.0.iter().filter(|claim| claim.plan.registration);
        taking.find_map(|claim| match claim.socket.as_ref()?.local() {
            Bind::Tcp(address) => Some(address),
            Bind::Unix(_) => None,
        })
    }
}

/// One listener's address cannot be bound.
#[derive(Debug)]
pub(crate) struct NotBound {
    pub(crate) name: Name,
    pub(crate) reason: NotBoundReason,
}

/// Why not.
#[derive(Debug)]
pub(crate) enum NotBoundReason {
    /// A listener of ours has it.
    Held { wanted: Bind, holder: Name, held: Bind },
    /// The system says no.
    System(BindError),
}

impl Listeners {
    /// Binds what `plan` has and is not open, or is open elsewhere. All or nothing.
    pub(crate) fn bind_new(&self, plan: &Plan, threads: usize) -> Result<Bound, NotBound> {
        let fresh = plan.listeners.iter().filter(|wanted| !self.has(wanted));
        let bound = fresh.map(|wanted| self.claim(wanted, threads));
        bound.collect::<Result<_, _>>().map(Bound)
    }

    /// The same plan, with listeners where they are once `fresh` is open: what is said of one listener's port by another (a
    /// redirect) has to be true.
    pub(crate) fn placed(&self, plan: &Plan, fresh: &Bound) -> Plan {
        let mut plan = plan.clone();
        for listener in &mut plan.listeners {
            let held = || self.open.get(&listener.name).map(|open| open.real.clone());
            if let Some(real) = fresh.real(&listener.name).or_else(held) {
                listener.bind = real;
            }
        }
        plan
    }

    /// Names of listeners that `plan` does not have, or has elsewhere.
    pub(crate) fn gone(&self, plan: &Plan) -> Vec<Name> {
        let stays = |name: &Name, open: &Open| {
            plan.listeners
                .iter()
                .any(|wanted| wanted.name == *name && wanted.bind == open.asked)
        };
        self.open
            .iter()
            .filter(|(name, open)| !stays(name, open))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Has the data plane accept on a new listener's socket.
    pub(crate) fn open(&mut self, bound: Bound, proxy: &Proxy) -> Vec<Name> {
        let Bound(claims) = bound;
        claims
            .into_iter()
            .filter_map(|claim| self.open_one(claim, proxy))
            .collect()
    }

    /// Has the data plane stop accepting on these.
    pub(crate) fn close(&mut self, names: &[Name], proxy: &Proxy) {
        for name in names {
            tracing::info!(listener = &**name, "no longer listening");
            proxy.close(name);
            if let Some(Open { real, .. }) = self.open.remove(name) {
                remove_socket_file(&real);
            }
        }
    }

    /// Where the listener of this name really is.
    pub(crate) fn address(&self, name: &str) -> Option<&Bind> {
        self.open.get(name).map(|open| &open.real)
    }

    /// Where all listeners really are.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &Bind> {
        self.open.values().map(|open| &open.real)
    }

    fn has(&self, wanted: &ListenerPlan) -> bool {
        self.open
            .get(&wanted.name)
            .is_some_and(|open| open.asked == wanted.bind)
    }

    fn claim(&self, wanted: &ListenerPlan, threads: usize) -> Result<Claim, NotBound> {
        match BoundListener::bind(&wanted.bind, threads) {
            Ok(socket) => Ok(Claim {
                plan: wanted.clone(),
                socket: Some(socket),
            }),
            Err(error) => Err(NotBound {
                name: wanted.name.clone(),
                reason: self.reason(&wanted.bind, error),
            }),
        }
    }

    fn reason(&self, wanted: &Bind, error: BindError) -> NotBoundReason {
        match self
            .open
            .iter()
            .find(|(_, open)| is_contested(&open.real, wanted))
        {
            Some((holder, Open { real, .. })) => NotBoundReason::Held {
                wanted: wanted.clone(),
                holder: holder.clone(),
                held: real.clone(),
            },
            None => NotBoundReason::System(error),
        }
    }

    fn open_one(&mut self, mut claim: Claim, proxy: &Proxy) -> Option<Name> {
        let socket = claim.socket.take()?;
        let ListenerPlan {
            name, bind: asked, ..
        } = claim.plan.clone();
        let real = socket.local();
        tracing::info!(listener = &*name, address = %shown(&real), "listening");
        proxy.open(&name, socket);
        self.open.insert(name.clone(), Open { asked, real });
        Some(name)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            remove_socket_file(&socket.local());
        }
    }
}

/// Whether what is held at one place can be why the other cannot be had.
fn is_contested(held: &Bind, wanted: &Bind) -> bool {
    match (held, wanted) {
        (Bind::Tcp(held), Bind::Tcp(wanted)) => held.port() == wanted.port(),
        (Bind::Unix(held), Bind::Unix(wanted)) => held == wanted,
        (Bind::Tcp(_), Bind::Unix(_)) | (Bind::Unix(_), Bind::Tcp(_)) => false,
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.addresses().for_each(remove_socket_file);
    }
}

fn remove_socket_file(bind: &Bind) {
    if let Bind::Unix(path) = bind
        && let Err(error) = std::fs::remove_file(path)
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove the socket's file");
    }
}

/// As people write it.
pub(crate) fn shown(bind: &Bind) -> String {
    match bind {
        Bind::Tcp(address) => address.to_string(),
        Bind::Unix(path) => path.display().to_string(),
    }
}
