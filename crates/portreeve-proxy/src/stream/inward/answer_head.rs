//! The head of an answer as HTTP/2 tells it (RFC 9113 section 8.2): what HTTP/1.1 says of its own connection stays here.

use std::io;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use portreeve_http1::{Head, Known};

/// The head of an answer of this status.
pub(super) fn response(status: u16, head: &Head) -> io::Result<Response<()>> {
    let status = StatusCode::from_u16(status).map_err(|_| invalid())?;
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = fields(head)?;
    Ok(response)
}

/// All fields but those of the connection. Their values share one copy of the head.
pub(super) fn fields(head: &Head) -> io::Result<HeaderMap> {
    let mut fields = HeaderMap::with_capacity(head.fields().len());
    let bytes = Bytes::copy_from_slice(head.bytes());
    for field in head
        .fields()
        .iter()
        .filter(|field| !is_of_connection(field.known))
    {
        let name = HeaderName::from_bytes(head.name(field)).map_err(|_| invalid())?;
        let value = bytes.slice(field.value.start as usize..field.value.end as usize);
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| invalid())?;
        fields.try_append(name, value).map_err(|_| invalid())?;
    }
    Ok(fields)
}

fn is_of_connection(known: Known) -> bool {
    matches!(
        known,
        Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade
            | Known::Te
    )
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
