use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use portreeve_packet::{Limits, Packet, Request, parse};

use crate::failure::Failure;

/// The request that a file holds, `-` is stdin.
///
/// # Errors
/// When it cannot be read or is no request. A payload that is too long is none of them: the proxy says so.
pub(super) fn read(file: &Path) -> Result<Request, Failure> {
    let name = if file == Path::new("-") {
        "stdin".to_owned()
    } else {
        file.display().to_string()
    };
    let failed = |reason: String| Failure::failed(format_args!("{name}: {reason}"));
    let bytes = bytes(file).map_err(|error| failed(format!("cannot be read: {error}")))?;
    match parse(&bytes, &LIMITS) {
        Ok(Packet::Request(request)) => Ok(request),
        Ok(_) => Err(failed(
            "holds another packet than a request, which is of type 0".to_owned(),
        )),
        Err(fault) => Err(failed(fault.to_string())),
    }
}

/// One byte more than is allowed, if there are more.
fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    let source: &mut dyn Read = if file == Path::new("-") {
        &mut io::stdin().lock()
    } else {
        &mut File::open(file)?
    };
    let mut bytes = Vec::new();
    source.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Larger than what any proxy takes, so that it is asked.
const LIMITS: Limits = Limits {
    packet_bytes_max: FILE_BYTES_MAX,
    payload_bytes_max: FILE_BYTES_MAX,
    depth_max: 1024,
    fields_max: 65_536,
};

const FILE_BYTES_MAX: usize = 16 << 20;
