//! What the demo tells: nothing that it has not seen.

mod lines;
mod requests;
mod servings;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portreeve_server::{Bind, Server};
use tokio::time::sleep;

use super::app::App;
use super::http::Ask;
use super::packet_client::{Outcome, PacketClient};
use super::server::SampleServer;
use crate::failure::Failure;
use crate::output;
use crate::peer_address::PeerAddress;
use servings::Servings;

/// Where it plays.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    proxy: SocketAddr,
    admin: Option<SocketAddr>,
    state: PathBuf,
}

impl Stage {
    pub(super) fn of(server: &Server, state: &Path) -> Self {
        let proxy = match server.listeners().next() {
            Some(Bind::Tcp(address)) => *address,
            _ => unreachable!("the demo's configuration has one TCP listener"),
        };
        Self {
            proxy,
            admin: server.admin(),
            state: state.to_owned(),
        }
    }
}

/// Those who serve; dropping it ends them.
#[derive(Debug)]
pub(super) struct Cast {
    _servers: Vec<SampleServer>,
    _apps: Vec<App>,
}

/// Tells it all, and returns those who are still there.
pub(super) async fn tell(stage: &Stage) -> Result<Cast, Failure> {
    output::print(&lines::beginning(stage))?;
    let servers = register_servers(stage).await?;
    tell_of_packets(stage, &servers).await?;
    let apps = register_apps(stage).await?;
    requests::tell(stage).await?;
    output::print(&lines::ending(stage))?;
    Ok(Cast {
        _servers: servers,
        _apps: apps,
    })
}

/// One after the other, since their turn is in the order of registration.
async fn register_servers(stage: &Stage) -> Result<Vec<SampleServer>, Failure> {
    output::print(&"\nFour packet servers of two policies register themselves there:")?;
    let proxy: PeerAddress = stage.proxy.to_string().parse().map_err(Failure::failed)?;
    let mut servers = Vec::new();
    for (id, policy) in SERVERS {
        let server = SampleServer::start(id, policy, proxy.clone()).await?;
        await_server(stage, &server).await?;
        output::print(&lines::server(&server))?;
        servers.push(server);
    }
    Ok(servers)
}

/// Asks for its policy until it is this server that answers.
async fn await_server(stage: &Stage, server: &SampleServer) -> Result<(), Failure> {
    let mut client = PacketClient::connect(0, stage.proxy).await?;
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let reply = client.send(server.policy, "Are you there?").await?;
        if matches!(&reply.outcome, Outcome::Served { by, .. } if by == server.id) {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    let (id, word) = (server.id, server.last_word());
    Err(Failure::failed(format_args!(
        "packet server {id} gets no requests: {word}"
    )))
}

async fn tell_of_packets(stage: &Stage, servers: &[SampleServer]) -> Result<(), Failure> {
    output::print(&"\nSix clients send a packet each, and compare the SHA-1 that comes back:")?;
    let mut clients = Vec::new();
    let mut servings = Servings::default();
    for (id, policy) in (1..=6).zip(policies(servers).into_iter().cycle()) {
        let mut client = PacketClient::connect(id, stage.proxy).await?;
        let reply = client.send(policy, &format!("Hello from client {id}.")).await?;
        output::print(&lines::packet(&client, policy, &reply))?;
        servings.note(policy, &reply.outcome);
        clients.push((client, policy));
    }
    for (client, policy) in &mut clients {
        let again = format!("Hello again from client {}.", client.id);
        servings.note(policy, &client.send(policy, &again).await?.outcome);
    }
    output::print(&format_args!(
        "\nEach sends another. Who served, from the first packet to the last:\n{servings}"
    ))?;
    let (client, _) = clients.first_mut().expect("there are six");
    let reply = client.send(UPHELD_BY_NOBODY, "Hello?").await?;
    output::print(&format_args!(
        "\nOne asks for a policy that nobody upholds:\n{}",
        lines::packet(client, UPHELD_BY_NOBODY, &reply)
    ))?;
    Ok(())
}

/// Each once, in the order of their servers.
fn policies(servers: &[SampleServer]) -> Vec<&'static str> {
    let mut policies: Vec<_> = servers.iter().map(|server| server.policy).collect();
    policies.dedup();
    policies
}

async fn register_apps(stage: &Stage) -> Result<Vec<App>, Failure> {
    output::print(&"\nThree HTTP apps of two policies register at the same port:")?;
    let mut apps = Vec::new();
    for (name, policy) in APPS {
        let app = App::start(name, policy, stage.proxy).await?;
        await_app(stage, &app).await?;
        output::print(&lines::app(&app))?;
        apps.push(app);
    }
    Ok(apps)
}

/// Asks for its policy until it is this app that answers.
async fn await_app(stage: &Stage, app: &App) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut last = String::new();
    while begin.elapsed() < PATIENCE {
        let answer = Ask::get("/", Some(app.policy)).send(stage.proxy).await;
        let answer = answer.map_err(|error| no_answer(stage, &error))?;
        if answer.is_good() && answer.gist.contains(&format!(" {}.", app.name)) {
            return Ok(());
        }
        last = format!("{} {}", answer.status, answer.gist);
        sleep(PAUSE).await;
    }
    Err(Failure::failed(format_args!(
        "app {} gets no requests; the last answer was {last}",
        app.name
    )))
}

fn no_answer(stage: &Stage, error: &std::io::Error) -> Failure {
    Failure::failed(format_args!(
        "the proxy at {} does not answer: {error}",
        stage.proxy
    ))
}

const SERVERS: [(&str, &str); 4] = [("101", "111"), ("102", "111"), ("201", "222"), ("202", "222")];
const APPS: [(&str, &str); 3] = [("one", "eu"), ("two", "eu"), ("three", "us")];
const UPHELD_BY_NOBODY: &str = "333";
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
