//! Refusals as clients of gRPC read them: the response is a success of HTTP, and its head says at once what its trailers
//! would ("gRPC over HTTP2", Trailers-Only).

use portreeve_http1::{Head, Known};

use super::{Answer, Refusal};

/// The content type of the request, if it is one of gRPC.
pub(crate) fn kind(head: &Head) -> Option<&[u8]> {
    let kind = head.first(Known::ContentType)?;
    let (start, rest) = kind.split_at_checked(GRPC.len())?;
    let is_grpc = start.eq_ignore_ascii_case(GRPC) && matches!(rest, [] | [b'+' | b';' | b' ' | b'-', ..]);
    is_grpc.then_some(kind)
}

/// Writes the whole response, of the request's own content type.
pub(super) fn write(refusal: &Refusal, kind: &[u8], answer: &Answer<'_>, out: &mut Vec<u8>) {
    let cause = refusal.cause;
    let lines = [
        (&b"Date"[..], answer.date),
        (b"Server", b"portreeve"),
        (b"Content-Type", kind),
        (b"Content-Length", b"0"),
        (b"Grpc-Status", cause.grpc_status().to_string().as_bytes()),
        (b"Grpc-Message", encoded(&refusal.detail).as_bytes()),
        (
            b"Proxy-Status",
            format!(
                "portreeve; error={}; details=\"{}\"",
                cause.proxy_error(),
                cause.code()
            )
            .as_bytes(),
        ),
    ]
    .map(|(name, value)| [name, b": ", value, b"\r\n"].concat());
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    out.extend(lines.into_iter().flatten());
    if let Some(seconds) = refusal.retry_after {
        let pushback = format!("Grpc-Retry-Pushback-Ms: {}\r\n", seconds.saturating_mul(1_000));
        out.extend_from_slice(pushback.as_bytes());
    }
    if let Some(connection) = answer.connection {
        out.extend_from_slice(format!("Connection: {connection}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Visible ASCII but `%`, and spaces, stand for themselves.
fn encoded(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'$' | b'&'..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

const GRPC: &[u8] = b"application/grpc";

#[cfg(test)]
mod tests {
    use portreeve_http1::{HeadLimits, parse_request};
    use portreeve_model::Cause;

    use super::*;

    #[test]
    fn only_the_types_of_grpc_are_grpc() {
        for (kind_of, is_grpc) in [
            ("application/grpc", true),
            ("Application/gRPC+proto", true),
            ("application/grpc;x=y", true),
            ("application/grpc-web+proto", true),
            ("application/grpcx", false),
            ("application/json", false),
        ] {
            let mut head = Head::new();
            let text = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {kind_of}\r\n\r\n");
            parse_request(text.as_bytes(), &HeadLimits::default(), &mut head).unwrap();
            assert_eq!(kind(&head).is_some(), is_grpc, "{kind_of}");
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(encoded("100% d\u{e9}j\u{e0} vu\n"), "100%25 d%C3%A9j%C3%A0 vu%0A");
    }

    #[test]
    fn the_head_says_it_all() {
        let refusal = Refusal::saying(Cause::NoBackend, "Nobody is there.");
        let answer = Answer {
            html: false,
            grpc: Some(b"application/grpc+proto"),
            head_only: false,
            date: b"now",
            connection: None,
        };
        let mut out = Vec::new();
        refusal.write(&answer, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n"),
            "{text}"
        );
        for line in [
            "Content-Type: application/grpc+proto",
            "Content-Length: 0",
            "Grpc-Status: 14",
            "Grpc-Message: Nobody is there.",
        ] {
            assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} in {text}");
        }
    }
}
