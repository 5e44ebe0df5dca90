//! What the pages on TLS and protocols show, and the examples, as somebody would try it who has just come.

use std::path::Path;
use std::process::Command;

use portreeve_testkit::{Authority, Scratch};

use super::{blocks, files, root, succeed, text};
use crate::shared::{Portreeve, tool};

/// A folder with the files that the pages name.
fn with_certificates() -> Scratch {
    let (authority, folder) = (Authority::new("a test's own"), Scratch::new());
    for name in ["shop", "wildcard", "api", "proxy"] {
        authority.server(&["shop.test"]).write(&folder, name);
    }
    for name in ["partners.pem", "intern.pem"] {
        folder.write(name, &authority.pem());
    }
    let revoked = authority.client(&["partner.test"]);
    folder.write("partners.crl", &authority.revoking(&[&revoked]));
    folder
}

#[test]
fn every_file_that_the_pages_on_tls_and_protocols_show_is_sound() {
    let folder = with_certificates();
    for (page, least) in [("docs/TLS.md", 4), ("docs/PROTOCOLS.md", 3)] {
        let blocks = blocks(&text(&root().join(page)), "toml");
        assert!(
            blocks.len() >= least,
            "only {} files were found in {page}",
            blocks.len()
        );
        for block in blocks {
            let file = folder.write("page.toml", &block);
            succeed(["check", file.to_str().unwrap()]);
        }
    }
}

#[test]
fn every_example_is_sound_by_the_binarys_word() {
    let examples = files(&root().join("examples"), "toml");
    assert!(examples.len() >= 5, "only {examples:?} were found");
    for example in examples {
        let said = succeed(["check", example.to_str().unwrap()]);
        assert!(!said.contains("warning"), "{said}");
    }
}

#[test]
fn the_certificate_that_the_page_makes_is_served() {
    let Some(_) = tool::find("openssl", "openssl") else {
        return;
    };
    let Some(_) = tool::find("curl", "curl") else {
        return;
    };
    let commands = blocks(&text(&root().join("docs/TLS.md")), "sh").concat();
    let line = |begin: &str| {
        let mut lines = commands.lines();
        lines
            .find(|line| line.starts_with(begin))
            .expect("the page shows it")
            .to_owned()
    };
    let folder = Scratch::new();
    shell(&line("openssl "), folder.path());
    let file = |name: &str| folder.file(name).display().to_string();
    let (certificate, key, state) = (file("shop.pem"), file("shop.key"), file("state"));
    let portreeve = Portreeve::serve(&[
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--to",
        "127.0.0.1:9",
        "--state",
        &state,
    ]);
    let port = portreeve.address().rsplit(':').next().unwrap_or_default();

    let curl = line("curl ").replace("8443", port);
    let said = shell(&format!("{curl} -sS --noproxy '*'"), folder.path());

    assert!(said.contains("connect_refused"), "{said}");
    portreeve.end();
}

fn shell(line: &str, folder: &Path) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder);
    let output = command.output().expect("there is a shell");
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_line_of_serve_that_the_pages_show_is_understood() {
    for page in ["README.md", "docs/TLS.md"] {
        let commands = blocks(&text(&root().join(page)), "sh").concat();
        let mut lines: Vec<&str> = commands.lines().collect();
        lines.retain(|line| line.starts_with("portreeve serve") && !line.contains("--config"));
        assert!(!lines.is_empty(), "{page} shows no flags");
        for line in lines {
            let command = line.split(" #").next().unwrap_or_default();
            succeed(command.split_whitespace().skip(1).chain(["--print-config"]));
        }
    }
}
