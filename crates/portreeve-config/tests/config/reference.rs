//! docs/CONFIGURATION.md has an entry for each key, and each entry is true.

use std::path::Path;

use portreeve_config::{Config, parse, print, read};

use crate::{faults, sound};

struct Entry {
    key: String,
    text: String,
}

impl Entry {
    /// What stands in code after `- Default: ` or `- Example: `.
    fn code(&self, label: &str) -> Option<&str> {
        let line = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("- {label}: `")))?;
        line.strip_suffix('`')
    }

    fn allowed(&self) -> &str {
        self.text
            .lines()
            .find_map(|line| line.strip_prefix("- Allowed: "))
            .unwrap_or_default()
    }

    /// The section and the last part of the key, for the names that the documents below use.
    fn place(&self) -> (String, String) {
        let key = self
            .key
            .replace("listener.NAME.tls", "listener.secure.tls")
            .replace("listener.NAME", "listener.web")
            .replace("route.NAME", "route.shop")
            .replace("pool.NAME.scale", "pool.app.scale")
            .replace("pool.NAME.tls", "pool.secure.tls")
            .replace("pool.NAME.send_proxy_protocol", "pool.db.send_proxy_protocol");
        let key = key
            .replace("pool.NAME", "pool.api")
            .replace("policy.NAME", "policy.eu");
        match key.rsplit_once('.') {
            Some((section, last)) => (section.to_owned(), last.to_owned()),
            None => (String::new(), key),
        }
    }
}

fn text_of(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries() -> Vec<Entry> {
    let reference = text_of("docs/CONFIGURATION.md");
    reference
        .split("\n### `")
        .skip(1)
        .map(|entry| {
            let (key, text) = entry.split_once("`\n").expect("a key in code");
            Entry {
                key: key.to_owned(),
                text: text.split("\n## ").next().unwrap_or_default().to_owned(),
            }
        })
        .collect()
}

/// Every section with a key that nobody knows: the faults name all keys that are known.
const UNKNOWN: &str = "zz = 1\n[admin]\nzz = 1\n[access_log]\nto = \"-\"\nzz = 1\n[ledger]\nzz = 1\n\
    [acme]\nexternal_account = { key_id = \"k\", key = \"k\", zz = 1 }\nzz = 1\n\
    [registration]\nzz = 1\n[listener.NAME]\nbind = \":1\"\npackets = { pool = \"packets\", zz = 1 }\nzz = 1\n\
    [listener.NAME.tls]\ncertificates = { certificate = \"c\", key = \"k\", zz = 1 }\nzz = 1\n\
    [listener.NAME.tls.clients]\nauthorities = \"c\"\nzz = 1\n[listener.NAME.http2]\nzz = 1\n\
    [listener.NAME.limits]\nzz = 1\n[route.NAME]\npool = \"NAME\"\npolicy = { header = \"X\", zz = 1 }\nzz = 1\n\
    rate = { requests = 1, zz = 1 }\nmirror = { pool = \"shadow\", zz = 1 }\n\
    [policy.NAME]\nzz = 1\n[pool.shadow]\nbackends = \"s:1\"\n[pool.packets]\nbackends = \"b:1\"\n[pool.NAME]\n\
    backends = [{ address = \"https://a:1\", zz = 1 }]\nbalance = { hash = \"path\", zz = 1 }\nregister = { zz = 1 }\nzz = 1\n\
    probe = { path = \"/\", zz = 1 }\nhedge = { zz = 1 }\n[pool.NAME.limits]\nzz = 1\n[pool.NAME.tls]\nzz = 1\n\
    [pool.NAME.ejection]\nzz = 1\n[pool.NAME.retry]\nzz = 1\n\
    [pool.NAME.hold]\npage = { html = \"x\", zz = 1 }\nzz = 1\n\
    [pool.NAME.scale]\ndriver = { process = [\"a\"], zz = 1 }\ntarget = { cpu = \"1%\", zz = 1 }\n\
    steps = { requests = 1, zz = 1 }\nschedule = { min = 1, zz = 1 }\nup = { zz = 1 }\ndown = { zz = 1 }\nzz = 1\n";

/// The same of what does not go together with the rest.
const UNKNOWN_OTHERS: &str = "[listener.NAME]\nbind = \":1\"\nredirect_to_https = { zz = 1 }\n[pool.NAME]\nbackends = \"a:1\"\nsticky = { zz = 1 }\n\
    scale = { driver = { exec = { start = [\"a\"], stop = [\"a\"], list = [\"a\"], zz = 1 } } }\n";

fn known_keys() -> Vec<String> {
    let mut keys = Vec::new();
    for fault in faults(UNKNOWN).into_iter().chain(faults(UNKNOWN_OTHERS)) {
        assert_eq!(fault.found, "an unknown key", "{fault}");
        let section = fault.key.trim_end_matches("zz").replace("[0]", "");
        let names = fault.allowed.replace(" or ", ", ");
        keys.extend(names.split(", ").map(|name| format!("{section}{name}")));
    }
    keys
}

#[test]
fn every_known_key_has_its_entry() {
    let entries: Vec<String> = entries().into_iter().map(|entry| entry.key).collect();
    let sections = [
        "admin",
        "access_log",
        "ledger",
        "registration",
        "acme",
        "listener",
        "route",
        "policy",
        "pool",
        "listener.NAME.limits",
        "listener.NAME.tls",
        "listener.NAME.tls.clients",
        "listener.NAME.http2",
        "pool.NAME.tls",
        "pool.NAME.limits",
        "pool.NAME.ejection",
        "pool.NAME.retry",
        "pool.NAME.hold",
        "pool.NAME.scale",
        "pool.NAME.scale.fleet",
    ];
    let keys: Vec<String> = known_keys()
        .into_iter()
        .filter(|key| !sections.contains(&key.as_str()))
        .collect();
    assert!(keys.len() > 190, "{keys:?}");
    for key in &keys {
        assert!(entries.contains(key), "{key} is not in docs/CONFIGURATION.md");
    }
    for entry in &entries {
        assert!(
            keys.contains(entry),
            "{entry} is in docs/CONFIGURATION.md but is no key"
        );
    }
}

/// A file with this line under this section.
fn file_with(section: &str, line: &str) -> String {
    let key = line.split(' ').next().unwrap_or_default();
    let mut file = String::new();
    let needed: &[(&str, &[&str])] = &[
        ("", &[]),
        ("access_log", &["to = \"off\""]),
        ("admin", &[]),
        ("ledger", &[]),
        ("registration", &[]),
        ("acme", &[]),
        ("listener.web", &["bind = \":1\""]),
        ("listener.web.limits", &[]),
        ("listener.web.http2", &[]),
        ("listener.secure", &["bind = \":3\""]),
        (
            "listener.secure.tls",
            &["certificate = \"c.pem\"", "key = \"c.key\""],
        ),
        ("listener.secure.tls.clients", &["authorities = \"ca.pem\""]),
        ("listener.intern", &["bind = \":2\"", "registration = true"]),
        ("route.shop", &["pool = \"web\""]),
        ("policy.eu", &[]),
        ("pool.web", &["backends = \"w:1\"", "policies = \"eu\""]),
        ("pool.api", &["backends = \"a:1\""]),
        ("pool.secure", &["backends = \"https://s:1\""]),
        ("pool.secure.tls", &["certificate = \"c.pem\"", "key = \"c.key\""]),
        ("pool.db", &["backends = \"tcp://d:1\""]),
        ("pool.api.limits", &[]),
        ("pool.api.ejection", &[]),
        ("pool.api.retry", &[]),
        ("pool.api.hold", &[]),
        (
            "pool.app.scale",
            &["driver = { process = [\"./api\", \"{port}\"] }"],
        ),
    ];
    for (name, lines) in needed {
        if !name.is_empty() {
            file.push_str(&format!("[{name}]\n"));
        }
        for line in lines
            .iter()
            .filter(|line| *name != section || !is_instead(key, line))
        {
            file.push_str(&format!("{line}\n"));
        }
        if *name == section {
            file.push_str(&format!("{line}\n{}\n", beside(key)));
        }
    }
    file
}

/// Whether a line with this key stands instead of another.
fn is_instead(key: &str, line: &str) -> bool {
    line.starts_with(&format!("{key} ")) || (key == "certificates" && !line.starts_with("bind"))
}

/// The line without which one with this key would say nothing.
fn beside(key: &str) -> &'static str {
    match key {
        "split_by" => "split = { api = \"5%\" }",
        "idle" => "min = 0",
        _ => "",
    }
}

/// The section of a file that a line of this entry stands in: a table within a value is written in one line.
fn section_of(entry: &Entry) -> String {
    let (section, _) = entry.place();
    match section.as_str() {
        "pool.api.backends" | "pool.api.balance" | "pool.api.register" | "pool.api.probe"
        | "pool.api.hedge" | "pool.api.sticky" => "pool.api".to_owned(),
        "pool.api.hold.page" => "pool.api.hold".to_owned(),
        within if within.starts_with("pool.app.scale.") => "pool.app.scale".to_owned(),
        "route.shop.policy" | "route.shop.rate" | "route.shop.mirror" => "route.shop".to_owned(),
        "listener.web.packets" | "listener.web.redirect_to_https" => "listener.web".to_owned(),
        "listener.secure.tls.certificates" => "listener.secure.tls".to_owned(),
        "acme.external_account" => "acme".to_owned(),
        other => other.to_owned(),
    }
}

#[test]
fn every_example_is_sound() {
    for entry in entries() {
        let example = entry
            .code("Example")
            .unwrap_or_else(|| panic!("{} has no example", entry.key));
        sound(&file_with(&section_of(&entry), example));
    }
}

#[test]
fn every_default_is_the_real_one() {
    let plain = sound(&file_with("none", ""));
    let mut told = 0;
    for entry in entries() {
        let (section, key) = entry.place();
        let Some(default) = entry.code("Default").filter(|_| section_of(&entry) == section) else {
            continue;
        };
        if entry.key.starts_with("listener.NAME.bind") {
            continue;
        }
        let file = file_with(&section, &format!("{key} = {default}"));
        assert_eq!(sound(&file), plain, "{}", entry.key);
        told += 1;
    }
    assert!(told > 80, "{told}");
}

#[test]
fn every_entry_says_what_the_fault_says() {
    let mut told = 0;
    for entry in entries() {
        let (section, key) = entry.place();
        if section_of(&entry) != section || matches!(key.as_str(), "listener" | "pool" | "packets" | "mirror")
        {
            continue;
        }
        let faults = parse(&file_with(&section, &format!("{key} = 0.5"))).expect_err(&entry.key);
        let fault = faults.iter().next().expect("a fault");
        assert_eq!(fault.allowed, entry.allowed(), "{}", entry.key);
        told += 1;
    }
    assert!(told > 100, "{told}");
}

/// What a table of `[pool.NAME.scale]` must say beside a key, if anything.
fn base(entry: &Entry) -> &'static str {
    let (section, key) = entry.place();
    match (section.as_str(), key.as_str()) {
        ("pool.app.scale.target", "within") => "requests_per_backend = 1, ",
        ("pool.app.scale.target", "cpu") => "load = \"50%\", ",
        ("pool.app.scale.target", _) => "cpu = \"50%\", ",
        ("pool.app.scale.steps", key) if key != "requests" => "requests = 1, ",
        ("pool.app.scale.schedule", key) if key != "min" => "min = 1, ",
        ("pool.app.scale.driver", "env" | "folder" | "ports" | "host") => "process = [\"./api\"], ",
        ("pool.app.scale.driver", "port") => "docker = \"i\", ",
        ("pool.app.scale.driver", "process" | "exec" | "ec2") => "",
        ("pool.app.scale.driver", "docker") => "port = 1, ",
        ("pool.app.scale.driver", "region") => "ec2 = \"g\", ",
        ("pool.app.scale.driver", "timeout") => {
            "exec = { start = [\"a\"], stop = [\"a\"], list = [\"a\"] }, "
        }
        ("pool.app.scale.driver", _) => "docker = \"i\", port = 1, ",
        _ => "",
    }
}

/// The entries of keys within a table of `[pool.NAME.scale]`, and the name of the table.
fn within_tables() -> Vec<(String, Entry)> {
    let table = |entry: &Entry| {
        let (section, _) = entry.place();
        let table = section.strip_prefix("pool.app.scale.")?.to_owned();
        (!table.contains('.')).then_some(table)
    };
    let all = entries().into_iter();
    all.filter_map(|entry| Some((table(&entry)?, entry))).collect()
}

#[test]
fn every_default_within_a_table_of_scale_is_the_real_one() {
    let mut told = 0;
    for (table, entry) in within_tables() {
        let Some(default) = entry.code("Default") else {
            continue;
        };
        let (base, (_, key)) = (base(&entry), entry.place());
        let with = |rest: &str| file_with("pool.app.scale", &format!("{table} = {{ {base}{rest} }}"));
        let without = with("").replace(", }", " }");
        assert_eq!(
            sound(&with(&format!("{key} = {default}"))),
            sound(&without),
            "{}",
            entry.key
        );
        told += 1;
    }
    assert!(told >= 15, "{told}");
}

#[test]
fn every_entry_within_a_table_of_scale_says_what_the_fault_says() {
    let mut told = 0;
    for (table, entry) in within_tables() {
        let (base, (_, key)) = (base(&entry), entry.place());
        let value = if key == "cpus" { "true" } else { "0.5" };
        let line = format!("{table} = {{ {base}{key} = {value} }}");
        let faults = parse(&file_with("pool.app.scale", &line)).expect_err(&entry.key);
        let fault = faults.iter().next().expect("a fault");
        assert_eq!(fault.allowed, entry.allowed(), "{}", entry.key);
        told += 1;
    }
    assert!(told >= 35, "{told}");
}

#[test]
fn the_file_in_the_reference_is_sound() {
    let reference = text_of("docs/CONFIGURATION.md");
    let blocks: Vec<&str> = reference
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        sound(block);
    }
}

#[test]
fn the_files_in_the_pages_of_the_edge_are_sound() {
    for (page, least) in [("docs/TLS.md", 4), ("docs/PROTOCOLS.md", 3)] {
        let text = text_of(page);
        let blocks = text.split("```toml\n").skip(1);
        let files: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
        assert!(files.len() >= least, "{page}");
        files.into_iter().for_each(|file| drop(sound(file)));
    }
}

fn example(name: &str) -> Config {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    read(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_example_of_policies_is_sound_and_warns_of_nothing() {
    let config = example("policies.toml");
    assert_eq!(config.warnings(), Vec::<String>::new());
    assert!(config.ledger.is_some());
    assert!(config.plan.listeners[0].registration);
    assert!(config.plan.listeners[0].packets.is_some());
    assert!(config.plan.routes.iter().all(|route| !route.demands.is_empty()));
}

#[test]
fn the_example_of_resilience_is_sound_and_warns_of_nothing() {
    let config = example("resilience.toml");
    assert_eq!(config.warnings(), Vec::<String>::new());
    let (route, pool) = (&config.plan.routes[0], &config.plan.pools[0]);
    assert_eq!(route.rates.len(), 2);
    assert!(route.split.is_some() && route.mirror.is_some());
    assert!(pool.probe.is_some() && pool.hedge.is_some() && pool.sticky.is_some());
    assert_eq!(pool.targets.iter().filter(|target| target.is_backup).count(), 1);
    assert_eq!(parse(&print(&config)), Ok(config));
}

#[test]
fn the_example_is_sound() {
    let config = example("portreeve.toml");
    assert_eq!(config.plan.listeners.len(), 2);
    assert_eq!(config.plan.routes.len(), 4);
    assert_eq!(config.plan.pools.len(), 3);
}
