//! `page` of `[pool.NAME.hold]`.

use std::fs;
use std::path::{Path, PathBuf};

use portreeve_config::{Config, ReadError, read};
use portreeve_model::plan::WaitingPage;

use super::{scaled, scaled_file};
use crate::fault;

/// A folder of its own, which is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portreeve-pages-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(name), content).unwrap();
        self
    }

    /// A configuration in this folder with this page.
    fn read(&self, page: &str) -> Result<Config, ReadError> {
        let file = self.0.join("portreeve.toml");
        fs::write(
            &file,
            scaled_file(&format!("max = 1\n[pool.api.hold]\npage = {page}")),
        )
        .unwrap();
        read(&file)
    }

    fn told(&self, page: &str) -> String {
        let told = self.read(page).expect_err("a fault").to_string();
        told.replace(&self.0.display().to_string(), "DIR")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn page(config: &Config) -> Option<&WaitingPage> {
    config.plan.pools[0].hold.page.as_ref()
}

#[test]
fn a_page_is_ours_or_stands_in_the_file_itself() {
    let read = |page: &str| scaled(&format!("[pool.api.hold]\npage = {page}")).hold.page;
    assert_eq!(read("true"), Some(WaitingPage::Ours));
    assert_eq!(read("false"), None);
    assert_eq!(read("{ html = \"<p>\" }"), Some(WaitingPage::Of("<p>".into())));
}

#[test]
fn a_page_is_read_from_the_folder_of_the_configuration() {
    let folder = Folder::new("read").with("waiting.html", "<p>Grüße\n");
    let config = folder.read("\"waiting.html\"").unwrap();
    assert_eq!(page(&config), Some(&WaitingPage::Of("<p>Grüße\n".into())));
    let whole = Path::new(&folder.0).join("waiting.html");
    let config = folder.read(&format!("\"{}\"", whole.display())).unwrap();
    assert!(page(&config).is_some());
    let printed = portreeve_config::print(&config);
    assert_eq!(
        portreeve_config::parse(&printed),
        Ok(config),
        "the print needs no file"
    );
}

#[test]
fn a_page_that_cannot_be_shown_is_told_with_file_and_line() {
    let folder = Folder::new("told")
        .with("bytes.html", b"<p>\n<b>\xff")
        .with("empty.html", " \n")
        .with("large.html", vec![b'a'; (256 << 10) + 1])
        .with("most.html", vec![b'a'; 256 << 10]);
    let told = "DIR/portreeve.toml:5: pool.api.hold.page: found";
    let allowed = "allowed a file of HTML in UTF-8, at most 256 KiB";
    assert_eq!(
        folder.told("\"bytes.html\""),
        format!("{told} \"bytes.html\"; {allowed} (DIR/bytes.html:2: the byte 0xff is not UTF-8)")
    );
    assert_eq!(
        folder.told("\"empty.html\""),
        format!("{told} \"empty.html\"; {allowed} (DIR/empty.html: it is empty)")
    );
    assert!(
        folder
            .told("\"large.html\"")
            .ends_with("(DIR/large.html: it is larger than 256 KiB)")
    );
    assert!(
        folder
            .told("\"none.html\"")
            .contains("(DIR/none.html: No such file or directory")
    );
    assert!(
        folder
            .told("\"/dev/zero\"")
            .ends_with("(/dev/zero: it is not a plain file)")
    );
    assert!(folder.told("\".\"").ends_with("(DIR/.: it is not a plain file)"));
    assert!(folder.read("\"most.html\"").is_ok());
}

#[test]
fn what_is_no_page_is_told() {
    for (page, told) in [
        (
            "5",
            "found 5; allowed true, false, a path such as \"waiting.html\", or a table",
        ),
        ("\"\"", "found \"\"; allowed true, false, a path"),
        (
            "{ html = \"\" }",
            "page.html: found \"\"; allowed HTML of 1 byte to 256 KiB",
        ),
        ("{}", "page.html: found nothing; allowed HTML"),
    ] {
        let fault = fault(&scaled_file(&format!("[pool.api.hold]\npage = {page}"))).to_string();
        assert!(fault.contains(told), "{fault}");
    }
}

#[test]
fn a_page_is_shown_where_nothing_is_held_too() {
    let read = |lines: &str| scaled(&format!("{lines}page = true")).hold.page;
    let refuses = "[pool.api]\nfail_mode = \"refuse\"";
    assert!(read(&format!("{refuses}\n[pool.api.hold]\nrequests_max = 0\n")).is_some());
    assert!(
        read(&format!(
            "{refuses}\nin_flight = \"unlimited\"\n[pool.api.hold]\n"
        ))
        .is_some()
    );
}

#[test]
fn a_pool_for_packets_shows_no_page() {
    let file = format!(
        "[listener.web]\nbind = \":1\"\npackets = \"api\"\n{}",
        scaled_file("[pool.api.hold]\npage = true")
    );
    let told = fault(&file).to_string();
    assert!(
        told.contains(
            "pool.api.hold.page: found a page for browsers; allowed no such thing in a pool for packets"
        ),
        "{told}"
    );
}
