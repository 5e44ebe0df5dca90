//! The words.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::Stage;
use crate::demo::app::App;
use crate::demo::http::Answer;
use crate::demo::packet_client::{Outcome, PacketClient, Reply};
use crate::demo::server::SampleServer;

pub(super) fn beginning(stage: &Stage) -> String {
    let mut text = format!(
        "Portreeve {}: packets, HTTP and registrations on one port, nothing configured.\n\n  \
         proxy     http://{}/\n",
        env!("CARGO_PKG_VERSION"),
        stage.proxy
    );
    if let Some(admin) = stage.admin {
        text += &format!("  metrics   http://{admin}/metrics\n");
    }
    text
}

pub(super) fn server(server: &SampleServer) -> String {
    let SampleServer {
        id, policy, address, ..
    } = server;
    format!("  server {id}   policy {policy}   {address}   answers")
}

pub(super) fn packet(client: &PacketClient, policy: &str, reply: &Reply) -> String {
    let came = match &reply.outcome {
        Outcome::Served { by, is_right } => {
            let judgement = if *is_right { "right" } else { "WRONG" };
            format!("served by {by}   SHA-1 {judgement}")
        }
        Outcome::Refused(why) => format!("refused, {why}"),
    };
    format!(
        "  client {}   policy {policy}   {came}   {}",
        client.id,
        ms(reply.took)
    )
}

pub(super) fn app(app: &App) -> String {
    let App {
        name,
        policy,
        address,
        ..
    } = app;
    format!("  app {name:<5}   policy {policy}   {address}   answers")
}

pub(super) fn request(policy: &str, answer: &Answer) -> String {
    let Answer { status, gist, took } = answer;
    format!("  {policy:<4}   {status}   {}   {gist}", ms(*took))
}

pub(super) fn ending(stage: &Stage) -> String {
    let Stage { proxy, state, .. } = stage;
    let (program, state) = (program(), state.display());
    format!(
        "\nYour turn, in a browser or in another terminal:\n\n  \
         curl http://{proxy}/                            # any app\n  \
         curl -H 'Privacy-Policy: eu' http://{proxy}/    # app one or two\n  \
         curl -H 'Privacy-Policy: mars' http://{proxy}/  # refused\n  \
         echo '{PACKET}' | {program} send - --proxy {proxy}\n  \
         {program} backends --state {state}\n\n\
         Ctrl-C ends the demo."
    )
}

/// As it was typed, so that it can be typed again.
fn program() -> String {
    let typed = env::args_os().next().map(PathBuf::from);
    typed.map_or_else(|| "portreeve".to_owned(), |path| path.display().to_string())
}

fn ms(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1_000.0)
}

const PACKET: &str = r#"{"type":0,"srcid":7,"privPoliId":111,"payload":"Hello"}"#;
