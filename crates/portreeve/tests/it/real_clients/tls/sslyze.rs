use std::process::Command;

use portreeve_testkit::Origin;
use serde_json::Value;

use super::Site;
use crate::real_clients::run::run;
use crate::shared::tool;

/// What sslyze finds out about the site.
async fn scan(site: &Site) -> Option<Value> {
    let file = site.folder.file("scan.json");
    let mut sslyze = Command::new(tool::python_with("sslyze")?);
    sslyze
        .args(["-I", "-B", "-m", "sslyze", "--quiet", "--sni", "app.test"])
        .args(["--mozilla_config", "intermediate", "--json_out"])
        .arg(&file)
        .arg(site.portreeve.address());
    // How it ends says whether Mozilla would be content with the certificate too, which is of no authority that it knows.
    let outcome = run(sslyze).await;
    let text = site.folder.read("scan.json");
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {outcome}")))
}

/// How many ciphers of this version are taken.
fn ciphers(result: &Value, version: &str) -> usize {
    let accepted = &result[format!("{version}_cipher_suites")]["result"]["accepted_cipher_suites"];
    accepted.as_array().map_or(usize::MAX, Vec::len)
}

#[tokio::test]
async fn sslyze_finds_nothing_to_object_to() {
    let origin = Origin::replying(200, "hello").start().await;
    let site = Site::before_origin(&origin);
    let Some(scan) = scan(&site).await else { return };
    let result = &scan["server_scan_results"][0]["scan_result"];
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        assert_eq!(ciphers(result, old), 0, "{old}: {result}");
    }
    for new in ["tls_1_2", "tls_1_3"] {
        assert!((1..50).contains(&ciphers(result, new)), "{new}: {result}");
    }
    for (scan, key) in [
        ("heartbleed", "is_vulnerable_to_heartbleed"),
        ("openssl_ccs_injection", "is_vulnerable_to_ccs_injection"),
        ("tls_compression", "supports_compression"),
        (
            "session_renegotiation",
            "is_vulnerable_to_client_renegotiation_dos",
        ),
    ] {
        assert_eq!(result[scan]["result"][key], false, "{scan}: {}", result[scan]);
    }
    let robot = &result["robot"]["result"]["robot_result"];
    assert!(
        robot
            .as_str()
            .is_some_and(|told| told.starts_with("NOT_VULNERABLE")),
        "{robot}"
    );
    site.end();
}
