//! What a certificate of a peer says: the names that it is for, and how long it counts.

use std::net::IpAddr;
use std::time::SystemTime;

use portreeve_model::ShownCertificate;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::certificate::moment;

/// Who has shown a certificate, as it says, and until when it says so. Of one that cannot be read: nobody, and it is
/// over.
#[must_use]
pub fn shown_by(certificate: &CertificateDer<'_>) -> ShownCertificate {
    let parsed = X509Certificate::from_der(certificate).ok();
    let (names, until) = parsed.map_or_else(Default::default, |(_, parsed)| {
        (names_in(&parsed), parsed.validity().not_after.timestamp())
    });
    ShownCertificate {
        names: names.into(),
        until_unix_ms: u64::try_from(until).unwrap_or(0).saturating_mul(1_000),
    }
}

/// The names (SAN, RFC 5280 section 4.2.1.6) of a certificate, each with its kind: `DNS:a.example.com`,
/// `URI:spiffe://example.com/api`, `email:ops@example.com`, `IP:10.0.0.7`; hosts in lower case, in the certificate's
/// order. A name that is not visible ASCII, or has a comma in it, is left out, since it could be taken for several
/// where names are listed; so are kinds other than these.
pub(crate) fn names_in(certificate: &X509Certificate<'_>) -> Vec<Box<str>> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    names.value.general_names.iter().filter_map(spelled).collect()
}

/// The last moment at which a certificate counts (`notAfter`, RFC 5280 section 4.1.2.5); `None` if it cannot be read.
#[must_use]
pub fn end_of(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(moment(parsed.validity().not_after))
}

/// The hosts that it is for, in lower case, `*.example.com` among them; the subject's common name where there are none.
pub(crate) fn hosts_in(certificate: &X509Certificate<'_>) -> Vec<Box<str>> {
    let names = names_in(certificate);
    let hosts: Vec<Box<str>> = names
        .iter()
        .filter_map(|name| name.strip_prefix("DNS:"))
        .map(Box::from)
        .collect();
    if hosts.is_empty() {
        return common_name(certificate).into_iter().collect();
    }
    hosts
}

fn common_name(certificate: &X509Certificate<'_>) -> Option<Box<str>> {
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    is_plain(name).then(|| name.to_ascii_lowercase().into())
}

fn spelled(name: &GeneralName<'_>) -> Option<Box<str>> {
    let (kind, text) = match name {
        GeneralName::DNSName(host) => ("DNS", host.to_ascii_lowercase()),
        GeneralName::URI(uri) => ("URI", (*uri).to_owned()),
        GeneralName::RFC822Name(address) => ("email", (*address).to_owned()),
        GeneralName::IPAddress(bytes) => ("IP", address(bytes)?.to_string()),
        _ => return None,
    };
    is_plain(&text).then(|| format!("{kind}:{text}").into())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rcgen::SanType;

    use super::*;
    use crate::testing::Authority;

    fn names_of(certificate: &CertificateDer<'_>) -> Vec<Box<str>> {
        shown_by(certificate).names.into()
    }

    #[test]
    fn names_are_told_with_their_kind() {
        let text = |name: &str| name.try_into().unwrap();
        let leaf = Authority::new().client(vec![
            SanType::DnsName(text("A.Test")),
            SanType::URI(text("spiffe://test/A")),
            SanType::Rfc822Name(text("ops@a.test")),
            SanType::IpAddress(IpAddr::from([10, 0, 0, 7])),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
        ]);
        let names = names_of(&leaf.der);
        let wanted = [
            "DNS:a.test",
            "URI:spiffe://test/A",
            "email:ops@a.test",
            "IP:10.0.0.7",
            "IP:2001:db8::1",
        ];
        assert_eq!(names, wanted.map(Box::from));
    }

    #[test]
    fn a_name_that_could_be_taken_for_several_is_left_out() {
        let text = |name: &str| name.try_into().unwrap();
        let leaf = Authority::new().client(vec![
            SanType::URI(text("spiffe://test/a,DNS:admin.test")),
            SanType::URI(text("spiffe://test/a\r\nx-admin: yes")),
            SanType::DnsName(text("a b.test")),
            SanType::DnsName(text("good.test")),
        ]);
        assert_eq!(names_of(&leaf.der), ["DNS:good.test".into()]);
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        assert!(names_of(&CertificateDer::from(vec![0x30, 0x80, 1, 2])).is_empty());
        assert!(names_of(&CertificateDer::from(Vec::new())).is_empty());
        assert_eq!(
            shown_by(&CertificateDer::from(vec![0x30, 0x80, 1, 2])).until_unix_ms,
            0
        );
    }

    #[test]
    fn a_certificate_is_shown_with_its_end() {
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(2040, 1, 2);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        assert_eq!(shown_by(made.der()).until_unix_ms, 2_209_075_200_000);
    }
}
