use crate::sound;

fn warnings(source: &str) -> Vec<String> {
    sound(source).warnings()
}

#[test]
fn backends_that_anybody_can_play_are_warned_of_by_name() {
    let told = warnings("[pool.api]\nbackends = \"https://a\"\ntls = { insecure = true }\n");
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("pool.api.tls.insecure: any certificate is taken"),
        "{told:?}"
    );
}

#[test]
fn certificates_that_nobody_could_ask_for_are_warned_of() {
    let api = "[pool.api]\nbackends = \"a:1\"\n";
    let with = |bind: &str, rest: &str| {
        format!("[listener.web]\nbind = \"{bind}\"\ntls = {{ domains = \"a.test\" }}\n{rest}{api}")
    };
    let told = warnings(&with(":8443", ""));
    assert!(
        told[0].starts_with("listener.web.tls.domains: the authority asks on port 443 or 80"),
        "{told:?}"
    );
    let nothing: [&str; 0] = [];
    assert_eq!(warnings(&with(":443", "")), nothing);
    let plain = "[listener.plain]\nbind = \":80\"\nredirect_to_https = \"web\"\n";
    assert_eq!(warnings(&with(":8443", plain)), nothing);
    assert_eq!(
        warnings(&format!("[acme]\n{api}")),
        ["acme: has no effect, as no listener has tls.domains"]
    );
}
