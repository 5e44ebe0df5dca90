use std::net::{SocketAddr, TcpStream};

use rustix::process::Signal;

use crate::cli::fixture::{Backend, Connection, Program, Scratch};

/// A proxy by a file that tests rewrite.
struct Filed {
    folder: Scratch,
    portreeve: Program,
    admin: SocketAddr,
    address: SocketAddr,
}

impl Filed {
    fn before(backend: &Backend) -> Self {
        let folder = Scratch::new();
        let file = folder.write("portreeve.toml", &config(backend, ""));
        let mut portreeve = Program::start(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
        let admin = portreeve.admin();
        let address = portreeve.address();
        Self {
            folder,
            portreeve,
            admin,
            address,
        }
    }

    /// Rewrites the file in place and asks for a reload.
    fn reload(&mut self, text: &str) {
        self.folder.write("portreeve.toml", text);
        self.portreeve.signal(Signal::HUP);
    }

    fn metric(&self, name: &str) -> String {
        let page = Connection::to(self.admin).get("/metrics");
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {page}")).to_owned()
    }
}

fn config(backend: &Backend, more: &str) -> String {
    format!(
        "{more}\n[admin]\nbind = \"127.0.0.1:0\"\n[listener.web]\nbind = \"127.0.0.1:0\"\n[pool.app]\nbackends = [\"{}\"]\n",
        backend.address()
    )
}

#[test]
fn sighup_takes_a_new_file_over_without_cutting_a_connection() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let mut filed = Filed::before(&one);
    let mut connection = Connection::to(filed.address);
    assert_eq!(connection.get("/"), "one");

    filed.reload(&config(&two, ""));
    filed.portreeve.told(" reloaded ");

    assert_eq!(connection.get("/"), "two");
    assert_eq!(filed.metric("portreeve_config_sequence"), "2");
}

#[test]
fn a_request_that_runs_during_a_reload_is_answered() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let mut filed = Filed::before(&one);
    let mut connection = Connection::to(filed.address);
    connection.ask("/slow");
    one.await_slow_request();

    filed.reload(&config(&two, ""));
    filed.portreeve.told(" reloaded ");
    one.release();

    assert_eq!(connection.response().body, "one");
}

#[test]
fn a_faulty_file_changes_nothing_and_every_fault_is_told() {
    let one = Backend::named("one");
    let mut filed = Filed::before(&one);

    filed.reload(&config(&one, "threads = 0\nlog = \"loud\""));

    assert!(
        filed
            .portreeve
            .told("a fault in the configuration")
            .contains("line=1")
    );
    assert!(
        filed
            .portreeve
            .told("a fault in the configuration")
            .contains("line=2")
    );
    filed.portreeve.told("the reload is refused");
    assert_eq!(Connection::to(filed.address).get("/"), "one");
    assert_eq!(filed.metric("portreeve_config_last_reload_successful"), "0");
    assert_eq!(filed.metric("portreeve_config_sequence"), "1");
}

#[test]
fn a_new_listener_that_cannot_be_bound_changes_nothing() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let mut filed = Filed::before(&one);
    let taken = one.address();

    filed.reload(&(config(&two, "") + &format!("[listener.more]\nbind = \"{taken}\"\n")));

    let told = filed.portreeve.told("the reload is refused");
    assert!(
        told.contains(&format!("listener more: cannot listen on {taken}")),
        "{told}"
    );
    assert_eq!(Connection::to(filed.address).get("/"), "one");
}

#[test]
fn an_address_cannot_change_hands_in_one_reload_and_it_says_so() {
    let one = Backend::named("one");
    let mut filed = Filed::before(&one);
    let held = filed.address;

    filed.reload(&config(&one, "").replace(
        "[listener.web]\nbind = \"127.0.0.1:0\"",
        &format!("[listener.www]\nbind = \"{held}\""),
    ));

    let told = filed.portreeve.told("the reload is refused");
    assert!(
        told.contains(&format!(
            "listener web of the configuration in force holds {held}"
        )),
        "{told}"
    );
    assert_eq!(Connection::to(held).get("/"), "one");
}

#[test]
fn a_change_of_the_file_is_seen_in_place_and_by_rename() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let mut filed = Filed::before(&one);

    filed.folder.write("portreeve.toml", &config(&two, ""));
    filed.portreeve.told(" reloaded ");
    assert_eq!(Connection::to(filed.address).get("/"), "two");

    filed.folder.replace("portreeve.toml", &config(&one, ""));
    filed.portreeve.told(" reloaded ");
    assert_eq!(Connection::to(filed.address).get("/"), "one");
}

#[test]
fn a_faulty_change_of_the_file_is_told_once_and_a_mended_one_is_taken() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let mut filed = Filed::before(&one);

    filed.folder.write("portreeve.toml", "nonsense");
    filed.portreeve.told("the reload is refused");
    filed.folder.write("portreeve.toml", &config(&two, ""));
    filed.portreeve.told(" reloaded ");

    assert_eq!(Connection::to(filed.address).get("/"), "two");
}

#[test]
fn listeners_come_and_go() {
    let one = Backend::named("one");
    let mut filed = Filed::before(&one);
    let with_another = config(&one, "") + "[listener.more]\nbind = \"127.0.0.1:0\"\n";

    filed.reload(&with_another);
    let more = filed.portreeve.address();
    assert_eq!(Connection::to(more).get("/"), "one");
    assert_eq!(Connection::to(filed.address).get("/"), "one");

    filed.reload(&config(&one, ""));
    filed.portreeve.told("no longer listening");
    filed.portreeve.told(" reloaded ");

    assert_eq!(Connection::to(filed.address).get("/"), "one");
    assert!(TcpStream::connect(more).is_err() || Connection::to(more).is_closed());
}

#[test]
fn what_needs_a_restart_is_named_and_the_rest_is_taken() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let mut filed = Filed::before(&one);

    filed.reload(&config(
        &two,
        "state = \"/tmp/elsewhere\"\n[access_log]\nto = \"-\"",
    ));

    assert!(filed.portreeve.told("needs a restart").contains("\"state\""));
    assert!(filed.portreeve.told("needs a restart").contains("\"access_log\""));
    assert_eq!(Connection::to(filed.address).get("/"), "two");
}

#[test]
fn without_a_file_sighup_changes_nothing() {
    let one = Backend::named("one");
    let to = one.address().to_string();
    let mut portreeve = Program::start(["serve", "--listen", "127.0.0.1:0", "--admin", "off", "--to", &to]);
    let address = portreeve.address();

    portreeve.signal(Signal::HUP);
    portreeve.told("nothing to reload");

    assert_eq!(Connection::to(address).get("/"), "one");
}
