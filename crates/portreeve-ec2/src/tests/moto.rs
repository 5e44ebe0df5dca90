//! moto: an emulation of the AWS API, a program of its own for each test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::AutoScalingGroup;

use super::means;

/// It ends with its standard input, and so with the test, however that ends.
pub(super) struct Moto {
    child: Child,
    pub(super) endpoint: String,
}

impl Moto {
    /// `None`: this machine has none, which is said; a failure if it must have one.
    pub(super) fn start() -> Option<Self> {
        let python = python().or_else(skip)?;
        let mut child = Command::new(python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let stdout = child.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines.find_map(|line| Some(line.strip_prefix("port ")?.to_owned()));
        let endpoint = format!("http://127.0.0.1:{}", port.expect("moto says its port"));
        Some(Self { child, endpoint })
    }

    /// Another's client, such as the operator's.
    pub(super) async fn client(&self) -> Client {
        Client::new(&means::sdk(&self.endpoint).await)
    }

    /// An empty group that may have so many.
    pub(super) async fn with_group(self, min: i32, max: i32) -> Self {
        let client = self.client().await;
        let template = client
            .create_launch_configuration()
            .launch_configuration_name("backends")
            .image_id("ami-12c6146b")
            .instance_type("t2.micro");
        template.send().await.expect("a launch configuration is made");
        let group = client
            .create_auto_scaling_group()
            .auto_scaling_group_name(means::GROUP)
            .launch_configuration_name("backends")
            .availability_zones("us-east-1a")
            .min_size(min)
            .max_size(max)
            .new_instances_protected_from_scale_in(true);
        group.send().await.expect("a group is made");
        self
    }

    /// The group as moto has it.
    pub(super) async fn group(&self) -> AutoScalingGroup {
        let described = self.client().await.describe_auto_scaling_groups().send();
        let mut groups = described
            .await
            .expect("moto answers")
            .auto_scaling_groups()
            .to_vec();
        groups.pop().expect("there is a group")
    }

    pub(super) async fn desired(&self) -> i32 {
        self.group().await.desired_capacity().expect("it has one")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter that has moto: beside `moto_server`, on PATH or where `cargo xtask` installs it.
fn python() -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folder = std::env::split_paths(&path)
        .chain([ours])
        .find(|folder| folder.join("moto_server").is_file())?;
    Some(folder.join("python3"))
}

#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn skip() -> Option<PathBuf> {
    let must = std::env::var_os("PORTREEVE_MUST_HAVE_MOTO").is_some_and(|must| must == "1");
    assert!(
        !must,
        "moto_server is not on PATH; `cargo xtask test` installs it"
    );
    eprintln!(
        "SKIPPED: moto is not installed, so the driver for EC2 is not tested; `cargo xtask test` installs it"
    );
    None
}

const PROGRAM: &str = "
import logging, sys
logging.getLogger('werkzeug').setLevel(logging.ERROR)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0)
server.start()
print('port', server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
";
