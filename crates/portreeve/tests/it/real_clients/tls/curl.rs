use std::process::{Command, Stdio};

use portreeve_testkit::{Message, Origin, answer};

use super::Site;
use crate::real_clients::run::run;
use crate::shared::tool;

/// curl without the user's settings, which trusts the site's authority and finds `app.test` and `other.test` there.
fn curl(site: &Site, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(tool::find("curl", "curl")?);
    command
        .args(["-q", "-sS", "--noproxy", "*", "--max-time", "60", "--cacert"])
        .arg(site.authority_file())
        .args(["--resolve", &format!("app.test:{}:127.0.0.1", site.port())])
        .args(["--resolve", &format!("other.test:{}:127.0.0.1", site.port())])
        .args(arguments)
        .stdin(Stdio::null());
    Some(command)
}

fn url(site: &Site, host: &str, target: &str) -> String {
    format!("https://{host}:{}{target}", site.port())
}

/// Answers with what was asked, how it says that the client came, and the number of body bytes.
fn telling(request: &Message) -> Vec<u8> {
    let proto = request.field("x-forwarded-proto").unwrap_or_default();
    let shown = request.field("x-shown").unwrap_or_default();
    let told = format!("{} {proto} {} {shown}", request.line(), request.body.len());
    answer("200 OK", told.trim_end()).into_bytes()
}

#[tokio::test]
async fn curl_agrees_on_each_version_and_keeps_its_connection() {
    let origin = Origin::answering(telling).start().await;
    let site = Site::before_origin(&origin);
    for (version, spoken) in [
        ("--http1.1", "1.1"),
        ("--http2", "2"),
        ("--http2-prior-knowledge", "2"),
    ] {
        let (one, two) = (url(&site, "app.test", "/1"), url(&site, "app.test", "/2"));
        let said = [
            version,
            "-w",
            " %{http_version} %{num_connects} %{ssl_verify_result}\n",
            &one,
            &two,
        ];
        let Some(curl) = curl(&site, &said) else { return };
        assert_eq!(
            run(curl).await.text(),
            format!("GET /1 HTTP/1.1 https 0 {spoken} 1 0\nGET /2 HTTP/1.1 https 0 {spoken} 0 0\n")
        );
    }
    site.end();
}

#[tokio::test]
async fn curl_uploads_and_downloads_much_within_tls() {
    let origin = Origin::answering(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        answer("200 OK", &body).into_bytes()
    });
    let origin = origin.start().await;
    let site = Site::before_origin(&origin);
    let body: String = (0..400_000).map(|number| format!("{number:07}\n")).collect();
    let file = site.folder.write("body", &body);
    let data = format!("@{}", file.display());
    for version in ["--http1.1", "--http2"] {
        let url = url(&site, "app.test", "/");
        let Some(curl) = curl(&site, &[version, "--data-binary", &data, &url]) else {
            return;
        };
        let got = run(curl).await.text();
        assert!(got == body, "{version}: {} of {} bytes", got.len(), body.len());
    }
    site.end();
}

#[tokio::test]
async fn curl_is_not_shown_a_certificate_for_another_host() {
    let origin = Origin::replying(200, "served").start().await;
    let site = Site::before_origin(&origin);
    let Some(curl) = curl(&site, &[&url(&site, "other.test", "/")]) else {
        return;
    };
    let outcome = run(curl).await;
    assert!(!outcome.is_success, "{outcome}");
    assert!(outcome.talk().contains("unrecognized name"), "{outcome}");
    assert!(origin.requests().await.is_empty());
    site.end();
}

#[tokio::test]
async fn curl_does_not_trust_us_unless_it_knows_our_authority() {
    let origin = Origin::replying(200, "served").start().await;
    let site = Site::before_origin(&origin);
    let Some(mut curl) = curl(&site, &[&url(&site, "app.test", "/")]) else {
        return;
    };
    let strangers = portreeve_testkit::Authority::new("somebody else");
    let file = site.folder.write("strangers.pem", &strangers.pem());
    curl.arg("--cacert").arg(file);
    let outcome = run(curl).await;
    assert!(outcome.talk().contains("curl: (60)"), "{outcome}");
    site.end();
}

#[tokio::test]
async fn curl_is_told_that_a_tls_port_wants_https() {
    let origin = Origin::replying(200, "served").start().await;
    let site = Site::before_origin(&origin);
    let plain = url(&site, "app.test", "/").replace("https:", "http:");
    let Some(program) = curl(&site, &["-w", "%{http_code}", &plain]) else {
        return;
    };
    let text = run(program).await.text();
    assert!(text.contains("plain_http") && text.ends_with("400"), "{text}");
    assert!(text.contains("https://"), "{text}");
    let Some(browser) = curl(&site, &["-H", "Accept: text/html", &plain]) else {
        return;
    };
    let text = run(browser).await.text();
    assert!(text.contains("<h1>400") && text.contains("https://"), "{text}");
    site.end();
}

#[tokio::test]
async fn a_host_that_the_handshake_did_not_name_is_misdirected() {
    let origin = Origin::replying(200, "served").start().await;
    let site = Site::before_origin(&origin);
    for version in ["--http1.1", "--http2"] {
        let url = url(&site, "app.test", "/");
        let said = [version, "-H", "Host: other.test", "-w", "%{http_code}", &url];
        let Some(curl) = curl(&site, &said) else { return };
        let text = run(curl).await.text();
        assert!(text.contains("sni_mismatch") && text.ends_with("421"), "{text}");
    }
    site.end();
}

#[tokio::test]
async fn curl_shows_its_certificate_where_one_is_required() {
    let origin = Origin::answering(telling).start().await;
    let site = Site::asking_clients(&origin, "required = true");
    let leaf = site
        .authority
        .client(&["partner.test", "URI:spiffe://test/partner"]);
    let (certificate, key) = leaf.write(&site.folder, "partner");
    for version in ["--http1.1", "--http2"] {
        let url = url(&site, "app.test", "/");
        let Some(mut showing) = curl(&site, &[version, "-H", "x-shown: DNS:forged.test", &url]) else {
            return;
        };
        showing.arg("--cert").arg(&certificate).arg("--key").arg(&key);
        assert_eq!(
            run(showing).await.text(),
            "GET / HTTP/1.1 https 0 DNS:partner.test, URI:spiffe://test/partner"
        );
        let Some(silent) = curl(&site, &[version, &url]) else {
            return;
        };
        let outcome = run(silent).await;
        assert!(!outcome.is_success, "{outcome}");
    }
    assert_eq!(origin.requests().await.len(), 2);
    site.end();
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_reload() {
    let origin = Origin::replying(200, "served").start().await;
    let site = Site::before_origin(&origin);
    site.folder.replace("app.pem", "half a file");
    let url = url(&site, "app.test", "/");
    let Some(old) = curl(&site, &[&url]) else { return };
    assert_eq!(run(old).await.text(), "served");
    let other = portreeve_testkit::Authority::new("the next one");
    other.server(&["app.test"]).write(&site.folder, "app");
    site.folder.replace("ca.pem", &other.pem());
    let begun = std::time::Instant::now();
    loop {
        let Some(fresh) = curl(&site, &[&url]) else { return };
        let outcome = run(fresh).await;
        if outcome.is_success {
            break assert_eq!(outcome.text(), "served");
        }
        assert!(begun.elapsed().as_secs() < 20, "{outcome}");
    }
    site.end();
}
