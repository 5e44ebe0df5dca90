use std::path::PathBuf;
use std::time::Duration;

use portreeve_config::{Config, parse, print, read};
use portreeve_model::plan::{
    AcmeChallenge, Carries, ListenerPlan, PolicySource, SanPattern, Scheme, TlsPlan, TlsVersion,
};

use crate::sound;

const API: &str = "[pool.api]\nbackends = \"a:1\"\n";

fn listener(lines: &str) -> ListenerPlan {
    sound(&format!("[listener.web]\nbind = \":443\"\n{lines}\n{API}"))
        .plan
        .listeners
        .remove(0)
}

fn tls(lines: &str) -> TlsPlan {
    listener(&format!("[listener.web.tls]\n{lines}"))
        .tls
        .expect("TLS")
}

/// The schemes of the pool and of its backends.
fn schemes(pool: &str) -> (Scheme, Vec<Scheme>) {
    let config = sound(&format!("[pool.api]\n{pool}\n"));
    let pool = &config.plan.pools[0];
    (
        pool.scheme,
        pool.targets.iter().map(|target| target.scheme).collect(),
    )
}

fn again(config: &Config) {
    assert_eq!(parse(&print(config)).as_ref(), Ok(config), "{}", print(config));
}

#[test]
fn a_certificate_and_its_key_are_enough_for_tls() {
    let plan = tls("certificate = \"a.pem\"\nkey = \"a.key\"");
    assert_eq!(plan.certificates.len(), 1);
    assert_eq!(plan.certificates[0].key, PathBuf::from("a.key"));
    let rest = TlsPlan {
        certificates: Vec::new(),
        ..plan
    };
    assert_eq!(rest, TlsPlan::default());
    assert_eq!(listener("tls = false").tls, None);
}

#[test]
fn everything_of_tls_can_be_said() {
    let plan = tls(
        "certificates = [{ certificate = \"a\", key = \"b\", ocsp = \"c\" }, { certificate = \"d\", key = \"e\" }]\n\
         domains = \"Shop.Example.com\"\nmin_version = \"1.3\"\nunknown_names = \"first\"\nhandshake_timeout = \"3s\"\n\
         handshakes_max = 5\nhandshake_share = \"20%\"\nticket_lifetime = \"0s\"\n\
         clients = { authorities = \"ca\", revoked = \"crl\", required = false, header = \"off\" }",
    );
    assert_eq!(plan.certificates.len(), 2);
    assert_eq!(plan.domains, ["shop.example.com"]);
    assert_eq!(plan.version_min, TlsVersion::Tls13);
    assert!(!plan.requires_known_name);
    assert_eq!(
        (plan.handshake_timeout, plan.handshakes_max, plan.handshake_share),
        (Duration::from_secs(3), 5, 20)
    );
    assert_eq!(plan.ticket_lifetime, Duration::ZERO);
    let clients = plan.clients.expect("clients");
    assert_eq!(clients.revoked, [PathBuf::from("crl")]);
    assert_eq!((clients.is_required, clients.header), (false, None));
}

#[test]
fn files_lie_in_the_folder_of_the_file_that_names_them() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("edge");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("portreeve.toml");
    let text = format!(
        "[listener.web]\nbind = \":443\"\ntls = {{ certificate = \"a.pem\", key = \"/k/a.key\" }}\n{API}"
    );
    std::fs::write(&file, text).unwrap();
    let config = read(&file).unwrap();
    let certificate = &config.plan.listeners[0].tls.as_ref().expect("TLS").certificates[0];
    assert_eq!(certificate.certificate, folder.join("a.pem"));
    assert_eq!(certificate.key, PathBuf::from("/k/a.key"));
    again(&config);
}

#[test]
fn backends_say_what_is_spoken_with_them() {
    use Scheme::{H2, H2c, Http, Https, Tcp, Tls};
    assert_eq!(schemes("backends = \"a:1\""), (Http, vec![Http]));
    assert_eq!(
        schemes("backends = [\"https://a\", \"HTTPS://b:2/\"]"),
        (Https, vec![Https, Https])
    );
    assert_eq!(
        schemes("backends = [\"h2c://a\", \"h2://b\", \"c:1\"]"),
        (Http, vec![H2c, H2, Http])
    );
    assert_eq!(
        schemes("scheme = \"h2c\"\nbackends = [\"a:1\", \"http://b\", \"unix:/s\"]"),
        (H2c, vec![H2c, Http, H2c])
    );
    assert_eq!(
        schemes("scheme = \"http\"\nbackends = \"https://a\""),
        (Http, vec![Https])
    );
    assert_eq!(
        schemes(
            "backends = [\"tcp://db:5432\", \"tls://db2:5432\", \"tcp://unix:/run/db\"]\nscheme = \"tcp\""
        ),
        (Tcp, vec![Tcp, Tls, Tcp])
    );
}

#[test]
fn a_scheme_of_http_has_a_port_of_its_own() {
    let config = sound("[pool.api]\nbackends = [\"https://a\", \"h2://[::1]\", \"h2c://b\"]\n");
    let printed = print(&config);
    assert!(
        printed.contains("[\"https://a:443\", \"h2://[::1]:443\", \"h2c://b:80\"]"),
        "{printed}"
    );
    again(&config);
}

#[test]
fn routes_without_listeners_serve_those_that_carry_what_their_pool_serves() {
    let config = sound(
        "[listener.web]\nbind = \":80\"\n[listener.db]\nbind = \":5432\"\ncarries = \"tcp\"\n\
         [route.web]\npool = \"api\"\n[route.db]\npool = \"db\"\nhost = \"db.example.com\"\nclients = \"10.0.0.0/8\"\n\
         [pool.api]\nbackends = \"a:1\"\n[pool.db]\nbackends = \"tcp://d:5432\"\nsend_proxy_protocol = 2\n",
    );
    let named = |nth: usize| &config.plan.routes[nth].listeners;
    assert_eq!(named(0).iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["web"]);
    assert_eq!(named(1).iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["db"]);
    assert_eq!(config.plan.pools[1].proxy_protocol, Some(2));
    again(&config);
}

#[test]
fn a_pool_of_connections_alone_is_carried_by_the_implied_listener() {
    let config = sound("[pool.db]\nbackends = \"tcp://d:5432\"\n");
    assert_eq!(config.plan.listeners[0].carries, Carries::Tcp);
    assert_eq!(config.plan.routes[0].pool.as_ref(), "db");
    again(&config);
}

#[test]
fn one_word_redirects_to_https() {
    let plan = listener("redirect_to_https = true").redirect.expect("a redirect");
    assert_eq!((plan.to, plan.status), (None, 308));
    assert_eq!(listener("redirect_to_https = false").redirect, None);
    let config = sound(&format!(
        "[listener.web]\nbind = \":80\"\nredirect_to_https = \"secure\"\n\
         [listener.secure]\nbind = \":8443\"\ntls = {{ domains = \"a.example.com\" }}\n{API}"
    ));
    let plan = config.plan.listeners[0].redirect.clone().expect("a redirect");
    assert_eq!(plan.to.as_deref(), Some("secure"));
    again(&config);
}

#[test]
fn domains_imply_how_certificates_are_had() {
    let secure = "[listener.web]\nbind = \":443\"\ntls = { domains = \"a.example.com\" }\n";
    let acme = |section: &str| sound(&format!("{secure}{section}{API}")).plan.acme.expect("ACME");
    assert!(acme("").directory.contains("letsencrypt"));
    let own = acme(
        "[acme]\ndirectory = \"https://ca.test/dir\"\ncontacts = [\"ops@a.test\", \"mailto:b@a.test\"]\n\
         challenge = \"tls-alpn-01\"\nrenew_at = \"50%\"\nexternal_account = { key_id = \"k\", key = \"f\" }\n",
    );
    assert_eq!(own.contacts, ["mailto:ops@a.test", "mailto:b@a.test"]);
    assert_eq!((own.challenge, own.renew_at), (AcmeChallenge::TlsAlpn01, 50));
    assert_eq!(own.external_account, Some(("k".to_owned(), PathBuf::from("f"))));
    assert_eq!(sound(API).plan.acme, None);
}

#[test]
fn certificates_name_policies() {
    let config = sound(
        "[listener.web]\nbind = \":443\"\n\
         tls = { certificate = \"a\", key = \"b\", clients = { authorities = \"c\" } }\n\
         [route.api]\npool = \"api\"\n\
         policy = { certificate = { \"DNS:*.example.com\" = \"eu\", \"URI:spiffe://a/b\" = [\"eu\", \"us\"] } }\n\
         [pool.api]\nbackends = \"a:1\"\npolicies = [\"eu\", \"us\"]\n",
    );
    let PolicySource::Certificate(names) = &config.plan.routes[0].demands[0].from else {
        panic!("{:?}", config.plan.routes[0].demands);
    };
    assert_eq!(names[0].0, SanPattern::Open("DNS:.example.com".to_owned()));
    assert_eq!(names[1].0, SanPattern::Exact("URI:spiffe://a/b".to_owned()));
    assert_eq!(names[1].1.len(), 2);
    again(&config);
}

#[test]
fn http2_can_be_bounded_or_left_out() {
    assert!(listener("").http2.is_on);
    assert!(!listener("http2 = false").http2.is_on);
    let plan =
        listener("http2 = { streams_max = 5, connection_window = \"64KiB\", idle_timeout = \"1m\" }").http2;
    assert_eq!((plan.streams_max, plan.stream_window), (5, 65_536));
    assert_eq!(plan.idle_timeout, Some(Duration::from_secs(60)));
}
