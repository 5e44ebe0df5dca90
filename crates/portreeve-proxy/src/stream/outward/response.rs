//! Response heads and trailers of HTTP/2, written as those of HTTP/1.1.

use http::response::Parts;
use http::{HeaderMap, Response, StatusCode, header};

use super::request::Spoken;
use super::room::Room;

/// How the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// As it is: its length is told, or there is none, or it is a tunnel.
    Bare,
    /// In chunks, with trailers.
    Chunked,
}

/// Writes an interim head.
pub(super) fn write_interim(response: &Response<()>, room: &mut Room<'_>) {
    write_status(response.status(), room);
    write_fields(response.headers(), room, |_| true);
    room.put(b"\r\n");
}

/// Writes the final head; how its body is told. `is_whole`: it has none.
pub(super) fn write(parts: &Parts, is_whole: bool, spoken: &Spoken, room: &mut Room<'_>) -> Frame {
    if spoken.tunnels() && parts.status.is_success() {
        return write_tunnel(parts, spoken, room);
    }
    let frame = frame(parts, is_whole, spoken);
    let has_body = has_body(parts.status, spoken);
    write_status(parts.status, room);
    let keeps_length = frame == Frame::Bare;
    write_fields(&parts.headers, room, |name| {
        keeps_length || name != header::CONTENT_LENGTH
    });
    match frame {
        Frame::Chunked => room.put(b"transfer-encoding: chunked\r\n"),
        Frame::Bare if has_body && !parts.headers.contains_key(header::CONTENT_LENGTH) => {
            room.put(b"content-length: 0\r\n");
        }
        Frame::Bare => {}
    }
    room.put(b"\r\n");
    frame
}

/// The size line of a chunk.
pub(super) fn write_size(size: usize, room: &mut Room<'_>) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    let mut line = [0; 18];
    for place in 0..digits {
        let digit = size >> (4 * (digits - 1 - place)) & 0xf;
        line[place as usize] = b"0123456789abcdef"[digit];
    }
    let end = digits as usize;
    line[end..end + 2].copy_from_slice(b"\r\n");
    room.put(&line[..end + 2]);
}

/// The last chunk and the trailers.
pub(super) fn write_trailers(trailers: Option<&HeaderMap>, room: &mut Room<'_>) {
    room.put(b"0\r\n");
    if let Some(trailers) = trailers {
        write_fields(trailers, room, |_| true);
    }
    room.put(b"\r\n");
}

/// A body whose length is told could have no trailers then: where some are to come, chunks tell it.
fn frame(parts: &Parts, is_whole: bool, spoken: &Spoken) -> Frame {
    if is_whole || !has_body(parts.status, spoken) {
        return Frame::Bare;
    }
    let headers = &parts.headers;
    let has_trailers = headers.contains_key(header::TRAILER) || spoken.is_grpc;
    if headers.contains_key(header::CONTENT_LENGTH) && !has_trailers {
        Frame::Bare
    } else {
        Frame::Chunked
    }
}

/// Whether such a response has a body (RFC 9110 section 6.4.1).
fn has_body(status: StatusCode, spoken: &Spoken) -> bool {
    !spoken.is_head && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The head that begins a tunnel: 101 to what was asked for as an upgrade (RFC 8441 section 5).
fn write_tunnel(parts: &Parts, spoken: &Spoken, room: &mut Room<'_>) -> Frame {
    let status = if spoken.upgrade.is_some() {
        StatusCode::SWITCHING_PROTOCOLS
    } else {
        parts.status
    };
    write_status(status, room);
    write_fields(&parts.headers, room, |name| {
        name != header::CONTENT_LENGTH && name != header::SEC_WEBSOCKET_ACCEPT
    });
    if let Some(upgrade) = &spoken.upgrade {
        for part in ["connection: Upgrade\r\nupgrade: ", &upgrade.protocol, "\r\n"] {
            room.put(part.as_bytes());
        }
        if let Some(accept) = &upgrade.accept {
            for part in ["sec-websocket-accept: ", accept, "\r\n"] {
                room.put(part.as_bytes());
            }
        }
    }
    room.put(b"\r\n");
    Frame::Bare
}

fn write_status(status: StatusCode, room: &mut Room<'_>) {
    for part in [
        "HTTP/1.1 ",
        status.as_str(),
        " ",
        status.canonical_reason().unwrap_or_default(),
        "\r\n",
    ] {
        room.put(part.as_bytes());
    }
}

fn write_fields(fields: &HeaderMap, room: &mut Room<'_>, keeps: impl Fn(&header::HeaderName) -> bool) {
    for (name, value) in fields.iter().filter(|(name, _)| keeps(name)) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            room.put(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(response: http::response::Builder, is_whole: bool, spoken: &Spoken) -> (String, Frame) {
        let (parts, ()) = response.body(()).unwrap().into_parts();
        let (mut bytes, mut spilled) = ([0; 1024], Vec::new());
        let mut room = Room::new(&mut bytes, &mut spilled);
        let frame = write(&parts, is_whole, spoken, &mut room);
        let filled = room.filled();
        (String::from_utf8(bytes[..filled].to_vec()).unwrap(), frame)
    }

    #[test]
    fn a_length_is_kept_and_a_body_without_one_is_told_in_chunks() {
        let response = || Response::builder().status(200);
        let (head, frame) = told(response().header("content-length", 5), false, &Spoken::default());
        assert_eq!(
            (head.as_str(), frame),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Frame::Bare)
        );
        let (head, frame) = told(response(), false, &Spoken::default());
        assert_eq!(
            (head.as_str(), frame),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                Frame::Chunked
            )
        );
    }

    #[test]
    fn a_head_that_ends_the_stream_says_that_there_is_nothing() {
        let (head, _) = told(Response::builder().status(404), true, &Spoken::default());
        assert_eq!(head, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        let to_head = Spoken {
            is_head: true,
            ..Spoken::default()
        };
        let (head, _) = told(Response::builder().status(200), true, &to_head);
        assert_eq!(head, "HTTP/1.1 200 OK\r\n\r\n");
        let (head, _) = told(Response::builder().status(204), true, &Spoken::default());
        assert_eq!(head, "HTTP/1.1 204 No Content\r\n\r\n");
    }

    #[test]
    fn announced_trailers_are_worth_more_than_a_length() {
        let response = Response::builder()
            .header("content-length", 5)
            .header("trailer", "x-sum");
        let (head, frame) = told(response, false, &Spoken::default());
        assert_eq!(frame, Frame::Chunked);
        assert!(!head.contains("content-length"), "{head}");
    }

    #[test]
    fn sizes_are_written_in_hexadecimal() {
        for size in [0, 1, 15, 16, 255, 4_096, 16_384, usize::MAX] {
            let (mut bytes, mut spilled) = ([0; 64], Vec::new());
            let mut room = Room::new(&mut bytes, &mut spilled);
            write_size(size, &mut room);
            let filled = room.filled();
            assert_eq!(&bytes[..filled], format!("{size:x}\r\n").as_bytes());
        }
    }
}
