//! Duty: whatever is spoken with a client and whatever with a backend, the same happens. One table of cases is played on each
//! of the sixteen pairs of {h1, h2, TLS h1, TLS h2} with clients and {h1, h2c, TLS h1, TLS h2} with backends, and all must
//! come to the same. Clients and backends are the testkit's raw ones, and the `h2` crate.

mod accept;
mod act;
mod ask;
mod backend;
mod backend_h2;
mod bodies;
mod ends;
mod front;
mod front_h2;
mod got;
mod heads;
mod told;
mod tunnels;
mod world;

use std::fmt::Write as _;

use self::act::Do;
use self::front::Front;
use self::world::World;

/// Has backends of each kind do this with each request, and this be said with a proxy before them by each kind of client; what
/// all of it came to.
///
/// # Panics
/// If two pairs do not come to the same.
async fn on_every_pair(acts: &[Do], talk: impl AsyncFn(&Front<'_>) -> String) -> String {
    let world = World::start(acts).await;
    let mut came: Vec<(String, String)> = Vec::new();
    for front in world.fronts() {
        let told = talk(&front).await;
        came.push((front.pair(), told));
    }
    agreed(&came)
}

/// The one thing that all say.
#[track_caller]
fn agreed(came: &[(String, String)]) -> String {
    let first = &came[0].1;
    if came.iter().all(|(_, told)| told == first) {
        return first.clone();
    }
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (pair, told) in came {
        match groups.iter_mut().find(|(text, _)| *text == told) {
            Some((_, pairs)) => pairs.push(pair),
            None => groups.push((told, vec![pair])),
        }
    }
    let mut text = String::new();
    for (told, pairs) in groups {
        writeln!(text, "--- {}\n{told}", pairs.join(" ")).expect("a string takes text");
    }
    panic!("the pairs do not come to the same:\n{text}")
}
