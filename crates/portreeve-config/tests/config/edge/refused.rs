use crate::{fault, faults};

const API: &str = "[pool.api]\nbackends = \"a:1\"\n";
const SECURE: &str = "[listener.secure]\nbind = \":8443\"\ntls = { certificate = \"c\", key = \"k\" }\n";
const DB: &str = "[listener.db]\nbind = \":5432\"\ncarries = \"tcp\"\n";

/// Each file has one fault, with these words in it.
fn each_is_told(cases: &[(String, &str)]) {
    for (source, words) in cases {
        let told = fault(source).to_string();
        assert!(told.contains(words), "{source}\n{told}");
    }
}

fn web(lines: &str) -> String {
    format!("[listener.web]\nbind = \":80\"\n{lines}\n{API}")
}

fn pool(lines: &str) -> String {
    format!("[pool.api]\n{lines}\n")
}

#[test]
fn tls_without_anything_to_show_is_told() {
    each_is_told(&[
        (
            web("tls = true"),
            "found true; allowed false, or a section [listener.web.tls] with certificate",
        ),
        (
            web("tls = {}"),
            "listener.web.tls: found nothing; allowed certificate and key, certificates, or domains",
        ),
        (
            web("tls = { certificate = \"a\" }"),
            "listener.web.tls.key: found nothing",
        ),
        (
            web("tls = { key = \"a\" }"),
            "listener.web.tls.certificate: found nothing",
        ),
        (
            web("tls = { domains = \"a.test\", ocsp = \"o\" }"),
            "beside certificate only",
        ),
        (
            web(
                "tls = { certificate = \"a\", key = \"b\", certificates = [{ certificate = \"c\", key = \"d\" }] }",
            ),
            "one of the two",
        ),
        (
            web(
                "tls = { certificates = [{ certificate = \"c\", key = \"d\" }, { certificate = \"c\", key = \"d\" }] }",
            ),
            "each once",
        ),
        (
            web("tls = { certificate = \"a\", key = \"b\", clients = {} }"),
            "listener.web.tls.clients.authorities: found nothing",
        ),
        (
            web("tls = { certificate = \"a\", key = \"b\", min_version = \"1.1\" }"),
            "older ones are not safe",
        ),
    ]);
}

#[test]
fn a_domain_that_no_certificate_can_be_had_for_is_told() {
    each_is_told(&[
        (web("tls = { domains = \"*.a.test\" }"), "by DNS alone"),
        (web("tls = { domains = \"10.0.0.7\" }"), "allowed a host's name"),
        (web("tls = { domains = \"a.test:443\" }"), "without their port"),
        (
            format!(
                "[acme]\nchallenge = \"http-01\"\n{}",
                web("tls = { domains = \"a.test\" }")
            ),
            "a listener without tls beside it, or another acme.challenge",
        ),
        (
            format!("[acme]\nchallenge = \"dns-01\"\n{API}"),
            "records of DNS are not written here",
        ),
        (
            format!("[acme]\ndirectory = \"http://ca.test\"\n{API}"),
            "the URL of an authority's directory",
        ),
        (format!("[acme]\ncontacts = \"ops\"\n{API}"), "an address of mail"),
    ]);
}

#[test]
fn a_redirect_that_leads_nowhere_or_stands_in_the_way_is_told() {
    each_is_told(&[
        (web("redirect_to_https = \"wbe\""), "perhaps \"web\""),
        (
            web("redirect_to_https = \"web\""),
            "a listener with tls that carries http",
        ),
        (
            web("redirect_to_https = true\ntls = { domains = \"a.test\" }"),
            "listener.web.tls: found a wish to serve; allowed no such key beside redirect_to_https",
        ),
        (
            web("redirect_to_https = true\nregistration = true"),
            "no such key beside redirect_to_https",
        ),
        (
            web("redirect_to_https = { status = 303 }"),
            "301, 302, 307 or 308",
        ),
        (
            web("redirect_to_https = 5"),
            "true, false, the name of a listener",
        ),
    ]);
}

#[test]
fn requests_and_connections_in_one_pool_are_told() {
    each_is_told(&[
        (
            pool("backends = [\"tcp://a:1\", \"b:2\"]"),
            "pool.api.backends: found tcp beside http; allowed tcp and tls in a pool of their own",
        ),
        (
            pool("scheme = \"tcp\"\nbackends = \"http://a\""),
            "found http beside tcp",
        ),
        (pool("scheme = \"tpc\"\nbackends = \"a:1\""), "perhaps \"tcp\""),
        (pool("backends = \"tcp://a\""), "the port is missing"),
        (
            pool("backends = \"a:1\"\nsend_proxy_protocol = 2"),
            "X-Forwarded-For",
        ),
        (
            pool("backends = \"a:1\"\ntls = { insecure = true }"),
            "no backend is spoken with in TLS",
        ),
        (
            pool("backends = \"https://unix:/run/a\""),
            "tls.server_name beside it",
        ),
        (
            pool("backends = \"https://a\"\ntls = { insecure = true, authorities = \"c\" }"),
            "nobody's word counts",
        ),
        (
            pool("backends = \"https://a\"\ntls = { certificate = \"c\" }"),
            "pool.api.tls.key: found nothing",
        ),
    ]);
}

#[test]
fn routes_between_what_does_not_fit_are_told() {
    let both = format!("{DB}[listener.web]\nbind = \":80\"\n{API}[pool.db]\nbackends = \"tcp://d:1\"\n");
    each_is_told(&[
        (
            format!("{both}[route.a]\npool = \"api\"\nlistener = \"db\"\n"),
            "route.a.listener: found \"db\"; allowed listeners that say carries = \"http\", as pool api serves requests",
        ),
        (
            format!("{both}[route.a]\npool = \"db\"\nlistener = \"web\"\n"),
            "listeners that say carries = \"tcp\", as pool db serves connections",
        ),
        (
            format!("{both}[route.a]\npool = \"db\"\nsplit = {{ api = \"5%\" }}\n"),
            "found a route that sends a share to \"api\"",
        ),
        (format!("{DB}{API}"), "found \"api\", which serves requests"),
        (
            web("[route.a]\npool = \"db\"\n[pool.db]\nbackends = \"tcp://d:1\""),
            "or a listener that says carries = \"tcp\"",
        ),
    ]);
}

#[test]
fn what_only_requests_have_is_told_where_connections_are_carried() {
    let route =
        |line: &str| format!("{DB}[route.a]\npool = \"db\"\n{line}\n[pool.db]\nbackends = \"tcp://d:1\"\n");
    for (line, key) in [
        ("path = \"/a\"", "route.a.path"),
        ("method = \"GET\"", "route.a.method"),
        ("header = { X = true }", "route.a.header"),
        ("policy = { header = \"X\" }", "route.a.policy"),
        ("timeout = \"1s\"", "route.a.timeout"),
        ("deadline_header = \"X\"", "route.a.deadline_header"),
        ("rate = { requests = 1, per = \"header:X\" }", "route.a.rate"),
        ("priority = \"header:X\"", "route.a.priority"),
    ] {
        let told = fault(&route(line));
        assert_eq!(told.key, key, "{told}");
        assert!(
            told.allowed.contains("pool db, whose backends serve connections"),
            "{told}"
        );
    }
    let pool = |line: &str| format!("{DB}[pool.db]\nbackends = \"tcp://d:1\"\n{line}\n");
    for (line, key) in [
        ("sticky = true", "pool.db.sticky"),
        ("hedge = true", "pool.db.hedge"),
        ("balance = \"hash:path\"", "pool.db.balance"),
        ("retry = { status = 503 }", "pool.db.retry"),
        ("hold = { page = true }", "pool.db.hold.page"),
    ] {
        assert_eq!(fault(&pool(line)).key, key, "{line}");
    }
    let listener = |line: &str| format!("{DB}{line}\n[pool.db]\nbackends = \"tcp://d:1\"\n");
    for (line, key) in [
        ("registration = true", "listener.db.registration"),
        ("forwarded = true", "listener.db.forwarded"),
        ("http2 = false", "listener.db.http2"),
        ("redirect_to_https = true", "listener.db.redirect_to_https"),
    ] {
        assert_eq!(fault(&listener(line)).key, key, "{line}");
    }
}

#[test]
fn what_a_connection_has_may_be_asked_of_it() {
    crate::sound(&format!(
        "{DB}[route.a]\npool = \"db\"\nhost = \"a.test\"\nclients = \"10.0.0.0/8\"\n\
         policy = {{ host_label = 1, optional = true }}\nrate = {{ requests = 5, per = \"client\" }}\n\
         [pool.db]\nbackends = \"tls://d:1\"\nbalance = \"hash:address\"\nprobe = \"/healthz\"\n"
    ));
}

#[test]
fn a_policy_by_certificate_needs_clients_that_show_one() {
    let told = fault(&format!(
        "{SECURE}[route.a]\npool = \"api\"\npolicy = {{ certificate = {{ \"DNS:a.test\" = \"eu\" }} }}\n{API}"
    ));
    assert_eq!(told.key, "route.a.policy");
    assert!(told.hint.unwrap_or_default().contains("tls.clients"));
    let named = |names: &str| {
        let clients = SECURE.replace(" }", ", clients = { authorities = \"c\" } }");
        format!("{clients}[route.a]\npool = \"api\"\npolicy = {{ certificate = {names} }}\n{API}")
    };
    each_is_told(&[
        (named("{ \"a.test\" = \"eu\" }"), "with its kind: \"DNS:a.test\""),
        (named("\"eu\""), "a table such as"),
    ]);
}

#[test]
fn a_pool_for_packets_speaks_nothing_else() {
    let told = faults("[listener.a]\nbind = \":1\"\npackets = \"p\"\n[pool.p]\nbackends = \"https://a:1\"\n");
    assert!(
        told[0].to_string().contains("found another scheme than http"),
        "{}",
        told[0]
    );
}

#[test]
fn who_has_no_address_says_not_whose_connection_it_is() {
    let source = format!("[listener.a]\nbind = \"unix:/s\"\nproxy_protocol = \"10.0.0.0/8\"\n{API}");
    assert_eq!(fault(&source).key, "listener.a.proxy_protocol");
}
