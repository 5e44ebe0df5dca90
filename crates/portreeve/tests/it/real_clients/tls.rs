//! TLS, and HTTP/2 within it: curl, openssl, nghttp, h2load, and what PyPI has.

mod browser;
mod curl;
mod nghttp;
mod openssl;
mod python;
mod reload;
mod sslyze;

use std::path::PathBuf;

use portreeve_testkit::{Authority, Origin, Scratch};

use crate::shared::Portreeve;

/// The binary on a TLS port, before one backend, with a certificate for `app.test`, `localhost` and `127.0.0.1`.
struct Site {
    portreeve: Portreeve,
    authority: Authority,
    folder: Scratch,
}

impl Site {
    fn before(backend: &str) -> Self {
        let (authority, folder) = issued();
        let file = |name: &str| folder.file(name).display().to_string();
        let portreeve = Portreeve::serve(&[
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            &file("app.pem"),
            "--tls-key",
            &file("app.key"),
            "--to",
            backend,
            "--state",
            &file("state"),
        ]);
        Self {
            portreeve,
            authority,
            folder,
        }
    }

    fn before_origin(origin: &Origin) -> Self {
        Self::before(&origin.address().to_string())
    }

    /// The same by a file, with these lines of the listener's TLS; the backend hears of certificates in `x-shown`.
    fn asking_clients(origin: &Origin, clients: &str) -> Self {
        let (authority, folder) = issued();
        let toml = format!(
            "admin = {{ bind = \"off\" }}\naccess_log = {{ to = \"off\" }}\nstate = \"{}\"\n\
             [listener.web]\nbind = \"127.0.0.1:0\"\n\
             [listener.web.tls]\ncertificate = \"app.pem\"\nkey = \"app.key\"\n\
             [listener.web.tls.clients]\nauthorities = \"ca.pem\"\nheader = \"x-shown\"\n{clients}\n\
             [route.app]\npool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n",
            folder.file("state").display(),
            origin.address()
        );
        let portreeve = Portreeve::serve_file(&folder.write("portreeve.toml", &toml));
        Self {
            portreeve,
            authority,
            folder,
        }
    }

    fn port(&self) -> &str {
        self.portreeve.address().rsplit(':').next().unwrap_or_default()
    }

    fn authority_file(&self) -> PathBuf {
        self.folder.file("ca.pem")
    }

    fn end(self) {
        self.portreeve.end();
    }
}

/// An authority, and a folder with its certificate and the site's own.
fn issued() -> (Authority, Scratch) {
    let (authority, folder) = (Authority::new("a test's own"), Scratch::new());
    folder.write("ca.pem", &authority.pem());
    authority
        .server(&["app.test", "localhost", "127.0.0.1"])
        .write(&folder, "app");
    (authority, folder)
}
