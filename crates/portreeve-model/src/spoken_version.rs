//! In which versions requests come: a closed list, for counts.

/// In what a client told its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpokenVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, also what was to be HTTP/1 and could not be read.
    Http11,
    /// HTTP/2.
    Http2,
    /// A packet.
    Packet,
    /// A connection that is carried as it is.
    Tcp,
}

impl SpokenVersion {
    /// All of them, each at the place of its [`index`](Self::index).
    pub const ALL: [Self; 5] = [Self::Http10, Self::Http11, Self::Http2, Self::Packet, Self::Tcp];

    /// A number from 0 up to the number of versions.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in metrics: for ever the same.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Http10 => "http1.0",
            Self::Http11 => "http1.1",
            Self::Http2 => "http2",
            Self::Packet => "packet",
            Self::Tcp => "tcp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_at_its_index() {
        let indices: Vec<_> = SpokenVersion::ALL.iter().map(|version| version.index()).collect();
        assert_eq!(indices, (0..SpokenVersion::ALL.len()).collect::<Vec<_>>());
    }
}
