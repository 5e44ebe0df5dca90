//! What a browser is shown while the pool wakes: a page that asks again by itself.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::WaitingPage;

/// The page, whose next look comes about when an instance should be there that starts now and takes so long.
pub(crate) fn page(page: &WaitingPage, start_time: Option<Duration>) -> Arc<str> {
    match page {
        WaitingPage::Of(html) => Arc::clone(html),
        WaitingPage::Ours => ours(refresh(start_time)).into(),
    }
}

/// In whole seconds.
fn refresh(start_time: Option<Duration>) -> u64 {
    let millis = start_time.unwrap_or(REFRESH).as_millis();
    u64::try_from(millis.div_ceil(1_000)).map_or(REFRESH_MAX, |seconds| seconds.clamp(1, REFRESH_MAX))
}

/// Everything is in it: while nobody serves, nobody would serve a style sheet either. Without scripts, so that it works
/// under any content security policy that lets styles be; without motion for those who want none.
fn ours(refresh: u64) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<meta http-equiv=\"refresh\" content=\"{refresh}\">\n\
         <title>Starting up</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <div class=\"pulse\" aria-hidden=\"true\"><i></i><i></i><i></i></div>\n\
         <h1>Starting up</h1>\n\
         <p>This service was asleep and is waking up for you. It should be here in a moment, and this page will look for it \
         by itself.</p>\n<p><a href=\"\">Look now</a></p>\n</main>\n</body>\n</html>\n"
    )
}

/// Where nothing is known yet.
const REFRESH: Duration = Duration::from_secs(2);
/// What takes longer is looked for meanwhile too.
const REFRESH_MAX: u64 = 5;

const STYLE: &str = ":root{color-scheme:light dark;--ground:#fafafa;--text:#222;--quiet:#555;--mark:#0a6b5e}\
@media(prefers-color-scheme:dark){:root{--ground:#181818;--text:#eee;--quiet:#b4b4b4;--mark:#5fd3bf}}\
body{font:1rem/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;min-height:100svh;\
color:var(--text);background:var(--ground)}\
main{max-width:28rem;padding:2rem;text-align:center}h1{font-size:1.75rem;line-height:1.2;margin:1.5rem 0 .5rem}\
p{margin:.5rem 0;color:var(--quiet);text-wrap:balance}a{display:inline-block;padding:.5rem;color:var(--mark)}\
.pulse i{display:inline-block;width:.75rem;height:.75rem;margin:0 .25rem;border-radius:50%;background:var(--mark);\
animation:pulse 1.2s ease-in-out infinite}.pulse i+i{animation-delay:.15s}.pulse i+i+i{animation-delay:.3s}\
@keyframes pulse{50%{opacity:.25;transform:scale(.75)}}\
@media(prefers-reduced-motion:reduce){.pulse i{animation:none}}";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(start_time: Option<Duration>) -> String {
        page(&WaitingPage::Ours, start_time).to_string()
    }

    #[test]
    fn it_looks_again_when_somebody_should_be_there() {
        let looks_after = |millis: u64, seconds: u64| {
            let page = shown(Some(Duration::from_millis(millis)));
            let tag = format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">");
            assert!(page.contains(&tag), "{millis} ms: {page}");
        };
        looks_after(1, 1);
        looks_after(1_001, 2);
        looks_after(60_000, 5);
        assert!(shown(None).contains("content=\"2\""));
    }

    #[test]
    fn it_needs_nothing_from_elsewhere() {
        let page = shown(None);
        for foreign in ["<script", "src=", "<link", "url(", "http://", "https://"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_page_of_the_operators_is_left_as_it_is() {
        let html: Arc<str> = "<p>soon</p>".into();
        assert_eq!(page(&WaitingPage::Of(Arc::clone(&html)), None), html);
    }
}
