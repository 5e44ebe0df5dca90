//! `portreeve packets`: packet files.

mod arguments;
mod sample;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portreeve_packet::{Limits, parse, write_request};

use crate::failure::Failure;
use crate::output;

pub(crate) use arguments::{GenerateArguments, PacketsCommand};

/// Writes packet files and prints their paths.
pub(crate) fn packets(command: &PacketsCommand) -> Result<ExitCode, Failure> {
    match command {
        PacketsCommand::Generate(arguments) => generate(arguments),
    }
}

fn generate(arguments: &GenerateArguments) -> Result<ExitCode, Failure> {
    let packets = packets_for(arguments)?;
    fs::create_dir_all(&arguments.out).map_err(|error| cannot_write(&arguments.out, &error))?;
    let mut paths = Vec::with_capacity(packets.len());
    for (name, packet) in packets {
        let path = arguments.out.join(name);
        fs::write(&path, packet).map_err(|error| cannot_write(&path, &error))?;
        paths.push(path);
    }
    output::print(&listing(&paths))
}

/// Names and contents of the files: one for each client, which asks for the policies in turn.
fn packets_for(arguments: &GenerateArguments) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let digits = arguments.clients.to_string().len();
    let policies = arguments.policies.iter().cycle();
    let clients = (1..=arguments.clients).zip(policies);
    clients
        .map(|(client, policy)| {
            let packet = request(client, policy, arguments.payload_bytes)?;
            Ok((format!("client-{client:0digits$}.json"), packet))
        })
        .collect()
}

/// The packet and a line break, which no peer minds.
fn request(client: u32, policy: &str, payload_bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut packet = Vec::new();
    let payload = sample::payload(client, policy, payload_bytes);
    write_request(&client.to_string(), policy, &payload, &mut packet);
    let limits = Limits {
        payload_bytes_max: usize::MAX,
        packet_bytes_max: usize::MAX,
        ..Limits::default()
    };
    parse(&packet, &limits)
        .map_err(|fault| Failure::usage(fault.detail.replacen("privPoliId", "--policies", 1)))?;
    packet.push(b'\n');
    Ok(packet)
}

fn listing(paths: &[PathBuf]) -> String {
    let lines = paths.iter().map(|path| format!("{}\n", path.display()));
    lines.collect()
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format_args!("{}: cannot be written: {error}", path.display()))
}
