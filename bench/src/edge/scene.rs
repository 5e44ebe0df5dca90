//! A proxy at the edge: its certificate, its configuration, the backend behind it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use crate::contender::{Contender, Place, Running, Special, start_origin, wait_until};
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::process::Cores;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// TLS, within it HTTP/1.1 and HTTP/2.
    Tls,
    /// Bytes as they are.
    Raw,
}

/// A proxy on the first core, a backend on the second.
pub(super) struct Scene {
    pub(super) running: Running,
    _origin: Running,
}

impl Scene {
    pub(super) fn start(entrant: &Entrant, speaks: Speaks, place: &Place) -> Result<Scene, Fault> {
        let origin = start_origin(place, Cores::Second)?;
        let pem = certificate(place)?;
        let name = format!("edge-{}", entrant.name);
        let special = Special {
            contender: entrant.contender,
            name: &name,
            template: &template(
                entrant.contender,
                speaks,
                origin.address,
                &pem.display().to_string(),
            ),
            threads: 1,
            cores: Cores::First,
        };
        let mut running = special.start(place, origin.address)?;
        let address = running.address;
        wait_until(&mut running.process, || TcpStream::connect(address).is_ok())?;
        Ok(Scene {
            running,
            _origin: origin,
        })
    }
}

fn template(contender: Contender, speaks: Speaks, backend: SocketAddr, pem: &str) -> String {
    let (text, settings, backend) = match (contender, speaks) {
        (Contender::Nginx, _) => (NGINX, "ssl http2".to_owned(), backend.to_string()),
        (Contender::Haproxy, Speaks::Tls) => {
            let settings = format!("ssl crt {pem} alpn h2,http/1.1 ssl-min-ver TLSv1.2");
            (HAPROXY, settings, backend.to_string())
        }
        (Contender::Haproxy, Speaks::Raw) => (HAPROXY, String::new(), backend.to_string()),
        (_, Speaks::Tls) => {
            let settings = format!("tls = {{ certificate = \"{pem}\", key = \"{pem}\" }}");
            (PORTREEVE, settings, format!("\"{backend}\""))
        }
        (_, Speaks::Raw) => {
            let settings = "carries = \"tcp\"".to_owned();
            (PORTREEVE, settings, format!("\"tcp://{backend}\""))
        }
    };
    let mode = match speaks {
        Speaks::Tls => {
            "    mode http\n    option http-keep-alive\n    option forwardfor\n    http-reuse always"
        }
        Speaks::Raw => "    mode tcp",
    };
    text.replace("{settings}", &settings)
        .replace("{backends}", &backend)
        .replace("{mode}", mode)
        .replace("{pem}", pem)
}

/// A P-256 certificate with its key, in one file; made once for each run.
fn certificate(place: &Place) -> Result<PathBuf, Fault> {
    let path = place.folder.join("edge.pem");
    if !path.exists() {
        fs::create_dir_all(&place.folder)
            .map_err(Fault::io(format!("making the folder {}", place.folder.display())))?;
        let made = rcgen::generate_simple_self_signed(["bench.test".to_owned()])
            .map_err(|fault| Fault::Program(format!("making a certificate: {fault}")))?;
        let pem = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
        fs::write(&path, pem).map_err(Fault::io(format!("writing {}", path.display())))?;
    }
    Ok(path)
}

const NGINX: &str = include_str!("../contender/edge-nginx.conf");
const HAPROXY: &str = include_str!("../contender/edge-haproxy.cfg");
const PORTREEVE: &str = include_str!("../contender/edge.toml");
