//! The client of packets.

use super::Client;
use crate::message::text;
use crate::packet::Packet;

impl Client {
    /// The next packet.
    ///
    /// # Panics
    /// If no whole one comes.
    pub async fn packet(&mut self) -> Packet {
        loop {
            match Packet::first(&self.buffer) {
                Ok(Some((packet, end))) => {
                    self.buffer.drain(..end);
                    return packet;
                }
                Ok(None) => self.fill_or_panic("a packet").await,
                Err(error) => panic!("no packet: {error} in {}", text(&self.buffer)),
            }
        }
    }

    /// What a peer gets that calls `recv` once and takes what came for a whole packet.
    ///
    /// # Panics
    /// If it is not exactly one.
    pub async fn packet_in_one_read(&mut self) -> Packet {
        if self.buffer.is_empty() {
            self.fill_or_panic("a packet").await;
        }
        let bytes = std::mem::take(&mut self.buffer);
        match Packet::first(&bytes) {
            Ok(Some((packet, end))) if end == bytes.len() => packet,
            _ => panic!("one read brought {}", text(&bytes)),
        }
    }

    /// The answer to this packet.
    ///
    /// # Panics
    /// If none comes.
    pub async fn ask(&mut self, packet: impl AsRef<[u8]>) -> Packet {
        self.send(packet).await;
        self.packet().await
    }
}
