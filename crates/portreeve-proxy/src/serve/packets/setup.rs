//! A setup packet: a server that registers.

use portreeve_model::{Cause, Listener, Packets};
use portreeve_packet::{Setup, write_registered};

use super::{Answered, Next};
use crate::record::Record;
use crate::register::{RegistrationAsk, RegistrationReply, ask};
use crate::serve::client::Client;

/// Hands a registration on, and answers it. That is all there is to say to a server: see [`Next::Say`].
pub(super) async fn answer(
    client: &Client,
    listener: &Listener,
    packets: &Packets,
    setup: &Setup,
    record: &mut Record<'_>,
) -> Answered {
    if !listener.registration {
        return Answered::refused(
            Cause::RegistrationRefused,
            "no registrations are taken on this port",
        );
    }
    let pool = packets.plan.pool.clone();
    let wish = RegistrationAsk::Setup {
        pool,
        setup: setup.clone(),
    };
    let asked = ask(client.worker.registrations.as_ref(), &client.peer, false, wish).await;
    record.phases.first_byte = Some(record.elapsed());
    match asked {
        Ok(RegistrationReply::Setup(Ok(()))) => {
            let mut out = Vec::new();
            write_registered(setup, &mut out);
            Answered::Packet(out, Next::Say)
        }
        Ok(RegistrationReply::Setup(Err(detail))) => Answered::refused(Cause::RegistrationRefused, detail),
        Ok(RegistrationReply::Http { .. }) => Answered::failed(Cause::InternalError),
        Err(cause) => Answered::failed(cause),
    }
}
