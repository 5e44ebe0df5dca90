use portreeve_packet::{Code, Fault, Limits, Packet, parse};

use crate::talk;

/// What a request was answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The digest of what the server received.
    Acknowledged { digest: String },
    /// An error packet, and what it says for people.
    Refused { packet: String, reason: String },
}

impl Answer {
    /// # Errors
    /// When it is neither an acknowledgement nor an error.
    pub(super) fn read(packet: &[u8]) -> Result<Self, Fault> {
        match parse(packet, &LIMITS)? {
            Packet::Ack(ack) => Ok(Self::Acknowledged {
                digest: ack.payload().to_owned(),
            }),
            Packet::Error(refused) => Ok(Self::Refused {
                packet: String::from_utf8_lossy(packet).into_owned(),
                reason: match refused.code() {
                    "" => "the answer is an error packet".to_owned(),
                    code => talk::harmless(&format!("{code}: {}", refused.detail())),
                },
            }),
            Packet::Request(_) | Packet::Setup(_) => Err(Fault {
                code: Code::BadPacket,
                detail: "type: allowed in an answer: 2 (acknowledgement), -1 (error)".to_owned(),
            }),
        }
    }
}

/// The connection's limit on bytes was held already; an error echoes whatever was sent.
const LIMITS: Limits = Limits {
    packet_bytes_max: usize::MAX,
    payload_bytes_max: usize::MAX,
    depth_max: 2048,
    fields_max: 65_600,
};
