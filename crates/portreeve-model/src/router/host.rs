//! The form of a host that routes are compared with.

/// Room for a host in lower case: a DNS name has at most 253 bytes (RFC 1035 section 3.1).
pub(super) struct HostBuffer([u8; HOST_MAX]);

impl HostBuffer {
    /// Without port and final dot, in lower case. A host that is too long for a name is none.
    pub(super) fn fold(&mut self, host: &[u8]) -> &[u8] {
        let name = without_port(host);
        let name = name.strip_suffix(b".").unwrap_or(name);
        let Some(folded) = self.0.get_mut(..name.len()) else {
            return b"";
        };
        folded.copy_from_slice(name);
        folded.make_ascii_lowercase();
        folded
    }
}

impl Default for HostBuffer {
    fn default() -> Self {
        Self([0; HOST_MAX])
    }
}

/// The ends of a host that begin with a dot and have a label before them, the longest first.
pub(super) fn suffixes(host: &[u8]) -> impl Iterator<Item = &[u8]> {
    let dots = host.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'.');
    dots.map(|(dot, _)| &host[dot..])
}

/// `[::1]:80` is `[::1]`; elsewhere the first colon begins the port.
fn without_port(host: &[u8]) -> &[u8] {
    let (end, after) = if host.starts_with(b"[") {
        (b']', 1)
    } else {
        (b':', 0)
    };
    let place = host.iter().position(|byte| *byte == end);
    place.map_or(host, |place| &host[..place + after])
}

const HOST_MAX: usize = 256;
