//! Whether somebody listens at an address.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::failure::Failure;
use crate::talk::say;

/// Refuses when somebody else already listens where the app will: requests would go to the stranger.
pub(super) async fn refuse_if_taken(address: SocketAddr) -> Result<(), Failure> {
    match answers(address).await {
        true => Err(Failure::failed(format_args!(
            "something already listens at {address}, before the app was started: stop it, or choose another --port"
        ))),
        false => Ok(()),
    }
}

/// Waits until the app listens, however long that takes; says so once if it takes long.
pub(super) async fn until_answers(address: SocketAddr) {
    let mut tries = 0_u32;
    while !answers(address).await {
        tries += 1;
        if tries == PATIENT_TRIES {
            say(format_args!(
                "still waiting: the app does not listen at {address} yet, and is not registered before it does"
            ));
        }
        sleep(BETWEEN).await;
    }
}

/// Connects, and closes again without a word.
async fn answers(address: SocketAddr) -> bool {
    matches!(
        timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await,
        Ok(Ok(_))
    )
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(50);

/// About ten seconds.
const PATIENT_TRIES: u32 = 200;
