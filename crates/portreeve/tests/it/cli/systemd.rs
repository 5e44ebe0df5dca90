use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::cli::fixture::{Backend, PATIENCE, Program, Scratch};

/// What systemd would hear.
struct Manager(UnixDatagram);

impl Manager {
    fn next(&self) -> String {
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).expect("a message for systemd");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }
}

#[test]
fn systemd_hears_of_start_reloads_and_end() {
    let folder = Scratch::new();
    let backend = Backend::named("one");
    let text = format!(
        "[admin]\nbind = \"off\"\n[listener.web]\nbind = \"127.0.0.1:0\"\n[pool.app]\nbackends = [\"{}\"]\n",
        backend.address()
    );
    let file = folder.write("portreeve.toml", &text);
    let socket = folder.file("notify");
    let manager = Manager(UnixDatagram::bind(&socket).unwrap());
    manager.0.set_read_timeout(Some(PATIENCE)).unwrap();

    let arguments = ["serve".as_ref(), "--config".as_ref(), file.as_os_str()];
    let portreeve = Program::start_with(arguments, |command| {
        command.env("NOTIFY_SOCKET", &socket);
    });
    assert!(manager.next().starts_with("READY=1\n"));

    portreeve.signal(Signal::HUP);
    let reloading = manager.next();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert!(manager.next().starts_with("READY=1\n"));

    folder.write("portreeve.toml", "nonsense");
    portreeve.signal(Signal::HUP);
    assert!(manager.next().starts_with("RELOADING=1\n"));
    assert!(
        manager
            .next()
            .contains("STATUS=serving; the last reload was refused")
    );

    portreeve.signal(Signal::TERM);
    assert!(manager.next().starts_with("STOPPING=1\n"));
    assert_eq!(portreeve.end().code, Some(0));
}
