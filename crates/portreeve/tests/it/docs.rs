//! What the documents say, held against the code and the binary: a page that is wrong fails here.

mod edge;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

#[test]
fn the_table_of_errors_has_every_cause_with_its_facts_and_no_other() {
    assert_eq!(causes_in_table(), causes_in_code());
}

#[test]
fn the_table_of_metrics_has_every_metric_that_is_served_and_no_other() {
    assert_eq!(metrics_in_table(), metrics_served());
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading_that_exist() {
    let pages = pages();
    let broken: Vec<String> = pages.iter().flat_map(|page| broken_links(page)).collect();
    assert!(pages.len() > 10, "only {pages:?} was found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_source_file_that_a_document_names_exists() {
    let sources = files(&root(), "rs");
    let strangers: Vec<String> = pages()
        .iter()
        .flat_map(|page| code_spans(&text(page)))
        .filter(|span| span.ends_with(".rs") && !names_one_of(&sources, span))
        .collect();
    assert!(strangers.is_empty(), "no such files: {strangers:?}");
}

#[test]
fn the_file_in_the_readme_is_sound() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.toml");
    let blocks = blocks(&text(&root().join("README.md")), "toml");
    assert!(!blocks.is_empty(), "the README shows no file");
    for block in blocks {
        fs::write(&file, block).unwrap();
        succeed(["check", file.to_str().unwrap()]);
    }
}

#[test]
fn every_example_of_resilience_is_sound_and_each_setting_has_an_effect() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("resilience.toml");
    let blocks = blocks(&text(&root().join("docs/RESILIENCE.md")), "toml");
    assert!(blocks.len() > 10, "only {} examples were found", blocks.len());
    for block in blocks {
        fs::write(&file, completed(&block)).unwrap();
        let said = succeed(["check", file.to_str().unwrap()]);
        assert!(!said.contains("warning"), "{said} of\n{block}");
    }
}

/// Status, side and error of RFC 9209, by code.
type Causes = BTreeMap<String, [String; 3]>;

fn causes_in_table() -> Causes {
    let page = text(&root().join("docs/ERRORS.md"));
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').map(bare).collect::<Vec<_>>());
    cells
        .map(|cells| {
            (
                cells[1].clone(),
                [cells[2].clone(), cells[3].clone(), cells[4].clone()],
            )
        })
        .collect()
}

/// From the model's own source: this crate may not import the model, not even in its tests.
fn causes_in_code() -> Causes {
    let source = text(&root().join("crates/portreeve-model/src/cause/facts.rs"));
    let causes: Causes = source.split("cause: Cause::").skip(1).map(facts).collect();
    let declared = after(&source, "[Facts; ", "]");
    assert_eq!(causes.len().to_string(), declared, "not all facts could be read");
    causes
}

fn facts(entry: &str) -> (String, [String; 3]) {
    let side = after(entry, "fault: Fault::", ",").to_lowercase();
    let error = after(entry, "proxy_error: \"", "\"");
    (
        after(entry, "code: \"", "\""),
        [after(entry, "status: ", ","), side, error],
    )
}

fn metrics_in_table() -> BTreeSet<String> {
    let page = text(&root().join("docs/OPERATIONS.md"));
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `portreeve_") || line.starts_with("| `process_"));
    rows.map(|row| after(row, "| `", "`")).collect()
}

/// By their `# TYPE` lines, which are there before the first sample is.
fn metrics_served() -> BTreeSet<String> {
    let page = Serving::start().metrics();
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// A running proxy; killed with the value.
struct Serving {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Serving {
    fn start() -> Self {
        let arguments = "serve --listen 127.0.0.1:0 --to 127.0.0.1:9 --admin 127.0.0.1:0";
        let mut command = Command::new(BINARY);
        command.args(arguments.split(' ')).env_remove("PORTREEVE_LOG");
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    fn metrics(&mut self) -> String {
        let mut stream = TcpStream::connect(self.admin()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    fn admin(&mut self) -> SocketAddr {
        let mut said = String::new();
        loop {
            let line_begin = said.len();
            let count = self.log.read_line(&mut said).unwrap();
            assert_ne!(count, 0, "it ended and said: {said}");
            if said[line_begin..].contains("admin listening") {
                return after(&said[line_begin..], "address=", "\n").parse().unwrap();
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// With what the page says that its examples leave out.
fn completed(block: &str) -> String {
    let route = match block.contains("[route.") {
        true => "",
        false => "[route.all]\npool = \"api\"\n",
    };
    format!("{block}\n[listener.web]\nbind = \"127.0.0.1:8080\"\n{route}")
}

/// What it wrote to standard output.
fn succeed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `FILE: LINK` for each that leads nowhere.
fn broken_links(page: &Path) -> Vec<String> {
    let content = text(page);
    let links = links(&content)
        .into_iter()
        .filter(|link| !is_elsewhere(link) && !is_made_later(&content, link));
    links
        .filter(|link| !leads_somewhere(page, link))
        .map(|link| format!("{}: {link}", page.display()))
        .collect()
}

/// What stands in `](...)`, code blocks left out.
fn links(content: &str) -> Vec<String> {
    let prose: String = content.split("```").step_by(2).collect();
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

fn is_elsewhere(link: &str) -> bool {
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| link.starts_with(scheme))
}

/// The chart of the benchmarks is drawn with the first run that is saved.
fn is_made_later(content: &str, link: &str) -> bool {
    link == "bench-http1.svg" && content.contains("No run was saved yet.")
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap().join(file),
    };
    target.exists() && (heading.is_empty() || has_heading(&text(&target), heading))
}

/// By the rule of GitHub: lower case, spaces to hyphens, other marks dropped.
fn has_heading(content: &str, wanted: &str) -> bool {
    let headings = content.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .any(|heading| {
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().replace(' ', "-") == wanted
        })
}

fn names_one_of(files: &[PathBuf], name: &str) -> bool {
    files.iter().any(|file| file.ends_with(name))
}

/// What stands between single backticks, code blocks left out.
fn code_spans(content: &str) -> Vec<String> {
    let prose: String = content.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The contents of the code blocks in that language.
fn blocks(content: &str, language: &str) -> Vec<String> {
    let fenced = content.split("```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .map(str::to_owned)
        .collect()
}

/// Every page of this repository.
fn pages() -> Vec<PathBuf> {
    files(&root(), "md")
}

/// Files with that ending, but for what is built, found by fuzzing, or hidden.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !LEFT_OUT.contains(&&*name) {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|known| known == ending) {
            found.push(path);
        }
    }
    found
}

/// What stands between `begin` and `end`; empty if there is no `begin`.
fn after(content: &str, begin: &str, end: &str) -> String {
    let rest = content.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split(end).next().unwrap_or_default().to_owned()
}

fn bare(cell: &str) -> String {
    cell.trim().trim_matches('`').to_owned()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const BINARY: &str = env!("CARGO_BIN_EXE_portreeve");
const LEFT_OUT: &[&str] = &["target", "corpus", "artifacts"];
const PATIENCE: Duration = Duration::from_secs(10);
