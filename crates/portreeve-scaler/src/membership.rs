//! A backend's place in its pool, taken and kept for a program that knows nothing of us.

use std::net::SocketAddr;
use std::time::Duration;

use portreeve_control::{Credentials, Door, Refused};
use portreeve_model::{Announcement, Beat, MemberKey};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Registers it as soon as something listens, and sends heartbeats from then on; `tell` hears of each refusal. Never ends
/// by itself.
pub(crate) async fn keep(
    door: Door,
    announcement: Announcement,
    by: Credentials,
    tell: impl Fn(Refused),
) -> std::convert::Infallible {
    until_listening(announcement.address).await;
    let mut was_removed = false;
    loop {
        match door.register(announcement.clone(), by.clone()).await {
            Ok(accepted) => beat(&door, &announcement.key, &by, accepted.ttl).await,
            // Registered with a token that is lost: it is ours all the same.
            Err(Refused::Registration(_)) if !was_removed => {
                was_removed = true;
                let _ = door.remove(&announcement.key).await;
                continue;
            }
            Err(refused) => tell(refused),
        }
        sleep(AGAIN).await;
    }
}

/// Sends heartbeats for what is registered already, by this token; returns when the registry has forgotten it.
pub(crate) async fn renew(door: &Door, key: &MemberKey, by: &Credentials) {
    beat(door, key, by, Duration::ZERO).await;
}

/// Returns when the registry has forgotten it.
async fn beat(door: &Door, key: &MemberKey, by: &Credentials, mut ttl: Duration) {
    loop {
        sleep((ttl / 3).max(BEAT_MIN)).await;
        match door.renew(key, Beat::default(), by.clone()).await {
            Ok(now) => ttl = now,
            Err(Refused::Overloaded) => {}
            Err(_) => return,
        }
    }
}

/// Tries to connect, often at first: what is held waits for it.
async fn until_listening(address: SocketAddr) {
    let began = Instant::now();
    loop {
        if let Ok(Ok(_)) = timeout(CONNECT_WAIT, TcpStream::connect(address)).await {
            return;
        }
        // What is added to a start is small beside it.
        sleep((began.elapsed() / 50).clamp(LOOK_MIN, LOOK_MAX)).await;
    }
}

const CONNECT_WAIT: Duration = Duration::from_secs(1);
const LOOK_MIN: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(100);
const BEAT_MIN: Duration = Duration::from_millis(200);
/// After a refusal.
const AGAIN: Duration = Duration::from_secs(1);
