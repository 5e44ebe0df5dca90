use std::fs::File;
use std::process::Command;

use portreeve_testkit::{Message, Origin, answer};

use super::Site;
use crate::real_clients::run::{Outcome, run};
use crate::shared::tool;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";

/// What `openssl s_client` says, which sends one request; `None`: it is not installed.
async fn s_client(site: &Site, arguments: &[&str]) -> Option<Outcome> {
    let mut command = Command::new(tool::find("openssl", "openssl")?);
    command
        .args(["s_client", "-ign_eof", "-verify_return_error", "-CAfile"])
        .arg(site.authority_file())
        .args(["-connect", site.portreeve.address()])
        .args(arguments)
        .stdin(File::open(site.folder.write("request", REQUEST)).expect("it was just written"));
    Some(run(command).await)
}

async fn origin() -> Origin {
    let shown = |request: &Message| {
        let shown = request.field("x-shown").unwrap_or_default();
        answer("200 OK", &format!("served {shown}")).into_bytes()
    };
    Origin::answering(shown).start().await
}

#[tokio::test]
async fn openssl_agrees_on_both_versions() {
    let origin = origin().await;
    let site = Site::before_origin(&origin);
    for (flag, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = ["-servername", "app.test", "-verify_hostname", "app.test", flag];
        let Some(outcome) = s_client(&site, &said).await else {
            return;
        };
        let text = outcome.text();
        assert!(text.contains(&format!("New, {version}, Cipher is ")), "{text}");
        assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
        assert!(text.contains("served "), "{text}");
        assert!(outcome.talk().contains("verify return:1"), "{outcome}");
    }
    site.end();
}

#[tokio::test]
async fn openssl_agrees_on_protocols_and_groups() {
    let origin = origin().await;
    let site = Site::before_origin(&origin);
    for (protocols, agreed) in [
        ("h2,http/1.1", "ALPN protocol: h2"),
        ("http/1.1,h2", "ALPN protocol: "),
        ("http/1.1", "ALPN protocol: http/1.1"),
    ] {
        // One byte too few for a preface of HTTP/2, so that nothing waits: the request itself is not one.
        let Some(outcome) = s_client(&site, &["-servername", "app.test", "-alpn", protocols]).await else {
            return;
        };
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert!(text.contains(agreed), "{outcome}");
    }
    for (group, key) in [
        ("X25519", "X25519, 253 bits"),
        ("P-256", "prime256v1, 256 bits"),
        ("P-384", "secp384r1"),
    ] {
        let said = ["-servername", "app.test", "-groups", group];
        let Some(outcome) = s_client(&site, &said).await else {
            return;
        };
        let text = outcome.text();
        assert!(text.contains("Server Temp Key: ") && text.contains(key), "{text}");
    }
    site.end();
}

#[tokio::test]
async fn openssl_is_refused_an_unknown_name_and_old_versions() {
    let origin = origin().await;
    let site = Site::before_origin(&origin);
    for version in ["-tls1_2", "-tls1_3"] {
        let said = ["-servername", "other.test", version];
        let Some(outcome) = s_client(&site, &said).await else {
            return;
        };
        assert!(!outcome.is_success, "{outcome}");
        assert!(outcome.talk().contains("unrecognized name"), "{outcome}");
    }
    let said = ["-servername", "app.test", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let Some(outcome) = s_client(&site, &said).await else {
        return;
    };
    // It lacks what TLS 1.2 asks for, which is seen before its version.
    assert!(outcome.talk().contains("alert handshake failure"), "{outcome}");
    assert!(origin.requests().await.is_empty());
    site.end();
}

#[tokio::test]
async fn who_names_no_host_is_shown_the_first_certificate() {
    let origin = origin().await;
    let site = Site::before_origin(&origin);
    let Some(outcome) = s_client(&site, &["-noservername"]).await else {
        return;
    };
    assert!(outcome.text().contains("served "), "{outcome}");
    site.end();
}

#[tokio::test]
async fn openssl_resumes_its_session() {
    let origin = origin().await;
    let site = Site::before_origin(&origin);
    for version in ["-tls1_2", "-tls1_3"] {
        let file = site.folder.file("session").display().to_string();
        let first = ["-servername", "app.test", version, "-sess_out", &file];
        let Some(outcome) = s_client(&site, &first).await else {
            return;
        };
        assert!(outcome.text().contains("New, "), "{outcome}");
        let again = ["-servername", "app.test", version, "-sess_in", &file];
        let text = s_client(&site, &again).await.expect("it was there").text();
        assert!(text.contains("Reused, ") && text.contains("served "), "{text}");
    }
    site.end();
}

#[tokio::test]
async fn openssl_shows_a_certificate_or_none_where_both_will_do() {
    let origin = origin().await;
    let site = Site::asking_clients(&origin, "required = false");
    let (certificate, key) = site
        .authority
        .client(&["partner.test"])
        .write(&site.folder, "partner");
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let stranger = portreeve_testkit::Authority::new("somebody else");
    let (other, other_key) = stranger.client(&["partner.test"]).write(&site.folder, "stranger");
    let (other, other_key) = (other.display().to_string(), other_key.display().to_string());
    for version in ["-tls1_2", "-tls1_3"] {
        let base = ["-servername", "app.test", version];
        let said = [&base[..], &["-cert", &certificate, "-key", &key]].concat();
        let Some(outcome) = s_client(&site, &said).await else {
            return;
        };
        assert!(outcome.text().contains("served DNS:partner.test"), "{outcome}");
        let none = s_client(&site, &base).await.expect("it was there").text();
        assert!(
            none.contains("served ") && !none.contains("DNS:partner.test"),
            "{none}"
        );
        let said = [&base[..], &["-cert", &other, "-key", &other_key]].concat();
        let refused = s_client(&site, &said).await.expect("it was there");
        assert!(!refused.to_string().contains("served "), "{refused}");
        assert!(refused.talk().contains("alert"), "{refused}");
    }
    site.end();
}
