use super::*;

/// As versions wrote it that knew no tokens for certificates.
const BEFORE: &str = r#"{"token":{"id":"a1","sha256":"SHA","pools":["api"],"policies":null,"networks":[{"address":"10.0.0.0","prefix":8}],"weight_max":7,"ttl_max_ms":9000,"expires_unix_ms":null,"created_unix_ms":3}}"#;

fn before() -> String {
    BEFORE.replace("SHA", &"0a".repeat(32))
}

fn token(entry: Entry) -> KeptToken {
    match entry {
        Entry::Token(kept) => kept,
        other => panic!("no token: {other:?}"),
    }
}

#[test]
fn a_token_of_an_older_version_is_read_and_written_as_it_was() {
    let entry = read(before().as_bytes()).unwrap();
    assert_eq!(String::from_utf8(write(&entry)).unwrap(), before());
    let kept = token(entry);
    assert_eq!(kept.digest, Digest::from_hex(&"0a".repeat(32)));
    assert_eq!((&*kept.token.id, &kept.token.certificate), ("a1", &None));
}

#[test]
fn a_token_for_a_certificate_is_kept_with_its_name_and_no_digest() {
    for name in [
        "URI:spiffe://a/eu/*",
        "DNS:*.a.test",
        "email:a@b.test",
        "IP:10.0.0.7",
    ] {
        let kept = token(read(before().as_bytes()).unwrap());
        let entry = Entry::Token(KeptToken {
            token: Arc::new(Token {
                certificate: Some(name.parse().unwrap()),
                ..Token::clone(&kept.token)
            }),
            digest: None,
            ..kept
        });
        let bytes = write(&entry);
        assert!(!String::from_utf8_lossy(&bytes).contains("sha256"));
        assert_eq!(read(&bytes).unwrap(), entry, "{name}");
    }
}

#[test]
fn a_token_that_is_for_nobody_or_for_both_is_damaged() {
    let nobody = before().replace(&format!("\"sha256\":\"{}\",", "0a".repeat(32)), "");
    let both = before().replace("\"pools\"", "\"certificate\":\"DNS:a.test\",\"pools\"");
    for damaged in [nobody, both] {
        let reason = read(damaged.as_bytes()).unwrap_err();
        assert_eq!(reason, "a token has either sha256 or certificate");
    }
    let unreadable = before()
        .replace("\"sha256\"", "\"certificate\"")
        .replace(&"0a".repeat(32), "nobody");
    let reason = read(unreadable.as_bytes()).unwrap_err();
    assert!(
        reason.starts_with("certificate: a certificate's name such as"),
        "{reason}"
    );
}
