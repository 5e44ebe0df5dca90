use super::{fault_at, pool_file, told};
use crate::{fault, sound};

/// The one fault of a pool with these lines, the last of which holds it.
#[track_caller]
fn refused(lines: &str) -> String {
    let last = lines.lines().last().expect("a line");
    fault_at(&pool_file(lines), last).to_string()
}

#[track_caller]
fn each_refused(before: &str, cases: &[(&str, &str)]) {
    for (line, words) in cases {
        let told = refused(&format!("{before}{line}"));
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn all_that_is_wrong_with_a_pool_is_told_at_once() {
    let file = pool_file(
        "probe = { path = \"/\", fall = 0, timeout = \"9s\" }\nin_flight = 0\nfail_mode = \"hope\"\nsticky = 5\n\
         [pool.api.ejection]\nshare_max = \"150%\"\n[pool.api.retry]\nbudget = \"120%\"\nstatus = 200\n[pool.api.hold]\ntimeout = 5",
    );
    let lines: Vec<usize> = crate::faults(&file).iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [3, 3, 4, 5, 6, 8, 10, 11, 13], "{:#?}", told(&file));
}

#[test]
fn an_ejection_that_is_out_of_bounds_is_told() {
    each_refused(
        "[pool.api.ejection]\n",
        &[
            (
                "failures_in_a_row = 0",
                "found 0; allowed a whole number from 1 to 1,000, or \"off\" (for no bound write \"off\")",
            ),
            (
                "latency_factor = 1",
                "found 1; allowed a whole number from 2 to 1,000",
            ),
            (
                "status = 404",
                "allowed a status such as 503, \"500-504\" or \"5xx\", from 500 to 599",
            ),
            ("status = \"4xx\"", "found \"4xx\"; allowed a status"),
            ("share_max = \"0%\"", "from \"1%\" to \"100%\""),
            (
                "share_max = 50",
                "found 50; allowed a share such as \"20%\", without fractions, from \"1%\" to \"100%\" (perhaps \"50%\")",
            ),
            ("share_max = \"12.5%\"", "without fractions"),
            (
                "time = \"10m\"",
                "found \"10m\"; allowed at most time_max, which is \"5m\"",
            ),
            ("time = \"1ms\"", "allowed a duration from \"100ms\" to \"1d\""),
        ],
    );
    let told = refused("ejection = 5");
    assert!(
        told.contains("found 5; allowed false, or a section [pool.api.ejection]"),
        "{told}"
    );
}

#[test]
fn an_ejection_without_any_reason_is_told() {
    let lines = "failures_in_a_row = \"off\"\nsuccess_rate = false\n";
    let file = pool_file(&format!("[pool.api.ejection]\n{lines}latency_factor = \"off\""));
    assert_eq!(
        fault_at(&file, "[pool.api.ejection]").to_string(),
        "pool.api.ejection: found no reason that ejects; allowed one of failures_in_a_row, success_rate or latency_factor \
         (for no ejection at all write ejection = false)"
    );
    let told = refused(&format!("[pool.api.ejection]\n{lines}status = 500"));
    assert!(
        told.contains("where neither failures_in_a_row nor success_rate counts failures"),
        "{told}"
    );
}

#[test]
fn a_retry_that_is_out_of_bounds_is_told() {
    each_refused(
        "[pool.api.retry]\n",
        &[
            (
                "budget = \"101%\"",
                "found \"101%\"; allowed a share such as \"20%\", without fractions, from \"0%\" to \"100%\"",
            ),
            ("budget = 0.2", "found 0.2; allowed a share"),
            ("budget = 20", "(perhaps \"20%\")"),
            ("budget_min = 10001", "allowed a whole number from 0 to 10,000"),
            ("body_bytes_max = \"2MiB\"", "from 0 to \"1MiB\""),
            (
                "status = [502, 399]",
                "status[1]: found 399; allowed a status such as 503, \"500-504\" or \"5xx\", from 400 to 599",
            ),
            ("marked_by = \"a b\"", "allowed a header's name"),
            (
                "marked_by = \"Content-Length\"",
                "allowed a header that says nothing of host, connection or body",
            ),
            (
                "retry_after_max = \"2h\"",
                "allowed a duration from \"0s\" to \"1h\"",
            ),
            (
                "attempt_timeout = \"61s\"",
                "found \"61s\"; allowed at most first_byte_timeout, which is \"1m\"",
            ),
        ],
    );
}

#[test]
fn an_attempt_is_not_longer_than_the_whole() {
    let told = refused("limits = { total_timeout = \"1s\" }\n[pool.api.retry]\nattempt_timeout = \"2s\"");
    assert!(
        told.contains("found \"2s\"; allowed at most total_timeout, which is \"1s\""),
        "{told}"
    );
    let told =
        refused("limits = { first_byte_timeout = \"1s\" }\n[pool.api.retry]\nattempt_timeout = \"2s\"");
    assert!(
        told.contains("allowed at most first_byte_timeout, which is \"1s\""),
        "{told}"
    );
}

#[test]
fn retries_that_can_never_happen_are_told() {
    let told = refused("limits = { attempts_max = 1 }\n[pool.api.retry]\nstatus = 503");
    assert!(
        told.contains("found a wish for retries; allowed no such key with attempts_max = 1: nothing is sent a second time"),
        "{told}"
    );
    let told = refused("[pool.api.retry]\nbudget = \"0%\"\nbudget_min = 0\nmarked_by = \"X-Again\"");
    assert!(
        told.contains("no such key with a budget of \"0%\" and a budget_min of 0"),
        "{told}"
    );
    sound(&pool_file("[pool.api.retry]\nbudget = \"0%\"\nbudget_min = 0"));
}

#[test]
fn hedges_that_can_never_happen_are_told() {
    let told = refused("retry = { budget = \"0%\", budget_min = 0 }\nhedge = true");
    assert!(
        told.contains(
            "allowed no such key with a budget of \"0%\" and a budget_min of 0: a hedge is a second attempt"
        ),
        "{told}"
    );
    let told = refused("limits = { attempts_max = 1 }\nhedge = { after = \"5ms\" }");
    assert!(
        told.contains("allowed no such key with attempts_max = 1"),
        "{told}"
    );
    each_refused(
        "limits = { total_timeout = \"1s\" }\nretry = { attempt_timeout = \"500ms\" }\n",
        &[
            (
                "hedge = { after = \"501ms\" }",
                "after: found \"501ms\"; allowed at most attempt_timeout, which is \"500ms\"",
            ),
            (
                "hedge = { after_min = \"2s\" }",
                "after_min: found \"2s\"; allowed at most attempt_timeout",
            ),
            (
                "hedge = { after = \"50ms\", after_min = \"60ms\" }",
                "after_min: found \"60ms\"; allowed at most after, which is \"50ms\"",
            ),
            (
                "hedge = { after = \"0s\" }",
                "allowed a duration from \"1ms\" to \"1m\"",
            ),
            (
                "hedge = \"50ms\"",
                "found \"50ms\"; allowed true, false, or a table such as { after = \"50ms\" }",
            ),
        ],
    );
}

#[test]
fn a_number_in_flight_that_says_nothing_is_told() {
    each_refused(
        "",
        &[
            (
                "in_flight = 0",
                "found 0; allowed \"auto\", \"unlimited\", or a whole number from 1 to 1,000,000",
            ),
            ("in_flight = 1000001", "found 1000001; allowed \"auto\""),
            ("in_flight = \"off\"", "(for no bound write \"unlimited\")"),
            ("in_flight = \"32\"", "(without the quotes)"),
            ("in_flight = true", "found true; allowed \"auto\""),
            (
                "fail_mode = \"use_all\"",
                "allowed \"refuse\", \"hold\" or \"use-all\" (perhaps \"use-all\")",
            ),
        ],
    );
}

#[test]
fn a_hold_that_contradicts_the_rest_is_told() {
    let told = refused("fail_mode = \"hold\"\n[pool.api.hold]\nrequests_max = 0");
    assert!(
        told.contains("requests_max: found 0; allowed at least 1, since fail_mode is \"hold\""),
        "{told}"
    );
    let told = refused("[pool.api.hold]\nrequests_max = 0\ntimeout = \"1s\"");
    assert!(
        told.contains("allowed no such key with requests_max = 0: nothing is held"),
        "{told}"
    );
    let told = refused("in_flight = \"unlimited\"\nhold = { timeout = \"1s\" }");
    assert!(
        told.contains("hold: found requests to be held; allowed no such section: with in_flight = \"unlimited\" no backend is ever full"),
        "{told}"
    );
    sound(&pool_file(
        "in_flight = \"unlimited\"\nfail_mode = \"hold\"\nhold = { timeout = \"9s\" }",
    ));
    let told = refused("limits = { total_timeout = \"1s\" }\n[pool.api.hold]\ntimeout = \"2s\"");
    assert!(
        told.contains("allowed at most total_timeout, which is \"1s\""),
        "{told}"
    );
}

#[test]
fn what_a_balance_cannot_heed_is_told() {
    for (balance, word) in [
        ("\"first\"", "first"),
        ("\"hash:path\"", "hash:..."),
        ("{ hash = \"address\" }", "hash:..."),
    ] {
        let told = refused(&format!("balance = {balance}\nslow_start = \"30s\""));
        let words =
            format!("found \"30s\"; allowed no such key with balance = \"{word}\": it gives no shares");
        assert!(told.contains(&words), "{told}");
    }
    let told = refused("balance = \"hash:cookie:sid\"\nsticky = true");
    assert!(
        told.contains("sticky: found a cookie beside a hash; allowed one of the two"),
        "{told}"
    );
    sound(&pool_file(
        "balance = \"first\"\nslow_start = \"0s\"\nsticky = true",
    ));
}

#[test]
fn a_cookie_that_browsers_refuse_is_told() {
    each_refused(
        "",
        &[
            (
                "sticky = \"a b\"",
                "allowed true, false, a cookie's name such as \"sid\", or a table",
            ),
            (
                "sticky = \"__Secure-a\"",
                "(browsers refuse it without Secure: { cookie = \"__Secure-a\", secure = true })",
            ),
            (
                "sticky = { cookie = \"__host-a\" }",
                "cookie: found \"__host-a\"; allowed another name, or secure = true",
            ),
            (
                "sticky = { max_age = \"1500ms\" }",
                "max_age: found \"1500ms\"; allowed whole seconds",
            ),
            (
                "sticky = { max_age = \"401d\" }",
                "allowed a duration from \"1s\" to \"400d\", or \"off\"",
            ),
            (
                "sticky = { name = \"a\" }",
                "name: found an unknown key; allowed cookie, max_age or secure",
            ),
        ],
    );
}

#[test]
fn backups_that_back_up_nobody_are_told() {
    let file = "[pool.api]\nbackends = [{ address = \"a:1\", backup = true }]\n";
    assert_eq!(
        fault(file).to_string(),
        "pool.api.backends: found backups alone; allowed at least one without backup = true"
    );
    sound(&format!(
        "[listener.a]\nbind = \":1\"\nregistration = true\n{file}register = true\n"
    ));
    let told = fault("[pool.api]\nbackends = [{ address = \"a:1\", zone = \"a b\" }]\n").to_string();
    assert!(
        told.contains("zone: found \"a b\"; allowed 1 to 64 letters"),
        "{told}"
    );
}

#[test]
fn keys_of_the_sections_below_are_told_where_they_belong() {
    for (line, section) in [
        ("failures_in_a_row = 3", "ejection"),
        ("budget = \"5%\"", "retry"),
        ("requests_max = 3", "hold"),
    ] {
        let told = refused(line);
        assert!(
            told.ends_with(&format!("(it belongs under [pool.api.{section}])")),
            "{told}"
        );
    }
    let told = refused("zone = \"eu\"");
    assert!(
        told.ends_with("(it belongs at the top of the file, before the first [section])"),
        "{told}"
    );
}
