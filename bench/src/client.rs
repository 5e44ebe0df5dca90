use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An HTTP/1.1 client on one connection, which it keeps; one question at a time.
pub struct Client {
    address: SocketAddr,
    host: &'static str,
    stream: Option<BufReader<TcpStream>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of the status line.
    pub status: u16,
    /// As long as Content-Length says; nothing without it.
    pub body: Vec<u8>,
}

impl Client {
    /// Of the server at this address; it connects when it is first asked something.
    #[must_use]
    pub fn new(address: SocketAddr) -> Client {
        Client {
            address,
            host: "bench.test",
            stream: None,
        }
    }

    /// That asks for this host instead.
    #[must_use]
    pub fn with_host(self, host: &'static str) -> Client {
        Client { host, ..self }
    }

    /// Sends a request and waits for its answer. `fields` are lines of the head, each with its line end.
    ///
    /// # Errors
    /// When the connection breaks, or what comes back is no HTTP/1.1. The next question goes over a new connection then.
    pub fn ask(&mut self, method: &str, target: &str, fields: &str, body: &str) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        let (host, length) = (self.host, body.len());
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.get_ref().write_all(request.as_bytes())?;
        let head = Head::read(&mut stream)?;
        let mut body = vec![0; head.length];
        stream.read_exact(&mut body)?;
        if !head.is_last {
            self.stream = Some(stream);
        }
        Ok(Answer {
            status: head.status,
            body,
        })
    }
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

struct Head {
    status: u16,
    length: usize,
    is_last: bool,
}

impl Head {
    fn read(input: &mut impl BufRead) -> io::Result<Head> {
        let first = line(input)?;
        let status = first
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let mut head = Head {
            status: status.ok_or_else(|| io::Error::other(format!("expected HTTP/1.1, found {first:?}")))?,
            length: 0,
            is_last: false,
        };
        loop {
            let field = line(input)?.to_ascii_lowercase();
            match field.split_once(':') {
                None if field == "\r\n" => return Ok(head),
                None => return Err(io::Error::other(format!("expected a field, found {field:?}"))),
                Some(("content-length", value)) => {
                    head.length = value.trim().parse().map_err(io::Error::other)?;
                }
                Some(("connection", value)) => head.is_last = value.trim() == "close",
                Some(_) => {}
            }
        }
    }
}

/// The next line, its end included.
fn line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_much_follows_and_whether_it_was_the_last() {
        let mut input: &[u8] = b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
        let head = Head::read(&mut input).unwrap();
        assert_eq!((head.status, head.length, head.is_last), (201, 3, true));
        assert_eq!(input, b"abc");
    }

    #[test]
    fn half_a_head_is_an_error() {
        assert!(Head::read(&mut &b"HTTP/1.1 200 OK\r\nContent-"[..]).is_err());
        assert!(Head::read(&mut &b"220 mail\r\n\r\n"[..]).is_err());
    }
}
