//! What a client says first, read by somebody who will not take part in the handshake.

mod scan;

use rustls::server::Acceptor;

pub use self::scan::{HelloScan, HelloStep};

/// What bytes say of a TLS handshake that they may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peeked {
    /// The client's first message is complete.
    Hello {
        /// The host that the client named (SNI), in lower case; `None`: none, or an address instead of a name.
        server_name: Option<String>,
        /// The protocols that it would speak (ALPN), the one that it likes best first.
        alpn: Vec<Vec<u8>>,
    },
    /// So far it may become one.
    NeedMore,
    /// It is none, or breaks the rules.
    NotTls,
    /// It is longer than [`HELLO_MAX`], or comes in more records than [`RECORDS_MAX`].
    TooMuch,
}

/// Reads the ClientHello that `bytes` begin with, from their first byte anew: whoever has them come in crumbs asks a
/// [`HelloScan`] first whether there is enough.
#[must_use]
pub fn peek_hello(bytes: &[u8]) -> Peeked {
    let mut scan = HelloScan::within(HELLO_MAX);
    match scan.advance(bytes) {
        HelloStep::NeedMore | HelloStep::Record => Peeked::NeedMore,
        HelloStep::Whole => read(&bytes[..scan.seen()]),
        HelloStep::NotHello => Peeked::NotTls,
        HelloStep::TooMuch => Peeked::TooMuch,
    }
}

fn read(mut hello: &[u8]) -> Peeked {
    let mut acceptor = Acceptor::default();
    while !hello.is_empty() {
        // Reading from memory fails only where a record is larger than may be.
        if acceptor.read_tls(&mut hello).is_err() {
            return Peeked::NotTls;
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return said(&accepted.client_hello()),
            Ok(None) => {}
            Err(_) => return Peeked::NotTls,
        }
    }
    Peeked::NotTls
}

fn said(hello: &rustls::server::ClientHello<'_>) -> Peeked {
    let alpn = hello.alpn().into_iter().flatten();
    Peeked::Hello {
        server_name: hello.server_name().map(str::to_ascii_lowercase),
        alpn: alpn.map(<[u8]>::to_vec).collect(),
    }
}

/// Bytes of a ClientHello that are read: those with post-quantum keys have about 2,000.
pub const HELLO_MAX: usize = 16 * 1024;
/// Records that a ClientHello may come in: one as a rule, a few where somebody hides its name from those who look at one
/// packet only.
pub const RECORDS_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    fn hello(host: &str, alpn: &[&str]) -> Vec<u8> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("both versions have suites");
        let mut config = config
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = host.to_owned().try_into().expect("a name or an address");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory takes all");
        bytes
    }

    fn named(server_name: Option<&str>, alpn: &[&str]) -> Peeked {
        Peeked::Hello {
            server_name: server_name.map(str::to_owned),
            alpn: alpn.iter().map(|name| name.as_bytes().to_vec()).collect(),
        }
    }

    #[test]
    fn the_host_and_the_protocols_are_read() {
        let both = hello("App.Example.com", &["h2", "http/1.1"]);
        assert_eq!(
            peek_hello(&both),
            named(Some("app.example.com"), &["h2", "http/1.1"])
        );
        assert_eq!(peek_hello(&hello("127.0.0.1", &[])), named(None, &[]));
    }

    #[test]
    fn however_it_is_cut_it_may_become_one() {
        let hello = hello("app.test", &[]);
        for cut in 0..hello.len() {
            assert_eq!(peek_hello(&hello[..cut]), Peeked::NeedMore, "cut at {cut}");
        }
        let more = [&hello[..], b"whatever follows"].concat();
        assert_eq!(peek_hello(&more), named(Some("app.test"), &[]));
    }

    #[test]
    fn one_in_many_records_is_one() {
        let whole = hello("app.test", &[]);
        let mut split = Vec::new();
        for part in whole[5..].chunks(100) {
            split.extend_from_slice(&[22, 3, 1, 0, u8::try_from(part.len()).expect("at most 100")]);
            split.extend_from_slice(part);
        }
        assert_eq!(peek_hello(&split), named(Some("app.test"), &[]));
    }

    #[test]
    fn what_is_no_handshake_is_said_so() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"SSH-2.0-OpenSSH_9.2\r\n",
            &[0; 64],
            &[21, 3, 1, 0, 2, 1, 0],
        ] {
            assert_eq!(peek_hello(bytes), Peeked::NotTls, "{bytes:?}");
        }
    }

    #[test]
    fn one_that_is_too_long_is_not_waited_for() {
        assert_eq!(peek_hello(&[22, 3, 1, 0x40, 0, 1, 0, 0x40, 0]), Peeked::NeedMore);
        assert_eq!(peek_hello(&[22, 3, 1, 0x40, 0, 1, 0, 0x40, 1]), Peeked::TooMuch);
    }

    /// In records of so many bytes of the message each.
    fn crumbled(hello: &[u8], bytes: usize) -> Vec<u8> {
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).expect("a crumb is short").to_be_bytes();
            [&[22, 3, 1][..], &length, part].concat()
        };
        hello[5..].chunks(bytes).flat_map(record).collect()
    }

    #[test]
    fn one_in_too_many_records_is_refused_before_it_is_read() {
        let whole = hello("app.test", &[]);
        let most = RECORDS_MAX as usize;
        let fits = crumbled(&whole, (whole.len() - 5).div_ceil(most));
        assert_eq!(peek_hello(&fits), named(Some("app.test"), &[]));
        let crumbs = crumbled(&whole, 1);
        let refused = (0..crumbs.len()).find(|cut| peek_hello(&crumbs[..*cut]) == Peeked::TooMuch);
        assert_eq!(
            refused,
            Some(most * 6 + 5),
            "at the header of the first that is too many"
        );
    }
}
