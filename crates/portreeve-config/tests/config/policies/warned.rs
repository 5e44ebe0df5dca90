//! What is sound and yet told.

use crate::sound;

const POOL: &str = "[pool.api]\nbackends = \"a:1\"\n";

fn warnings(source: &str) -> Vec<String> {
    sound(source).warnings()
}

fn opened(lines: &str) -> Vec<String> {
    warnings(&format!(
        "[listener.main]\nbind = \":1\"\nregistration = true\n{POOL}register = true\n[registration]\n{lines}\n"
    ))
}

#[test]
fn registration_without_tokens_from_elsewhere_is_told() {
    let told = opened("networks = [\"127.0.0.1\", \"10.0.0.0/8\", \"::/0\"]\ninsecure = true");
    assert_eq!(
        told,
        [
            "registration.insecure: whoever comes from 10.0.0.0/8, ::/0 may register backends without a token, and so \
             answer requests of any policy"
        ]
    );
    assert_eq!(opened("networks = \"10.0.0.0/8\""), Vec::<String>::new());
    assert_eq!(opened(""), Vec::<String>::new());
}

#[test]
fn a_network_that_is_wider_than_loopback_is_elsewhere() {
    for network in ["127.0.0.0/7", "::/127", "0.0.0.0/0"] {
        let told = opened(&format!("networks = \"{network}\"\ninsecure = true"));
        assert!(
            told[0].contains("may register backends without a token"),
            "{network}"
        );
    }
}

#[test]
fn a_setting_without_effect_is_told() {
    assert!(opened("insecure = true")[0].starts_with("registration.insecure: has no effect"));
    assert_eq!(
        warnings(&format!(
            "[listener.main]\nbind = \":1\"\nregistration = true\n{POOL}"
        )),
        ["listener.main.registration: has no effect, as no pool says register = true"]
    );
    assert_eq!(
        warnings(&format!("{POOL}register = true\n")),
        ["pool.api.register: has no effect, as no listener says registration = true"]
    );
    assert_eq!(warnings(POOL), Vec::<String>::new());
}
