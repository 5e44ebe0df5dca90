//! Any bytes as one packet: what is read is what serde_json reads, and what is written about it can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_packet::{
    Code, Limits, Packet, Request, Setup, Spelling, parse, parse_setup_answer, payload_sha1, write_answer,
    write_error, write_registered,
};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_setup_answer(bytes, &Limits::default());
    let packet = parse(bytes, &Limits::default());
    is_answered_soundly(
        bytes,
        packet.as_ref().map_or_else(|fault| fault.code, |_| Code::Timeout),
    );
    match &packet {
        Ok(Packet::Request(request)) => {
            is_what_serde_reads(request);
            is_written_back(request);
            is_acknowledged(request);
        }
        Ok(Packet::Setup(setup)) => is_registered(setup),
        _ => {}
    }
});

/// An error packet about any bytes is one.
fn is_answered_soundly(bytes: &[u8], code: Code) {
    let spelling = Spelling::of(bytes);
    let mut out = Vec::new();
    write_error(Some(bytes), spelling, code, "a \"detail\"\n", &mut out);
    match parse(&out, &ROOMY) {
        Ok(Packet::Error(error)) => {
            assert_eq!((error.code(), error.detail()), (code.code(), "a \"detail\"\n"));
            assert_eq!(error.spelling(), spelling);
        }
        other => panic!("{other:?}"),
    }
}

fn is_what_serde_reads(request: &Request) {
    let Ok(value) = serde_json::from_slice::<Value>(request.raw()) else {
        return; // A number or a string that it cannot hold, in a field that we do not read.
    };
    assert_eq!(value["payload"], *request.payload());
    let policy = value.get("privPoliId").or(value.get("privPolyId"));
    match policy.expect("it has a policy") {
        Value::String(text) => assert_eq!(text, request.policy()),
        number if request.policy().len() < 16 => assert_eq!(number.to_string(), request.policy()),
        _ => {}
    }
}

fn is_written_back(request: &Request) {
    for spelling in [Spelling::Number, Spelling::Text] {
        let mut out = Vec::new();
        request.write(spelling, &mut out);
        let Ok(Packet::Request(again)) = parse(&out, &ROOMY) else {
            panic!("it cannot be read again");
        };
        assert_eq!(again.spelling(), spelling);
        let facts = |request: &Request| {
            (
                request.policy().to_owned(),
                request.srcid().map(str::to_owned),
                request.payload().to_owned(),
            )
        };
        assert_eq!(facts(&again), facts(request));
        out.clear();
        again.write(request.spelling(), &mut out);
        assert!(out == request.raw() || request.raw().windows(2).any(|pair| pair == b"-0"));
    }
}

fn is_acknowledged(request: &Request) {
    let mut out = Vec::new();
    write_answer(request, "100", &mut out);
    match parse(&out, &ROOMY) {
        Ok(Packet::Ack(ack)) => {
            assert_eq!(
                (ack.destid(), ack.spelling()),
                (request.srcid(), request.spelling())
            );
            assert_eq!(ack.payload(), payload_sha1(request.payload()));
        }
        other => panic!("{other:?}"),
    }
}

fn is_registered(setup: &Setup) {
    assert!(setup.port > 0 && !setup.id.is_empty() && setup.policy.trim() == setup.policy);
    let mut out = Vec::new();
    write_registered(setup, &mut out);
    let answer = parse_setup_answer(&out, &ROOMY).expect("our answer can be read");
    assert_eq!(answer, portreeve_packet::SetupAnswer::Registered);
}

/// What we write about a packet may be a little larger than it.
const ROOMY: Limits = Limits {
    packet_bytes_max: usize::MAX,
    payload_bytes_max: usize::MAX,
    depth_max: usize::MAX,
    fields_max: usize::MAX,
};
