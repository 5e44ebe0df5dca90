//! Random histories over real sockets: backends that register, change, move, crash, leave and take each other's
//! addresses, files that follow each other, and clients that ask all the while.
//!
//! Each backend looks, at the moment when a request reaches it, whether what stands for its name and address upheld
//! what the request demands at any moment since the request was sent, or since another backend lost it. A failing seed
//! is printed with the history.

mod actor;
mod asking;
mod claims;

use std::sync::Arc;

use tokio::task::JoinSet;

use actor::Actor;
use claims::Claims;

async fn play(seed: u64) {
    let claims = Arc::new(Claims::new());
    let mut actor = Actor::begin(seed, Arc::clone(&claims)).await;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let address = actor.proxy().address();
        clients.spawn(asking::ask_on(address, Arc::clone(&claims), seed * 100 + number));
    }
    for _ in 0..STEPS {
        actor.step().await;
    }
    claims.close();
    let mut served = 0;
    while let Some(one) = clients.join_next().await {
        served += one.expect("a client does not panic");
    }
    let faults = claims.faults();
    assert!(
        faults.is_empty(),
        "seed {seed}:\n{}\n{}",
        actor.history(),
        faults.join("\n")
    );
    assert!(
        served > u64::from(STEPS),
        "seed {seed}: only {served} requests were served, which proves little"
    );
    actor.end().await;
}

#[tokio::test]
async fn no_request_reaches_a_backend_that_did_not_uphold_its_policy_first_history() {
    play(1).await;
}

#[tokio::test]
async fn no_request_reaches_a_backend_that_did_not_uphold_its_policy_second_history() {
    play(2).await;
}

#[tokio::test]
async fn no_request_reaches_a_backend_that_did_not_uphold_its_policy_third_history() {
    play(3).await;
}

const CLIENTS: u64 = 16;
const STEPS: u32 = 300;
