//! What survives the end of a process, whatever its end is.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portreeve_control::{
    Accepted, BackendState, ControlSettings, Controller, Credentials, Door, StoreError, TokenWish,
};
use portreeve_model::plan::{MembersPlan, Plan, PoolPlan};
use portreeve_model::{Announcement, Beat, MemberKey, Policies, Policy, PolicyScope, Standing, Term};

/// A folder that is gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portreeve-restart-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Whether any of its files has these bytes.
    fn has(&self, wanted: &str) -> bool {
        let mut files = fs::read_dir(&self.0)
            .unwrap()
            .map(|file| fs::read(file.unwrap().path()));
        files.any(|bytes| {
            bytes
                .unwrap()
                .windows(wanted.len())
                .any(|bytes| bytes == wanted.as_bytes())
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn plan() -> Plan {
    let pool = PoolPlan {
        members: Some(MembersPlan::default()),
        ..PoolPlan::empty("api".into())
    };
    Plan {
        pools: vec![pool],
        ..Plan::default()
    }
}

fn settings(state: &Path) -> ControlSettings {
    ControlSettings {
        state: Some(state.to_owned()),
        ..ControlSettings::default()
    }
}

async fn start(state: &Path) -> Controller {
    Controller::start(plan(), 1, settings(state)).await.unwrap()
}

fn key(id: &str) -> MemberKey {
    MemberKey {
        pool: "api".into(),
        id: id.into(),
    }
}

fn announcement(id: &str, address: &str) -> Announcement {
    Announcement {
        key: key(id),
        address: address.parse().unwrap(),
        policies: [Policy::new("eu").unwrap()].into_iter().collect::<Policies>(),
        weight: 3,
        term: Term::Heartbeats(None),
        spells_types_as_text: false,
        zone: None,
        is_backup: false,
    }
}

fn by(token: Option<&str>) -> Credentials {
    Credentials {
        source: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        token: token.map(str::to_owned),
        certificate: None,
    }
}

fn wish() -> TokenWish {
    TokenWish {
        pools: vec!["api".into()],
        policies: PolicyScope::Any,
        networks: vec![portreeve_model::plan::Network {
            address: [0, 0, 0, 0].into(),
            prefix: 0,
        }],
        weight_max: 10,
        ttl_max: None,
        expires_in: None,
    }
}

async fn register(door: &Door, id: &str, address: &str, token: Option<&str>) -> Accepted {
    door.register(announcement(id, address), by(token)).await.unwrap()
}

async fn ids(door: &Door) -> Vec<String> {
    let states = door.backends().await.unwrap();
    states.iter().map(|state| state.id.to_string()).collect()
}

async fn state(door: &Door, id: &str) -> BackendState {
    door.backend(&key(id)).await.unwrap().remove(0)
}

async fn serves(door: &Door, id: &str) {
    let end = Instant::now() + Duration::from_secs(5);
    while state(door, id).await.standing != Standing::Serving {
        assert!(
            Instant::now() < end,
            "{id} does not serve: {:?}",
            state(door, id).await
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_restart_keeps_registrations_drains_and_tokens() {
    let folder = Folder::new("clean");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let controller = start(&folder.0).await;
    let door = controller.door();
    let token = door.create_token(wish()).await.unwrap();
    assert!(token.is_stored);
    assert!(register(&door, "b", &address, Some(&token.shown)).await.is_stored);
    register(&door, "a", "127.0.0.1:1", None).await;
    register(&door, "gone", "127.0.0.1:2", None).await;
    assert!(door.drain(&key("a"), None).await.unwrap().is_stored);
    door.deregister(&key("gone"), by(None)).await.unwrap();
    serves(&door, "b").await;
    controller.stop().await;

    let controller = start(&folder.0).await;
    let first = controller.snapshots().borrow().clone();
    let door = controller.door();

    let standings: Vec<_> = first.pools[0]
        .backends
        .iter()
        .map(|backend| backend.weight)
        .collect();
    assert_eq!(standings, [3, 3]);
    assert_eq!(
        first.pools[0].everyone().candidates(),
        0,
        "nobody is trusted before a probe"
    );
    assert_eq!(ids(&door).await, ["b", "a"], "in the order they joined");
    assert!(state(&door, "a").await.is_drained);
    assert_eq!(state(&door, "b").await.token, Some(token.token.id.clone()));
    serves(&door, "b").await;
    door.renew(&key("b"), Beat::default(), by(Some(&token.shown)))
        .await
        .unwrap();
    controller.stop().await;
}

#[tokio::test]
async fn no_file_has_the_secret_of_a_token() {
    let folder = Folder::new("secret");
    let controller = start(&folder.0).await;
    let token = controller.door().create_token(wish()).await.unwrap();
    controller.stop().await;

    let secret = token.shown.rsplit_once('_').unwrap().1;
    assert!(
        folder.has(&token.token.id),
        "else this test looks in the wrong place"
    );
    assert!(!folder.has(secret));
    let bits: Vec<u8> = (0..32)
        .map(|place| u8::from_str_radix(&secret[2 * place..2 * place + 2], 16).unwrap())
        .collect();
    let mut files = fs::read_dir(&folder.0)
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap());
    assert!(!files.any(|bytes| bytes.windows(32).any(|window| window == bits)));
}

#[tokio::test]
async fn what_a_revoked_token_registered_does_not_come_back() {
    let folder = Folder::new("revoked");
    let controller = start(&folder.0).await;
    let door = controller.door();
    let token = door.create_token(wish()).await.unwrap();
    register(&door, "a", "127.0.0.1:1", Some(&token.shown)).await;
    door.revoke_token(&token.token.id).await.unwrap();
    controller.stop().await;

    let controller = start(&folder.0).await;

    assert!(ids(&controller.door()).await.is_empty());
    assert!(controller.door().tokens().await.unwrap().is_empty());
    controller.stop().await;
}

#[tokio::test]
async fn what_a_token_registered_that_ran_out_meanwhile_does_not_come_back() {
    let folder = Folder::new("expired");
    let controller = start(&folder.0).await;
    let door = controller.door();
    let expires_in = Some(Duration::from_secs(1));
    let token = TokenWish { expires_in, ..wish() };
    let token = door.create_token(token).await.unwrap();
    register(&door, "a", "127.0.0.1:1", Some(&token.shown)).await;
    assert_eq!(ids(&door).await, ["a"]);
    controller.stop().await;

    tokio::time::sleep(Duration::from_secs(1)).await;
    let controller = start(&folder.0).await;

    assert!(ids(&controller.door()).await.is_empty());
    controller.stop().await;
}

#[tokio::test]
async fn an_address_that_became_ours_is_not_taken_in_again() {
    let folder = Folder::new("ours");
    let controller = start(&folder.0).await;
    register(&controller.door(), "a", "127.0.0.1:1", None).await;
    register(&controller.door(), "b", "127.0.0.1:2", None).await;
    controller.stop().await;

    let settings = ControlSettings {
        own: vec!["0.0.0.0:1".parse().unwrap()],
        ..settings(&folder.0)
    };
    let controller = Controller::start(plan(), 1, settings).await.unwrap();
    assert_eq!(ids(&controller.door()).await, ["b"]);
    controller.stop().await;
    let controller = start(&folder.0).await;
    assert_eq!(ids(&controller.door()).await, ["b"], "and it is not kept either");
    controller.stop().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_set_aside_and_the_service_starts() {
    let folder = Folder::new("corrupt");
    fs::write(folder.0.join("registry.redb"), "no store at all").unwrap();

    let controller = start(&folder.0).await;

    assert!(
        register(&controller.door(), "a", "127.0.0.1:1", None)
            .await
            .is_stored
    );
    assert!(folder.has("no store at all"), "nothing is lost");
    controller.stop().await;
}

#[tokio::test]
async fn without_pools_to_join_no_folder_is_needed() {
    let folder = Folder::new("closed");
    let state = folder.0.join("state");
    let controller = Controller::start(Plan::default(), 1, settings(&state))
        .await
        .unwrap();
    controller.stop().await;
    assert!(!state.exists());
}

const VICTIM: &str = "a_process_that_registers_and_is_killed";
const VICTIMS_FOLDER: &str = "PORTREEVE_TEST_VICTIMS_FOLDER";

/// Does nothing unless another test starts it as a process of its own: registers until it is killed, and says of each
/// registration when it is stored.
#[tokio::test]
async fn a_process_that_registers_and_is_killed() {
    let Ok(folder) = std::env::var(VICTIMS_FOLDER) else {
        return;
    };
    let controller = start(Path::new(&folder)).await;
    let door = controller.door();
    let token = door.create_token(wish()).await.unwrap();
    say(&format!("token {}", token.shown));
    door.register(announcement("drained", "127.0.0.1:1"), by(None))
        .await
        .unwrap();
    door.drain(&key("drained"), None).await.unwrap();
    for number in 0_u16.. {
        let address = format!("127.9.{}.{}:1", number / 256, number % 256);
        let accepted = door
            .register(announcement(&number.to_string(), &address), by(None))
            .await
            .unwrap();
        assert!(accepted.is_stored);
        say(&format!("stored {number}"));
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\nvictim: {text}").unwrap();
}

/// The process of that test, and what it says.
fn victim(folder: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([VICTIM, "--exact", "--nocapture", "--test-threads=1"])
        .env(VICTIMS_FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("victim: ").map(str::to_owned));
    (child, said)
}

#[tokio::test]
async fn what_was_answered_as_stored_survives_kill_9() {
    for round in 0..3 {
        let folder = Folder::new(&format!("killed-{round}"));
        let (mut child, mut said) = victim(&folder.0);
        let token = said.next().unwrap().replace("token ", "");
        let stored: Vec<String> = said.by_ref().take(5 + 20 * round).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let stored = stored
            .into_iter()
            .chain(said)
            .map(|line| line.replace("stored ", ""));

        let controller = start(&folder.0).await;
        let door = controller.door();

        let there = ids(&door).await;
        for id in stored {
            assert!(there.contains(&id), "{id} is lost; there are {there:?}");
        }
        assert!(state(&door, "drained").await.is_drained);
        assert!(register(&door, "new", "127.0.0.1:2", Some(&token)).await.is_new);
        controller.stop().await;
    }
}

#[tokio::test]
async fn a_folder_that_another_process_uses_is_refused() {
    let folder = Folder::new("locked");
    let (mut child, mut said) = victim(&folder.0);
    said.next().unwrap();

    let refused = Controller::start(plan(), 1, settings(&folder.0))
        .await
        .unwrap_err();
    child.kill().unwrap();
    child.wait().unwrap();

    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains("--state"), "{refused}");
    let aside = fs::read_dir(&folder.0).unwrap().count();
    assert_eq!(aside, 1, "the other's file is left alone");
}

#[tokio::test]
async fn a_folder_that_another_process_uses_is_done_without_where_nobody_may_join() {
    let folder = Folder::new("shared");
    let first = start(&folder.0).await;
    let mut closed = plan();
    closed.pools[0].members = None;
    let second = Controller::start(closed, 1, settings(&folder.0)).await.unwrap();
    assert_eq!(second.snapshots().borrow().sequence, 1);
    second.stop().await;
    first.stop().await;
}
