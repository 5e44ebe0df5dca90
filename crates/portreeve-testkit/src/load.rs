//! Clients that ask without a pause, so that what happens meanwhile happens under load.

use tokio::task::JoinSet;

use crate::client::{Broken, Client};
use crate::gate::Gate;
use crate::message::Message;
use crate::wire::Address;

/// What a request of a [`load`] came to.
pub type Told = Result<Message, Broken>;

/// Has `clients` clients send this request again and again, each on a connection of its own that it keeps as long as
/// that is kept, until the gate opens; what each request came to, in no order.
pub async fn load(proxy: &Address, clients: usize, request: &str, done: &Gate) -> Vec<Told> {
    let mut asking = JoinSet::new();
    for _ in 0..clients {
        asking.spawn(ask_on(proxy.clone(), request.to_owned(), done.clone()));
    }
    asking.join_all().await.into_iter().flatten().collect()
}

/// Has `clients` clients send together exactly `count` requests.
pub async fn volley(proxy: &Address, clients: usize, count: usize, request: &str) -> Vec<Told> {
    let mut asking = JoinSet::new();
    for client in 0..clients {
        let (proxy, request) = (proxy.clone(), request.to_owned());
        let share = count / clients + usize::from(client < count % clients);
        asking.spawn(async move {
            let (mut told, mut kept) = (Vec::with_capacity(share), None);
            for _ in 0..share {
                told.push(ask(&proxy, &request, &mut kept).await);
            }
            told
        });
    }
    asking.join_all().await.into_iter().flatten().collect()
}

async fn ask_on(proxy: Address, request: String, done: Gate) -> Vec<Told> {
    let (mut told, mut kept) = (Vec::new(), None);
    while !done.is_open() {
        told.push(ask(&proxy, &request, &mut kept).await);
    }
    told
}

/// Asks on the connection that was kept, or a new one, which is kept if the answer lets it be.
async fn ask(proxy: &Address, request: &str, kept: &mut Option<Client>) -> Told {
    let mut client = match kept.take() {
        Some(client) => client,
        None => Client::connect(proxy).await,
    };
    client.send(request).await;
    let answer = client.try_response().await?;
    if !answer.values("connection").iter().any(|option| option == "close") {
        *kept = Some(client);
    }
    Ok(answer)
}
