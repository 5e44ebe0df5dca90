//! Ports for instances. A port is free if nobody listens there and no instance was given it: one that was only just
//! started does not listen yet.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portreeve_model::plan::ProcessPlan;

use crate::DriverFault;
use crate::system_fault::{limit, plain};

/// A port that is an instance's until this is dropped.
#[derive(Debug)]
pub(super) struct GivenPort(SocketAddr);

impl GivenPort {
    /// This one, or one of the range, or one that the kernel finds free.
    pub(super) fn choose(plan: &ProcessPlan, wished: Option<u16>) -> Result<Self, DriverFault> {
        match (wished, plan.ports) {
            (Some(port), _) => first_free(plan.host, port, port),
            (None, Some((first, last))) => first_free(plan.host, first, last),
            (None, None) => any_free(plan.host),
        }
    }

    /// Where an instance is that was there before.
    pub(super) fn adopted(address: SocketAddr) -> Self {
        *given().entry(address).or_default() += 1;
        Self(address)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0
    }
}

impl Drop for GivenPort {
    fn drop(&mut self) {
        let mut given = given();
        let holders = given.get_mut(&self.0).map_or(0, |holders| {
            *holders -= 1;
            *holders
        });
        if holders == 0 {
            given.remove(&self.0);
        }
    }
}

/// By how many holders. Ports are the machine's, so all drivers of the process know what each of them gave.
static GIVEN: Mutex<BTreeMap<SocketAddr, u32>> = Mutex::new(BTreeMap::new());

fn given() -> MutexGuard<'static, BTreeMap<SocketAddr, u32>> {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn first_free(host: IpAddr, first: u16, last: u16) -> Result<GivenPort, DriverFault> {
    for port in first..=last {
        match taken(SocketAddr::new(host, port)) {
            Ok(Some(port)) => return Ok(port),
            Ok(None) => {}
            Err(error) => return Err(fault(host, port, &error)),
        }
    }
    let host = host.to_string();
    Err(DriverFault::NoPort { first, last, host })
}

fn any_free(host: IpAddr) -> Result<GivenPort, DriverFault> {
    for _ in 0..TRIES {
        match taken(SocketAddr::new(host, 0)) {
            Ok(Some(port)) => return Ok(port),
            Ok(None) => {}
            Err(error) => return Err(fault(host, 0, &error)),
        }
    }
    let (first, last, host) = (1, u16::MAX, host.to_string());
    Err(DriverFault::NoPort { first, last, host })
}

/// The kernel's choice may be one that was given but is not listened at yet.
const TRIES: u32 = 64;

/// `None`: somebody has it.
fn taken(address: SocketAddr) -> io::Result<Option<GivenPort>> {
    let mut given = given();
    if given.contains_key(&address) {
        return Ok(None);
    }
    let address = match TcpListener::bind(address) {
        Ok(listener) => listener.local_addr()?,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(None),
        Err(error) => return Err(error),
    };
    if given.contains_key(&address) {
        return Ok(None);
    }
    given.insert(address, 1);
    Ok(Some(GivenPort(address)))
}

fn fault(host: IpAddr, port: u16, error: &io::Error) -> DriverFault {
    let what = format!("the address {}", SocketAddr::new(host, port));
    let reason = plain(error);
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => DriverFault::NotFound {
            what,
            reason: format!("{reason}; `host` must be an address of this machine"),
        },
        io::ErrorKind::PermissionDenied => DriverFault::Denied { what, reason },
        _ => limit(error).unwrap_or(DriverFault::Failed { what, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(ports: Option<(u16, u16)>) -> ProcessPlan {
        ProcessPlan {
            command: Vec::new(),
            env: Vec::new(),
            folder: None,
            ports,
            host: [127, 0, 0, 1].into(),
        }
    }

    #[test]
    fn one_that_somebody_listens_at_is_not_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();

        let fault = GivenPort::choose(&plan(Some((port, port))), None).unwrap_err();
        assert_eq!(fault.code(), "no_port");
        drop(listener);

        let given = GivenPort::choose(&plan(Some((port, port))), None).unwrap();
        assert_eq!(given.address().port(), port);
    }

    #[test]
    fn one_that_was_given_is_not_given_again_until_it_is_back() {
        let given = GivenPort::choose(&plan(None), None).unwrap();
        let port = given.address().port();
        let again = GivenPort::adopted(given.address());

        drop(given);
        assert_eq!(
            GivenPort::choose(&plan(None), Some(port)).unwrap_err().code(),
            "no_port"
        );
        drop(again);
        assert_eq!(
            GivenPort::choose(&plan(None), Some(port))
                .unwrap()
                .address()
                .port(),
            port
        );
    }

    #[test]
    fn an_address_that_the_machine_does_not_have_is_named() {
        let plan = ProcessPlan {
            host: [192, 0, 2, 1].into(),
            ..plan(None)
        };
        let fault = GivenPort::choose(&plan, None).unwrap_err();
        assert_eq!(fault.code(), "not_found");
        assert!(fault.to_string().contains("192.0.2.1"), "{fault}");
    }
}
