//! A proxy in one way of being set up.

use std::net::SocketAddr;

use crate::contender::{Contender, Place, Running, Special, answers, wait_until};
use crate::fault::Fault;
use crate::process::Cores;

/// One line of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrant {
    pub(crate) name: &'static str,
    pub(crate) contender: Contender,
    /// Whether the targets are about it.
    pub(crate) is_judged: bool,
    /// Lines of the pool (Portreeve), the upstream (nginx), or the backend (HAProxy).
    pub(crate) settings: &'static str,
    /// What nginx and HAProxy are told about each backend.
    each: &'static str,
    /// After what else nginx and HAProxy try another backend.
    retried: &'static str,
}

impl Entrant {
    pub(crate) const fn new(name: &'static str, contender: Contender, settings: &'static str) -> Entrant {
        Entrant {
            name,
            contender,
            is_judged: false,
            settings,
            each: "",
            retried: "",
        }
    }

    pub(crate) const fn judged(self) -> Entrant {
        Entrant {
            is_judged: true,
            ..self
        }
    }

    pub(crate) const fn each(self, each: &'static str) -> Entrant {
        Entrant { each, ..self }
    }

    pub(crate) const fn retrying(self, retried: &'static str) -> Entrant {
        Entrant { retried, ..self }
    }

    /// Starts it before these backends, and waits until it serves.
    pub(crate) fn start(&self, place: &Place, backends: &[SocketAddr]) -> Result<Running, Fault> {
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let special = Special {
            contender: self.contender,
            name: &format!("failover-{name}"),
            template: &self.configuration(backends),
            threads: 1,
            cores: Cores::First,
        };
        let mut running = special.start(place, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = running.address;
        wait_until(&mut running.process, || answers(address))?;
        Ok(running)
    }

    /// With what `Setup` fills in still left out.
    fn configuration(&self, backends: &[SocketAddr]) -> String {
        let lines = backends
            .iter()
            .enumerate()
            .map(|(number, address)| match self.contender {
                Contender::Nginx => format!("server {address} {};\n        ", self.each),
                Contender::Haproxy => format!("server s{number} {address}\n    "),
                Contender::Portreeve | Contender::Relay => format!("\"{address}\", "),
            });
        self.template()
            .replace("{backends}", lines.collect::<String>().trim_end())
            .replace("{settings}", self.settings)
            .replace("{each}", self.each)
            .replace("{retried}", self.retried)
    }

    fn template(&self) -> &'static str {
        match self.contender {
            Contender::Nginx => include_str!("contender/failover-nginx.conf"),
            Contender::Haproxy => include_str!("contender/failover-haproxy.cfg"),
            Contender::Portreeve | Contender::Relay => include_str!("contender/failover.toml"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_all_backends_and_settings() {
        let backends = [80, 81].map(|port| SocketAddr::from(([127, 0, 1, 1], port)));
        for contender in [Contender::Portreeve, Contender::Nginx, Contender::Haproxy] {
            let entrant = Entrant::new("it", contender, "# settings")
                .each("weight 3")
                .retrying("timeout");
            let text = entrant.configuration(&backends);
            for word in ["127.0.1.1:80", "127.0.1.1:81", "# settings"] {
                assert!(text.contains(word), "{word} in {text}");
            }
            let code: String = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("# "))
                .collect();
            for left in ["{backends}", "{settings}", "{each}", "{retried}"] {
                assert!(!code.contains(left), "{left}");
            }
        }
    }
}
