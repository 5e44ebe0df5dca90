//! Who is measured, and how each is started: without logs, with connections to the backend kept, adding
//! X-Forwarded-For.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::process::{Cores, Process};

/// One of the programs that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    Portreeve,
    Nginx,
    Haproxy,
    /// Copies bytes and reads nothing: the floor.
    Relay,
}

impl Contender {
    pub(crate) const ALL: [Contender; 4] = [
        Contender::Portreeve,
        Contender::Nginx,
        Contender::Haproxy,
        Contender::Relay,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Contender::Portreeve => "portreeve",
            Contender::Nginx => "nginx",
            Contender::Haproxy => "haproxy",
            Contender::Relay => "relay",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Contender> {
        Contender::ALL
            .into_iter()
            .find(|contender| contender.name() == name)
    }

    /// A proxy that others use: what we measure ourselves against.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Contender::Nginx | Contender::Haproxy)
    }

    /// Starts it in front of `backend` with this many workers and waits until it answers.
    pub(crate) fn start(
        self,
        place: &Place,
        backend: SocketAddr,
        threads: usize,
        cores: Cores,
    ) -> Result<Running, Fault> {
        let setup = Setup::new(place, &format!("{}-{threads}", self.name()), backend, threads)?;
        let mut process = Process::start(self.name(), cores, &self.command(place, &setup)?)?;
        let address = match self {
            Contender::Relay => address(&process.line()?)?,
            _ => setup.listen,
        };
        wait_until(&mut process, || answers(address))?;
        Ok(Running { process, address })
    }

    fn command(self, place: &Place, setup: &Setup) -> Result<Command, Fault> {
        match self {
            Contender::Portreeve => portreeve(place, setup, include_str!("contender/portreeve.toml")),
            Contender::Nginx => nginx(setup, include_str!("contender/nginx.conf")),
            Contender::Haproxy => haproxy(setup, include_str!("contender/haproxy.cfg")),
            Contender::Relay => Ok(relay(place, setup)),
        }
    }

    fn special_command(self, place: &Place, setup: &Setup, template: &str) -> Result<Command, Fault> {
        match self {
            Contender::Portreeve => portreeve(place, setup, template),
            Contender::Nginx => nginx(setup, template),
            Contender::Haproxy => haproxy(setup, template),
            Contender::Relay => Ok(relay(place, setup)),
        }
    }
}

/// Where the programs built from this workspace are, and where configuration may be written.
pub(crate) struct Place {
    pub(crate) programs: PathBuf,
    pub(crate) folder: PathBuf,
}

/// A contender that answers.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

/// Starts the backend; it prints where it listens.
pub(crate) fn start_origin(place: &Place, cores: Cores) -> Result<Running, Fault> {
    start_program(
        "bench-origin",
        &Command::new(place.programs.join("bench-origin")),
        cores,
    )
}

/// Starts the backend at all addresses of this machine; it is named by that of 127.0.0.1.
pub(crate) fn start_origin_everywhere(place: &Place, cores: Cores) -> Result<Running, Fault> {
    let mut command = Command::new(place.programs.join("bench-origin"));
    command.arg("everywhere");
    let Running { process, address } = start_program("bench-origin", &command, cores)?;
    let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
    Ok(Running { process, address })
}

/// Starts a program that prints where it listens.
pub(crate) fn start_program(name: &str, command: &Command, cores: Cores) -> Result<Running, Fault> {
    let mut process = Process::start(name, cores, command)?;
    let address = address(&process.line()?)?;
    Ok(Running { process, address })
}

struct Setup {
    folder: PathBuf,
    listen: SocketAddr,
    backend: SocketAddr,
    threads: usize,
}

impl Setup {
    /// In a folder of its own, on a free port.
    fn new(place: &Place, name: &str, backend: SocketAddr, threads: usize) -> Result<Setup, Fault> {
        let folder = place.folder.join(name);
        fs::create_dir_all(&folder).map_err(Fault::io(format!("creating {}", folder.display())))?;
        Ok(Setup {
            folder,
            listen: free_address()?,
            backend,
            threads,
        })
    }

    /// Fills in a configuration and writes it into the folder.
    fn write(&self, name: &str, template: &str) -> Result<PathBuf, Fault> {
        let text = template
            .replace("{folder}", &self.folder.display().to_string())
            .replace("{listen}", &self.listen.to_string())
            .replace("{backend}", &self.backend.to_string())
            .replace("{backend_port}", &self.backend.port().to_string())
            .replace("{threads}", &self.threads.to_string());
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(Fault::io(format!("writing {}", path.display())))?;
        Ok(path)
    }
}

/// A contender by a configuration of its own, running as `name`.
pub(crate) struct Special<'a> {
    pub(crate) contender: Contender,
    pub(crate) name: &'a str,
    pub(crate) template: &'a str,
    pub(crate) threads: usize,
    pub(crate) cores: Cores,
}

impl Special<'_> {
    /// Starts it and waits until it takes connections. `backend` is put into the configuration, if that asks for one.
    pub(crate) fn start(&self, place: &Place, backend: SocketAddr) -> Result<Running, Fault> {
        let setup = Setup::new(place, self.name, backend, self.threads)?;
        let command = self.contender.special_command(place, &setup, self.template)?;
        let mut process = Process::start(self.name, self.cores, &command)?;
        wait_until(&mut process, || TcpStream::connect(setup.listen).is_ok())?;
        Ok(Running {
            process,
            address: setup.listen,
        })
    }
}

fn portreeve(place: &Place, setup: &Setup, template: &str) -> Result<Command, Fault> {
    let configuration = setup.write("portreeve.toml", template)?;
    let mut command = Command::new(place.programs.join("portreeve"));
    command
        .args(["serve", "--config"])
        .arg(configuration)
        .env("PORTREEVE_LOG", "warn");
    Ok(command)
}

fn nginx(setup: &Setup, template: &str) -> Result<Command, Fault> {
    let configuration = setup.write("nginx.conf", template)?;
    let mut command = Command::new(system_program("nginx"));
    command
        .arg("-p")
        .arg(&setup.folder)
        .arg("-e")
        .arg(setup.folder.join("error.log"))
        .arg("-c")
        .arg(configuration);
    Ok(command)
}

fn haproxy(setup: &Setup, template: &str) -> Result<Command, Fault> {
    let configuration = setup.write("haproxy.cfg", template)?;
    let mut command = Command::new(system_program("haproxy"));
    command.arg("-db").arg("-f").arg(configuration);
    Ok(command)
}

fn relay(place: &Place, setup: &Setup) -> Command {
    let mut command = Command::new(place.programs.join("bench-relay"));
    command.arg(setup.backend.to_string());
    command
}

/// Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
pub(crate) fn system_program(name: &str) -> PathBuf {
    let in_sbin = Path::new("/usr/sbin").join(name);
    if in_sbin.exists() {
        in_sbin
    } else {
        PathBuf::from(name)
    }
}

/// A port that was free a moment ago; for programs that cannot tell which one they took.
pub(crate) fn free_address() -> Result<SocketAddr, Fault> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(Fault::io("looking for a free port"))
}

fn address(line: &str) -> Result<SocketAddr, Fault> {
    line.parse()
        .map_err(|_| Fault::Program(format!("expected an address, found {line:?}")))
}

/// Waits until the program is ready, but not if it ends, nor for ever.
pub(crate) fn wait_until(process: &mut Process, is_ready: impl Fn() -> bool) -> Result<(), Fault> {
    let start = Instant::now();
    while !is_ready() {
        process.must_run()?;
        if start.elapsed() > READY_MAX {
            return Err(Fault::Program(format!(
                "{} was not ready within {READY_MAX:?}",
                process.name()
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Whether a request is served by now.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /small HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(start)
    });
    asked.is_ok_and(|start| &start == b"HTTP/1.1 200")
}

const READY_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_is_found_by_its_name() {
        for contender in Contender::ALL {
            assert_eq!(Contender::named(contender.name()), Some(contender));
        }
        assert_eq!(Contender::named("envoy"), None);
    }

    #[test]
    fn a_template_is_filled_in_completely() {
        let folder = std::env::temp_dir().join(format!("portreeve-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let setup = Setup {
            folder: folder.clone(),
            listen: address,
            backend: address,
            threads: 2,
        };
        for template in [
            include_str!("contender/nginx.conf"),
            include_str!("contender/haproxy.cfg"),
            include_str!("contender/policies.toml"),
            include_str!("contender/ledger.toml"),
            include_str!("contender/registry.toml"),
            include_str!("contender/defaults.toml"),
            include_str!("contender/scale.toml"),
            include_str!("contender/edge.toml"),
            include_str!("contender/edge-nginx.conf"),
            include_str!("contender/edge-haproxy.cfg"),
        ] {
            let filled = fs::read_to_string(setup.write("filled", template).unwrap()).unwrap();
            let code = filled
                .lines()
                .filter(|line| !line.starts_with('#'))
                .collect::<String>();
            for name in ["{folder}", "{listen}", "{backend}", "{backend_port}", "{threads}"] {
                assert!(!code.contains(name), "{name}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
