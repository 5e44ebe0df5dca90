//! Which listeners are open, and what a new plan changes about them.

use std::collections::BTreeMap;

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
#[derive(Debug)]
pub(crate) struct Bound(Vec<(ListenerPlan, BoundListener)>);

/// One listener's address cannot be bound.
#[derive(Debug)]
pub(crate) struct NotBound {
    pub(crate) name: Name,
    pub(crate) source: BindError,
}

impl Listeners {
    /// Binds what `plan` has and is not open, or is open elsewhere. All or nothing.
    pub(crate) fn bind_new(&self, plan: &Plan, threads: usize) -> Result<Bound, NotBound> {
        let fresh = plan.listeners.iter().filter(|wanted| !self.has(wanted));
        let bound = fresh.map(|wanted| {
            let socket = BoundListener::bind(&wanted.bind, threads);
            let socket = socket.map_err(|source| NotBound {
                name: wanted.name.clone(),
                source,
            })?;
            Ok((wanted.clone(), socket))
        });
        bound.collect::<Result<_, _>>().map(Bound)
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
        let Bound(bound) = bound;
        bound
            .into_iter()
            .map(|(plan, socket)| self.open_one(plan, socket, proxy))
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

    fn open_one(&mut self, plan: ListenerPlan, socket: BoundListener, proxy: &Proxy) -> Name {
        let ListenerPlan {
            name, bind: asked, ..
        } = plan;
        let real = socket.local();
        tracing::info!(listener = &*name, address = %shown(&real), "listening");
        proxy.open(&name, socket);
        self.open.insert(name.clone(), Open { asked, real });
        name
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

fn shown(bind: &Bind) -> String {
    match bind {
        Bind::Tcp(address) => address.to_string(),
        Bind::Unix(path) => path.display().to_string(),
    }
}
