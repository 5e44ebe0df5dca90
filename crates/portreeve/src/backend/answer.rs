use portreeve_packet::{Code, Fault, Limits, Packet, Request, Spelling, parse, write_answer, write_error};

use super::arguments::BackendArguments;

/// Who answers, and for which policies.
#[derive(Debug)]
pub(super) struct Identity {
    id: String,
    policies: Vec<String>,
}

impl Identity {
    pub(super) fn new(arguments: &BackendArguments) -> Self {
        Self {
            id: arguments.id.clone(),
            policies: arguments.policy.clone(),
        }
    }

    /// Appends the answer to one packet; returns whether it is the acknowledgement of a request.
    pub(super) fn answer(&self, packet: &[u8], limits: &Limits, out: &mut Vec<u8>) -> bool {
        match parse(packet, limits).and_then(|packet| self.judge(packet)) {
            Ok(request) => {
                write_answer(&request, &self.id, out);
                true
            }
            Err(fault) => {
                refuse(packet, &fault, out);
                false
            }
        }
    }

    /// A proxy sends nothing else than requests of policies that we uphold; should one err, it does not matter.
    fn judge(&self, packet: Packet) -> Result<Request, Fault> {
        match packet {
            Packet::Request(request) if self.upholds(request.policy()) => Ok(request),
            Packet::Request(request) => Err(Fault {
                code: Code::UnknownPolicy,
                detail: format!(
                    "this server upholds {}; found {}",
                    self.policies.join(", "),
                    request.policy()
                ),
            }),
            _ => Err(Fault {
                code: Code::BadPacket,
                detail: "type: a server takes only requests, which are of type 0".to_owned(),
            }),
        }
    }

    fn upholds(&self, policy: &str) -> bool {
        self.policies.iter().any(|upheld| upheld == policy)
    }
}

/// Appends the error packet for what cannot be answered.
pub(super) fn refuse(packet: &[u8], fault: &Fault, out: &mut Vec<u8>) {
    write_error(Some(packet), Spelling::of(packet), fault.code, &fault.detail, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(packet: &str) -> String {
        let identity = Identity {
            id: "100".to_owned(),
            policies: vec!["111".to_owned(), "PP_1".to_owned()],
        };
        let mut out = Vec::new();
        identity.answer(packet.as_bytes(), &Limits::default(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_of_any_of_its_policies_is_acknowledged() {
        for policy in ["111", "\"111\"", "\"PP_1\""] {
            let text = answer(&format!(
                r#"{{"type":0,"srcid":5,"privPoliId":{policy},"payload":"abc"}}"#
            ));
            assert!(
                text.contains("a9993e364706816aba3e25717850c26c9cd0d89d"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_policy_that_it_does_not_uphold_is_not_served() {
        let text = answer(r#"{"type":"0","privPoliId":"222","payload":"abc"}"#);
        assert!(
            text.contains(r#""type": "-1""#) && text.contains("unknown_policy"),
            "{text}"
        );
    }

    #[test]
    fn a_setup_is_no_request() {
        let text = answer(r#"{"type":1,"id":1,"privPolyId":111,"listenport":2}"#);
        assert!(text.contains("bad_packet"), "{text}");
    }
}
