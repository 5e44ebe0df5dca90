use super::{driven_file, scaled_file};
use crate::sound;

fn warnings(lines: &str) -> Vec<String> {
    sound(&scaled_file(lines)).warnings()
}

fn of_driver(driver: &str, lines: &str) -> Vec<String> {
    sound(&driven_file(driver, lines)).warnings()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_fixed_size_and_one_that_sleeps_are_nobodys_fault() {
    assert_eq!(warnings("max = 1"), NOTHING);
    assert_eq!(warnings("min = 3\nmax = 3"), NOTHING);
    assert_eq!(warnings("min = 0\nmax = 1"), NOTHING);
    assert_eq!(warnings("min = 0"), NOTHING);
    assert_eq!(warnings("target = { in_flight_per_backend = 20 }"), NOTHING);
}

#[test]
fn a_max_that_nothing_asks_for_is_told() {
    let told = "is never reached, as without target, steps or schedule nothing asks for more than";
    assert_eq!(warnings(""), [format!("pool.api.scale.max: {told} 1")]);
    assert_eq!(
        warnings("min = 0\nmax = 4"),
        [format!("pool.api.scale.max: {told} 1")]
    );
    assert_eq!(
        warnings("max = 1\n[pool.api.scale.fleet.eu]\nmin = 2\nmax = 3"),
        [format!("pool.api.scale.fleet.eu.max: {told} 2")]
    );
}

#[test]
fn rules_that_never_want_more_than_min_are_told() {
    assert_eq!(
        warnings("min = 3\nsteps = { requests = 1, max = 3 }\nschedule = { min = 2 }"),
        [
            "pool.api.scale.steps: has no effect, as its max of 3 is no more than min",
            "pool.api.scale.schedule: has no effect, as its min of 2 is no more than min of the fleet"
        ]
    );
    assert_eq!(
        warnings("min = 3\nsteps = { requests = 1, max = 4 }\nschedule = { min = 4 }"),
        NOTHING
    );
}

#[test]
fn targets_that_the_driver_cannot_tell_are_told() {
    let told = of_driver("ec2 = \"g\"", "target = { cpu = \"70%\", load = \"70%\" }");
    assert_eq!(
        told,
        [
            "pool.api.scale.target.cpu: has no effect, as the ec2 driver does not know it; backends may report their load"
        ]
    );
    assert_eq!(
        of_driver("docker = \"i\", port = 1", "target = { memory = \"70%\" }"),
        NOTHING
    );
}

#[test]
fn targets_beside_the_rest_of_the_pool_are_told() {
    assert_eq!(
        warnings("target = { in_flight_per_backend = 20 }\n[pool.api]\nin_flight = 10"),
        [
            "pool.api.scale.target.in_flight_per_backend: 20 is more than in_flight = 10 of the pool, so requests wait before \
             it asks for another backend"
        ]
    );
    assert_eq!(
        warnings(
            "target = { hold_age = \"1s\" }\n[pool.api]\nfail_mode = \"refuse\"\n[pool.api.hold]\nrequests_max = 0"
        ),
        ["pool.api.scale.target.hold_age: has no effect, as the pool holds no requests"]
    );
}

#[test]
fn a_program_that_is_not_told_its_port_is_told_of() {
    let rule = "target = { load = \"70%\" }";
    assert_eq!(
        of_driver("process = [\"./api\"]", rule),
        [
            "pool.api.scale.driver: neither the command nor env says {port}; each instance has to listen at the port that it \
             finds in its variable PORT"
        ]
    );
    assert_eq!(
        of_driver("process = [\"./api\", \"$PORT\"]", rule).len(),
        1,
        "no shell reads it"
    );
    assert_eq!(
        of_driver("process = [\"./api\"], env = { PORT = \"{port}\" }", rule),
        NOTHING
    );
    assert_eq!(
        of_driver("process = [\"sh\", \"-c\", \"exec ./api $PORTREEVE_PORT\"]", rule),
        NOTHING
    );
    let itself = format!("registered_by = \"backend\"\n{rule}");
    assert_eq!(of_driver("process = [\"./api\"]", &itself), NOTHING);
}

#[test]
fn a_request_that_wakes_a_fleet_and_is_not_served_is_told() {
    assert_eq!(
        warnings("min = 0\n[pool.api]\nfail_mode = \"refuse\""),
        [
            "pool.api.scale.min: the requests that wake it are not served, as they are held only with fail_mode = \"hold\""
        ]
    );
}

#[test]
fn a_fleet_that_another_stands_before_is_told() {
    let fleets = |first: &str, second: &str| {
        warnings(&format!(
            "min = 0\n[pool.api.scale.fleet.a]\npolicies = {first}\n[pool.api.scale.fleet.b]\npolicies = {second}"
        ))
    };
    assert_eq!(
        fleets("[\"eu\", \"us\"]", "\"us\""),
        [
            "pool.api.scale.fleet.b.min: no request ever wakes it, as fleet a stands before it and upholds all that it does"
        ]
    );
    assert_eq!(fleets("\"us\"", "[\"eu\", \"us\"]"), NOTHING);
}

#[test]
fn ports_that_are_not_enough_for_two_fleets_are_told() {
    let fleets = |first: &str, second: &str| {
        let fleet = |name: &str, ports: &str| {
            format!(
                "[pool.api.scale.fleet.{name}]\npolicies = \"{name}\"\ndriver = {{ process = [\"{{port}}\"], ports = \"{ports}\" }}\n"
            )
        };
        warnings(&format!(
            "target = {{ load = \"70%\" }}\n{}{}",
            fleet("a", first),
            fleet("b", second)
        ))
    };
    assert_eq!(
        fleets("8100-8112", "8105-8118"),
        [
            "pool.api.scale.fleet.b.driver.ports: shared with pool.api.scale.fleet.a, and both together may want 20 of 19 ports"
        ]
    );
    assert_eq!(fleets("8100-8112", "8105-8119"), NOTHING);
    assert_eq!(fleets("8100-8109", "8110-8119"), NOTHING);
}

#[test]
fn a_page_that_nobody_is_shown_is_told() {
    assert_eq!(
        sound("[pool.api]\nbackends = \"a:1\"\nhold = { page = true }").warnings(),
        [
            "pool.api.hold.page: has no effect, as it is shown while a backend is started, and the pool has no [scale]"
        ]
    );
    assert_eq!(warnings("max = 1\n[pool.api.hold]\npage = true"), NOTHING);
}
