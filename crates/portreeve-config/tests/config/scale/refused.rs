use super::{driven_file, scaled_file};
use crate::{fault, faults, sound};

/// The one fault of a pool with these lines in its section, the last of which holds it.
#[track_caller]
fn refused(lines: &str) -> String {
    let file = scaled_file(lines);
    let fault = fault(&file);
    assert_eq!(fault.line, file.lines().count(), "{fault}");
    fault.to_string()
}

#[track_caller]
fn each_refused(cases: &[(&str, &str)]) {
    for (lines, told) in cases {
        let fault = refused(lines);
        assert!(fault.contains(told), "{fault}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let file = scaled_file(
        "mode = \"of\"\nevery = 5\nmin = -1\nmax = 0\ntarget = { cpu = 70, within = \"1s\" }\nsteps = { request = 1 }\n\
         schedule = { days = \"monday\" }\nidle = \"1s\"\nleaves_first = \"least_loaded\"\n[pool.api.hold]\nbytes_max = 1",
    );
    let lines: Vec<usize> = faults(&file).iter().map(|fault| fault.line).collect();
    assert_eq!(
        lines,
        [3, 4, 5, 6, 7, 7, 8, 8, 9, 9, 10, 11, 13],
        "{:#?}",
        faults(&file)
    );
}

#[test]
fn what_a_torn_file_may_say_is_not_held_against_it() {
    let told = fault(&scaled_file("min = = 0\nidle = \"5m\""));
    assert_eq!((told.line, told.key.as_str()), (3, "syntax"), "{told}");
}

#[test]
fn words_and_numbers_out_of_bounds_are_told() {
    each_refused(&[
        (
            "mode = \"observed\"",
            "found \"observed\"; allowed \"on\" or \"observe\" (perhaps \"observe\")",
        ),
        (
            "mode = true",
            "found true; allowed \"on\" or \"observe\" (in quotes)",
        ),
        ("every = \"50ms\"", "allowed a duration from \"100ms\" to \"1h\""),
        ("max = 0", "found 0; allowed a whole number from 1 to 10,000"),
        ("tolerance = 10", "(perhaps \"10%\")"),
        (
            "min = 0\nidle = 0",
            "or \"off\" (the unit is missing: perhaps \"0s\")",
        ),
        ("leaves_first = \"least_loaded\"", "(perhaps \"least-loaded\")"),
        ("on_exit = \"kill\"", "allowed \"stop\" or \"keep\""),
        ("registered_by = \"backends\"", "(perhaps \"backend\")"),
        ("keep_port = \"yes\"", "allowed true or false, without quotes"),
        (
            "stop_timeout = \"0s\"",
            "allowed a duration from \"100ms\" to \"1h\"",
        ),
        (
            "up = 5",
            "found 5; allowed a table such as { stabilisation = \"5m\", steps_max = 2 }",
        ),
        ("up = { stabilization = \"5m\" }", "(perhaps stabilisation)"),
        (
            "down = { steps_max = 0 }",
            "or \"off\" (for no bound write \"off\")",
        ),
        (
            "cooldown = \"5m\"",
            "found an unknown key; allowed mode, every, fleet, policies",
        ),
    ]);
}

#[test]
fn keys_of_scale_are_told_where_they_belong() {
    let told = fault("[pool.api]\nbackends = \"a:1\"\nidle = \"5m\"\n[pool.api.limits]\n").to_string();
    assert!(told.ends_with("(it belongs under [pool.api.scale])"), "{told}");
}

#[test]
fn bounds_that_exclude_all_sizes_are_told_with_the_reason() {
    each_refused(&[
        (
            "min = 5\nmax = 3",
            "scale.max: found 3; allowed at least min, which is 5",
        ),
        (
            "min = 11",
            "scale.min: found 11; allowed at most max, which is 10",
        ),
        (
            "min = 3\n[pool.api.scale.fleet.eu]\nmax = 2",
            "fleet.eu.max: found 2; allowed at least min, which is 3",
        ),
        (
            "max = 3\n[pool.api.scale.fleet.eu]\nmin = 4",
            "fleet.eu.min: found 4; allowed at most max, which is 3",
        ),
    ]);
}

#[test]
fn what_several_fleets_inherit_is_told_once() {
    let file = scaled_file("max = 2\nmin = 5\n[pool.api.scale.fleet.eu]\n[pool.api.scale.fleet.us]");
    assert_eq!(
        fault(&file).to_string(),
        "pool.api.scale.max: found 2; allowed at least min, which is 5"
    );
}

#[test]
fn targets_that_say_nothing_are_told() {
    each_refused(&[
        (
            "target = {}",
            "target: found no target; allowed at least one of in_flight_per_backend, requests_per_backend, p95, hold_age, cpu, \
             memory or load",
        ),
        (
            "target = 20",
            "found 20; allowed a table such as { in_flight_per_backend = 20 }",
        ),
        ("target = { load = \"1%\", loud = 1 }", "(perhaps load)"),
        (
            "target = { cpu = \"70%\", within = \"5s\" }",
            "within: found \"5s\"; allowed such a key beside requests_per_backend only",
        ),
        ("target = { cpu = \"0%\" }", "from \"1%\" to \"100%\""),
        ("target = { cpu = \"101%\" }", "from \"1%\" to \"100%\""),
        (
            "target = { in_flight_per_backend = 0 }",
            "found 0; allowed a whole number from 1",
        ),
    ]);
}

#[test]
fn steps_that_cannot_be_taken_are_told() {
    each_refused(&[
        (
            "steps = { within = \"2m\" }",
            "steps.requests: found nothing; allowed how many requests bring one backend more",
        ),
        (
            "steps = { requests = 20, max = 11 }",
            "steps.max: found 11; allowed at most max of the fleet, which is 10",
        ),
        (
            "steps = { requests = 20, start = 3, max = 2 }",
            "steps.max: found 2; allowed at least start, which is 3",
        ),
        (
            "steps = { requests = 20, start = 11 }",
            "steps.start: found 11; allowed at most max of the fleet, which is 10",
        ),
        (
            "steps = 20",
            "found 20; allowed a table such as { requests = 20, within = \"120s\" }",
        ),
    ]);
}

#[test]
fn hours_that_no_clock_shows_are_told() {
    each_refused(&[
        (
            "schedule = { from = \"08:00\" }",
            "schedule.min: found nothing; allowed how many there are to be",
        ),
        (
            "schedule = { min = 11 }",
            "schedule.min: found 11; allowed at most max of the fleet, which is 10",
        ),
        (
            "schedule = [{ min = 1 }, { min = 0 }]",
            "schedule[1].min: found 0; allowed a whole number from 1",
        ),
        ("schedule = { days = \"monday\", min = 1 }", "(perhaps \"mon\")"),
        ("schedule = { days = [], min = 1 }", "found an empty list"),
        ("schedule = { from = 08:00:00, min = 1 }", "(in quotes)"),
        (
            "schedule = { from = \"8:00\", min = 1 }",
            "allowed a time of day such as \"08:00\"",
        ),
        (
            "schedule = { utc_offset = \"Europe/Berlin\", min = 1 }",
            "(zones by name, with their summer times, are not known here)",
        ),
        (
            "schedule = \"mon-fri\"",
            "found \"mon-fri\"; allowed a table such as { days = \"mon-fri\"",
        ),
    ]);
}

#[test]
fn idle_needs_a_fleet_that_may_sleep() {
    let told = refused("min = 1\nidle = \"5m\"");
    assert!(
        told.contains(
            "idle: found \"5m\"; allowed no such key with min = 1: the last ones are never stopped"
        ),
        "{told}"
    );
    refused("idle = \"off\"");
    sound(&scaled_file("min = 0\nidle = \"5m\""));
    sound(&scaled_file(
        "idle = \"5m\"\n[pool.api.scale.fleet.eu]\nmin = 0\n[pool.api.scale.fleet.us]",
    ));
}

#[test]
fn ports_must_be_enough_for_all() {
    let told = fault(&driven_file(
        "process = [\"./api\", \"{port}\"], ports = \"8100-8108\"",
        "",
    ))
    .to_string();
    assert!(
        told.ends_with("driver.ports: found 9 ports; allowed at least 10, since there may be as many as max"),
        "{told}"
    );
    let one = "process = [\"./api\", \"{port}\"], ports = \"8100\"";
    assert!(
        fault(&driven_file(one, "max = 2"))
            .to_string()
            .contains("found 1 port; allowed at least 2")
    );
    sound(&driven_file(one, "max = 1"));
}

#[test]
fn a_start_lasts_as_long_as_what_it_waits_for() {
    let told = fault(&scaled_file(
        "start_timeout = \"500ms\"\n[pool.api]\nprobe = \"/healthz\"",
    ))
    .to_string();
    assert!(
        told.contains(
            "start_timeout: found \"500ms\"; allowed at least timeout of the pool's probe, which is \"1s\""
        ),
        "{told}"
    );
    let hooks = "exec = { start = [\"a\"], stop = [\"b\"], list = [\"c\"] }, timeout = \"20s\"";
    let told = fault(&driven_file(hooks, "start_timeout = \"10s\"")).to_string();
    assert!(
        told.contains("driver.timeout: found \"20s\"; allowed at most start_timeout, which is \"10s\""),
        "{told}"
    );
}

#[test]
fn what_a_driver_does_not_do_is_told() {
    let told = |driver: &str, line: &str| fault(&driven_file(driver, line)).to_string();
    assert!(
        told("docker = \"i\", port = 1", "keep_port = true").contains(
            "keep_port: found true; allowed false, or no such key: the docker driver gives no ports"
        )
    );
    assert!(
        told("ec2 = \"g\"", "registered_by = \"scaler\"")
            .contains("found \"scaler\"; allowed \"backend\", or no such key: instances of an Auto Scaling group register themselves")
    );
}

#[test]
fn backends_that_register_themselves_need_a_listener() {
    let told = fault(&scaled_file("registered_by = \"backend\"")).to_string();
    assert_eq!(
        told,
        "pool.api.scale: found fleet default, whose backends register themselves; allowed registered_by = \"scaler\", or a \
         listener that says registration = true"
    );
    let told = fault("[pool.api.scale]\ndriver = { ec2 = \"g\" }\n").to_string();
    assert!(
        told.ends_with("allowed an Auto Scaling group where a listener says registration = true"),
        "{told}"
    );
}

#[test]
fn a_pool_that_scales_is_joined_and_holds() {
    let told = refused("[pool.api]\nregister = false");
    assert!(
        told.contains(
            "register: found false; allowed true, a table, or no such key: what [scale] starts joins the pool"
        ),
        "{told}"
    );
    let told = refused("min = 0\n[pool.api.hold]\nrequests_max = 0");
    assert!(
        told.contains("found 0; allowed at least 1, since fleet default has min = 0: requests wait until its first backend has started"),
        "{told}"
    );
    let told = refused("[pool.api.hold]\nrequests_max = 0");
    assert!(
        told.contains("since fail_mode is \"hold\", as it is in a pool that scales"),
        "{told}"
    );
    sound(&scaled_file(
        "[pool.api]\nfail_mode = \"refuse\"\n[pool.api.hold]\nrequests_max = 0",
    ));
}

#[test]
fn what_is_only_observed_serves_nobody() {
    let told = fault(&scaled_file("mode = \"observe\"")).to_string();
    assert!(
        told.contains("found no backends; allowed at least one, since route default leads here"),
        "{told}"
    );
    assert!(
        told.contains("with mode = \"observe\" nothing is started"),
        "{told}"
    );
    sound(&scaled_file("mode = \"observe\"\n[pool.api]\nbackends = \"a:1\""));
}

#[test]
fn fleets_have_names() {
    let told = fault(&scaled_file("fleet = 5")).to_string();
    assert!(
        told.contains("found 5; allowed sections with names, as in [pool.api.scale.fleet.NAME]"),
        "{told}"
    );
    let told = fault(&scaled_file("[pool.api.scale.fleet.\"a b\"]")).to_string();
    assert!(
        told.contains("found the name \"a b\"; allowed 1 to 64 letters"),
        "{told}"
    );
    let told = fault(&scaled_file("[pool.api.scale.fleet.eu]\nmode = \"on\"")).to_string();
    assert!(told.contains("fleet.eu.mode: found an unknown key"), "{told}");
    let mut many = String::new();
    (0..257).for_each(|nth| many.push_str(&format!("[pool.api.scale.fleet.f{nth}]\n")));
    let told = fault(&scaled_file(&many)).to_string();
    assert!(told.contains("found 257 fleets; allowed at most 256"), "{told}");
}

#[test]
fn a_fleet_knows_the_keys_of_scale_but_those_of_the_whole() {
    let known = |section: &str| {
        let told = faults(&scaled_file(
            &format!("[pool.api.scale{section}]\nzz = 1").replace("[pool.api.scale]\n", ""),
        ));
        let fault = told
            .into_iter()
            .find(|fault| fault.found == "an unknown key")
            .expect("zz");
        fault.allowed
    };
    assert_eq!(known("").replace("mode, every, fleet, ", ""), known(".fleet.eu"));
}

#[test]
fn a_fleet_upholds_no_more_than_a_token_may_say() {
    let names: Vec<String> = (0..64).map(|nth| format!("\"p{nth}\"")).collect();
    let own = format!("policies = [{}]", names.join(", "));
    sound(&scaled_file(&own));
    let told = fault(&scaled_file(&format!("{own}\n[pool.api]\npolicies = \"eu\""))).to_string();
    assert!(
        told.contains("found 65 policies; allowed at most 64, those of the whole pool included"),
        "{told}"
    );
}
