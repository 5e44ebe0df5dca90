//! What systemd is told (sd_notify(3)), when it asked to be told by setting `NOTIFY_SOCKET`.

use sd_notify::NotifyState;

/// Every listener accepts; also the end of a reload.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// A reload begins. The time lets `Type=notify-reload` tell this message from an older one.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// A reload ended without effect.
pub(crate) fn reload_refused() {
    let status = "serving; the last reload was refused, see the log";
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The process is about to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell systemd our state; is NOTIFY_SOCKET right?");
    }
}
