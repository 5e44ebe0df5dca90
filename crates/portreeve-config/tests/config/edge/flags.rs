use std::path::PathBuf;

use portreeve_config::{Config, Flags, from_flags, parse, print};

use crate::sound;

fn to(backends: &str) -> Flags {
    Flags {
        to: vec![backends.to_owned()],
        ..Flags::default()
    }
}

fn secured(flags: Flags) -> Flags {
    Flags {
        tls_cert: vec![PathBuf::from("/c/a.pem")],
        tls_key: vec![PathBuf::from("/c/a.key")],
        ..flags
    }
}

fn meant(flags: &Flags) -> Config {
    let config = from_flags(flags).unwrap();
    assert_eq!(parse(&print(&config)).as_ref(), Ok(&config), "{}", print(&config));
    config
}

fn told(flags: &Flags) -> String {
    from_flags(flags).unwrap_err().to_string()
}

#[test]
fn a_certificate_and_its_key_make_every_listener_speak_tls() {
    let flags = Flags {
        listen: vec!["127.0.0.1:8443".to_owned()],
        ..secured(to("https://a,h2c://b,h2://c,http://d"))
    };
    let file = sound(
        "[listener.listen]\nbind = \"127.0.0.1:8443\"\ntls = { certificate = \"/c/a.pem\", key = \"/c/a.key\" }\n\
         [pool.default]\nbackends = [\"https://a\", \"h2c://b\", \"h2://c\", \"http://d\"]\n",
    );
    assert_eq!(meant(&flags), file);
}

#[test]
fn a_domain_is_enough_for_https() {
    let flags = Flags {
        domain: vec!["example.com,www.example.com".to_owned()],
        ..to("a:1")
    };
    let file = sound(
        "[listener.listen]\nbind = \":443\"\ntls = { domains = [\"example.com\", \"www.example.com\"] }\n\
         [listener.redirect]\nbind = \":80\"\nredirect_to_https = true\n[pool.default]\nbackends = \"a:1\"\n",
    );
    assert_eq!(meant(&flags), file);
    assert_eq!(file.warnings(), Vec::<String>::new());
}

#[test]
fn domains_can_be_certified_by_another_authority() {
    let flags = Flags {
        domain: vec!["app.test".to_owned()],
        acme_directory: Some("https://ca.test/dir".to_owned()),
        acme_authorities: Some(PathBuf::from("/c/ca.pem")),
        ..to("a:1")
    };
    let acme = meant(&flags).plan.acme.expect("it is said");
    assert_eq!(acme.directory, "https://ca.test/dir");
    assert_eq!(acme.authorities, Some(PathBuf::from("/c/ca.pem")));

    let plain = Flags {
        acme_directory: Some("http://ca.test/dir".to_owned()),
        ..flags
    };
    assert!(told(&plain).contains("--acme-directory: found \"http://ca.test/dir\""));
    let pointless = Flags {
        acme_authorities: Some(PathBuf::from("/c/ca.pem")),
        ..secured(to("a:1"))
    };
    assert!(told(&pointless).contains("--acme-authorities: found no --domain"));
}

#[test]
fn a_redirect_names_the_port_that_is_not_the_usual_one() {
    let flags = Flags {
        listen: vec![":8443".to_owned()],
        redirect: vec![":8080".to_owned()],
        ..secured(to("a:1"))
    };
    let config = meant(&flags);
    let plan = config.plan.listeners[1].redirect.clone().expect("a redirect");
    assert_eq!(plan.to.as_deref(), Some("listen"));
}

#[test]
fn connections_are_carried_to_backends_that_take_them() {
    let file = sound(
        "[listener.listen]\nbind = \":8080\"\ncarries = \"tcp\"\n[pool.default]\n\
         backends = [\"tcp://a:1\", \"tls://b:2\"]\n",
    );
    assert_eq!(meant(&to("tcp://a:1,tls://b:2")), file);
    assert_eq!(meant(&secured(to("tcp://a:1"))).plan.listeners.len(), 1);
}

#[test]
fn flags_that_do_not_go_together_are_told() {
    assert!(told(&to("tcp://a:1,b:2")).contains("--to: found connections beside requests"));
    let redirect = |flags| Flags {
        redirect: vec![":80".to_owned()],
        ..flags
    };
    assert!(
        told(&redirect(to("a:1")))
            .contains("--redirect: found \":80\"; allowed such a flag beside --tls-cert")
    );
    assert!(told(&redirect(secured(to("tcp://a:1")))).contains("--redirect"));
    let unpaired = Flags {
        tls_key: Vec::new(),
        ..secured(to("a:1"))
    };
    assert!(told(&unpaired).contains("--tls-key: found 0 beside 1 of --tls-cert"));
    let sticky = Flags {
        sticky: true,
        ..to("tcp://a:1")
    };
    assert!(told(&sticky).contains("found a cookie; allowed no such thing"));
    let domain = Flags {
        domain: vec!["*.a.test".to_owned()],
        ..to("a:1")
    };
    assert!(told(&domain).contains("--domain: found \"*.a.test\""));
}
