use std::path::PathBuf;
use std::time::Duration;

use portreeve_model::plan::{
    DockerPlan, DriverPlan, Ec2Plan, ExecPlan, FleetPlan, OnExit, ProcessPlan, RegisteredBy,
};

use super::{driven_file, fleets};
use crate::{fault, faults, sound};

fn driven(driver: &str, lines: &str) -> FleetPlan {
    fleets(&sound(&driven_file(driver, lines)).plan.pools[0])[0].clone()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[track_caller]
fn each_refused(cases: &[(&str, &str)]) {
    for (driver, told) in cases {
        let fault = fault(&driven_file(driver, ""));
        assert_eq!(fault.line, 5, "{fault}");
        assert!(fault.to_string().contains(told), "{fault}");
    }
}

#[test]
fn processes_are_read_in_all_their_parts() {
    let fleet = driven(
        "process = [\"./api\", \"--port\", \"{port}\", \"\"], env = { Z = \"{id}\", A = \"\" }, folder = \"/srv/api\", \
         ports = \"8100-8199\", host = \"::1\"",
        "",
    );
    let expected = ProcessPlan {
        command: words(&["./api", "--port", "{port}", ""]),
        env: vec![pair("Z", "{id}"), pair("A", "")],
        folder: Some(PathBuf::from("/srv/api")),
        ports: Some((8_100, 8_199)),
        host: "::1".parse().unwrap(),
    };
    assert_eq!(fleet.driver, DriverPlan::Process(expected));
    assert_eq!(fleet.lifecycle.on_exit, OnExit::Stop);
}

#[test]
fn containers_are_read_in_all_their_parts() {
    let fleet = driven(
        "docker = \"api:1\", port = 8000, command = [\"/api\"], env = { K = \"v\" }, memory = \"256MiB\", cpus = 0.5, \
         network = \"n\", labels = { team = \"shop\" }, endpoint = \"unix:///run/docker.sock\"",
        "",
    );
    let expected = DockerPlan {
        endpoint: "unix:///run/docker.sock".to_owned(),
        image: "api:1".to_owned(),
        command: words(&["/api"]),
        env: vec![pair("K", "v")],
        port: 8_000,
        memory_bytes: Some(256 << 20),
        cpu_thousandths: Some(500),
        network: Some("n".to_owned()),
        labels: vec![pair("team", "shop")],
    };
    assert_eq!(fleet.driver, DriverPlan::Docker(expected));
    assert_eq!(fleet.lifecycle.on_exit, OnExit::Keep);
    let DriverPlan::Docker(plain) = driven("docker = \"api\", port = 1", "").driver else {
        panic!("containers");
    };
    assert_eq!(plain.endpoint, "unix:///var/run/docker.sock");
    assert_eq!((plain.memory_bytes, plain.cpu_thousandths), (None, None));
}

const HOOKS: &str = "exec = { start = [\"a\"], stop = [\"b\", \"{id}\"], list = [\"c\"] }";

#[test]
fn commands_of_the_operator_are_read() {
    let expected = ExecPlan {
        start: words(&["a"]),
        stop: words(&["b", "{id}"]),
        list: words(&["c"]),
        timeout: Duration::from_secs(30),
    };
    assert_eq!(driven(HOOKS, "").driver, DriverPlan::Exec(expected.clone()));
    let timeout = Duration::from_secs(9);
    let short = DriverPlan::Exec(ExecPlan { timeout, ..expected });
    assert_eq!(driven(&format!("{HOOKS}, timeout = \"9s\""), "").driver, short);
    assert_eq!(
        driven(HOOKS, "start_timeout = \"9s\"").driver,
        short,
        "it follows"
    );
}

#[test]
fn instances_of_a_group_register_themselves() {
    let fleet = driven(
        "ec2 = \"api-asg\", region = \"eu-central-1\", endpoint = \"http://127.0.0.1:5000\"",
        "",
    );
    let expected = Ec2Plan {
        group: "api-asg".to_owned(),
        region: Some("eu-central-1".to_owned()),
        endpoint: Some("http://127.0.0.1:5000".to_owned()),
    };
    assert_eq!(fleet.driver, DriverPlan::Ec2(expected));
    assert_eq!(fleet.lifecycle.registered_by, RegisteredBy::Backend);
}

#[test]
fn a_command_is_a_list() {
    each_refused(&[
        (
            "process = \"./api --port {port}\"",
            "found \"./api --port {port}\"; allowed a list of a program and its arguments such as [\"./api\", \"--port\", \
             \"{port}\"] (perhaps [\"./api\", \"--port\", \"{port}\"])",
        ),
        ("process = \"./api\"", "(perhaps [\"./api\"])"),
        ("process = \"\"", "found \"\"; allowed a list"),
        ("process = 5", "found 5; allowed a list"),
        ("process = []", "found an empty list"),
        (
            "process = [\"\"]",
            "process[0]: found \"\"; allowed a list of a program",
        ),
        (
            "process = [\"./api\", 8000]",
            "process[1]: found 8000; allowed a text (in quotes)",
        ),
        (
            "process = [\"./api\", \"{prot}\"]",
            "allowed {port}, {id}, {pool} or {fleet} for the instance's (perhaps {port})",
        ),
        (
            "exec = { start = \"./a\", stop = [\"b\"], list = [\"c\"] }",
            "start: found \"./a\"; allowed a list",
        ),
    ]);
}

#[test]
fn there_is_exactly_one_driver() {
    each_refused(&[
        (
            "env = { A = \"b\" }",
            "driver: found nothing; allowed one of process, docker, exec or ec2",
        ),
        (
            "process = [\"a\"], docker = \"b\"",
            "docker: found a second driver beside process; allowed one of process, docker, exec or ec2 (a fleet has one driver)",
        ),
        (
            "process = [\"a\"], memory = \"1GiB\"",
            "memory: found a key of docker beside process; allowed such a key beside docker only",
        ),
        (
            "exec = { start = [\"a\"], stop = [\"b\"], list = [\"c\"] }, env = { A = \"b\" }",
            "env: found a key of process or docker beside exec",
        ),
        (
            "proces = [\"a\"], process = [\"a\"]",
            "proces: found an unknown key; allowed process",
        ),
    ]);
    let told = faults("[pool.api.scale]\nmin = 1\n");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0]
            .to_string()
            .starts_with("pool.api.scale.driver: found nothing; allowed a table with one of process"),
        "{}",
        told[0]
    );
}

#[test]
fn what_a_driver_cannot_use_is_told() {
    each_refused(&[
        (
            "process = [\"a\"], ports = \"8199-8100\"",
            "(perhaps \"8100-8199\")",
        ),
        (
            "process = [\"a\"], ports = \"0-9\"",
            "allowed a range of ports such as \"8100-8199\"",
        ),
        (
            "process = [\"a\"], ports = 8100",
            "found 8100; allowed a range of ports",
        ),
        (
            "process = [\"a\"], host = \"0.0.0.0\"",
            "(where it is reached: \"127.0.0.1\" on this machine)",
        ),
        (
            "process = [\"a\"], host = \"localhost\"",
            "allowed an IP address such as \"127.0.0.1\"",
        ),
        (
            "process = [\"a\"], env = [\"A=b\"]",
            "found a list; allowed a table of texts",
        ),
        (
            "process = [\"a\"], env = { A = 1 }",
            "env.A: found 1; allowed a text (in quotes)",
        ),
        (
            "process = [\"a\"], env = { \"A=\" = \"\" }",
            "found the name \"A=\"; allowed the name of a variable",
        ),
        (
            "process = [\"a\"], env = { PORTREEVE_TOKEN = \"x\" }",
            "allowed another name: this variable is set by Portreeve for each instance",
        ),
        ("docker = \"an image\", port = 1", "allowed an image such as"),
        (
            "docker = \"i\"",
            "port: found nothing; allowed the port at which it listens inside",
        ),
        (
            "docker = \"i\", port = 0",
            "port: found 0; allowed a whole number from 1 to 65,535",
        ),
        (
            "docker = \"i\", port = 1, cpus = 0.001",
            "found 0.001; allowed a number of CPUs such as 0.5",
        ),
        (
            "docker = \"i\", port = 1, memory = \"1MiB\"",
            "from \"6MiB\" to \"1PiB\"",
        ),
        (
            "docker = \"i\", port = 1, labels = { \"portreeve.id\" = \"x\" }",
            "does not begin with portreeve.",
        ),
        (
            "docker = \"i\", port = 1, endpoint = \"/run/docker.sock\"",
            "(perhaps \"unix:///run/docker.sock\")",
        ),
        (
            "docker = \"i\", port = 1, endpoint = \"https://a:1\"",
            "(TLS to engines is not there yet)",
        ),
        (
            "exec = [\"./start\"]",
            "(a list starts one, and nothing would stop it)",
        ),
        (
            "exec = { start = [\"a\"], stop = [\"b\"] }",
            "exec.list: found nothing; allowed a list",
        ),
        (
            "ec2 = \"arn:aws:autoscaling:x\"",
            "(its name alone, without what stands before it)",
        ),
        (
            "ec2 = \"g\", region = \"EU\"",
            "allowed a region such as \"eu-central-1\"",
        ),
        (
            "ec2 = \"g\", endpoint = \"http://user:pw@a\"",
            "allowed a URL without a path",
        ),
    ]);
}
