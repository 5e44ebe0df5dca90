//! One run of a command of the operator's.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use portreeve_model::plan::{ExecPlan, Name};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::environment::without_the_proxys;
use crate::fill::filled;
use crate::last_words::LastWords;
use crate::readable::readable;
use crate::system_fault::{not_started, plain};
use crate::{DriverFault, Order, Secret, Stop};

/// The commands of one fleet.
pub(super) struct Hooks {
    pool: Name,
    fleet: Name,
    plan: ExecPlan,
    places: Semaphore,
}

/// What is to be run, and what it is told.
pub(super) struct Hook<'a> {
    kind: Kind,
    id: Option<&'a str>,
    port: Option<u16>,
    env: Vec<(&'a str, String)>,
    token: Option<&'a Secret>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    Stop,
    List,
}

impl<'a> Hook<'a> {
    pub(super) fn start(order: &'a Order) -> Self {
        let mut env: Vec<_> = order
            .env
            .iter()
            .map(|(name, value)| (&**name, value.clone()))
            .collect();
        env.extend(order.port.map(|port| ("PORTREEVE_PORT", port.to_string())));
        Self {
            kind: Kind::Start,
            id: Some(&order.id),
            port: order.port,
            env,
            token: Some(&order.token).filter(|token| !token.reveal().is_empty()),
        }
    }

    pub(super) fn stop(id: &'a str, address: Option<SocketAddr>, how: Stop) -> Self {
        let how = match how {
            Stop::Ask => "ask",
            Stop::Kill => "kill",
        };
        let mut env = vec![("PORTREEVE_STOP", how.to_owned())];
        env.extend(address.map(|address| ("PORTREEVE_ADDRESS", address.to_string())));
        Self {
            kind: Kind::Stop,
            id: Some(id),
            port: address.map(|address| address.port()),
            env,
            token: None,
        }
    }

    pub(super) fn list() -> Self {
        Self {
            kind: Kind::List,
            id: None,
            port: None,
            env: Vec::new(),
            token: None,
        }
    }

    fn fault(&self, reason: String) -> DriverFault {
        DriverFault::Failed {
            what: self.name(),
            reason,
        }
    }

    fn hidden(&self, text: String) -> String {
        match self.token {
            Some(token) => token.hidden_in(text),
            None => text,
        }
    }

    fn name(&self) -> String {
        format!("the hook `{}`", self.kind.name())
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::List => "list",
        }
    }

    fn words(self, plan: &ExecPlan) -> &[String] {
        match self {
            Self::Start => &plan.start,
            Self::Stop => &plan.stop,
            Self::List => &plan.list,
        }
    }
}

impl Hooks {
    pub(super) fn new(pool: Name, fleet: Name, plan: ExecPlan) -> Self {
        Self {
            pool,
            fleet,
            plan,
            places: Semaphore::new(AT_ONCE_MAX),
        }
    }

    pub(super) fn pool(&self) -> &Name {
        &self.pool
    }

    pub(super) fn fleet(&self) -> &Name {
        &self.fleet
    }

    /// What it printed, if it ended with 0 in time.
    pub(super) async fn run(&self, hook: &Hook<'_>) -> Result<Vec<u8>, DriverFault> {
        let limit = self.plan.timeout;
        let late = |_| DriverFault::TimedOut {
            what: hook.name(),
            limit,
        };
        let place = timeout(limit, self.places.acquire()).await.map_err(late)?;
        let child = self.spawn(hook)?;
        // A hook that fails, or is left in the middle, dies with all that it began.
        let group = Group::of(&child);
        let said = timeout(limit, listen(child)).await.map_err(late)?;
        drop(place);
        let printed = judged(hook, said)?;
        if hook.kind != Kind::List {
            group.stay();
        }
        Ok(printed)
    }

    fn spawn(&self, hook: &Hook<'_>) -> Result<Child, DriverFault> {
        let port = hook.port.map(|port| port.to_string());
        let known = self.known(hook, port.as_deref());
        let mut words = hook
            .kind
            .words(&self.plan)
            .iter()
            .map(|word| filled(word, &known));
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        without_the_proxys(command.as_std_mut());
        let marks = [("PORTREEVE_POOL", &*self.pool), ("PORTREEVE_FLEET", &*self.fleet)];
        command
            .args(words)
            .envs(hook.env.iter().map(|(name, value)| (name, value)))
            .envs(marks)
            .envs(hook.id.map(|id| ("PORTREEVE_ID", id)))
            .envs(hook.token.map(|token| ("PORTREEVE_TOKEN", token.reveal())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| not_started(&program, None, &error))
    }

    fn known<'a>(&'a self, hook: &Hook<'a>, port: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
        let mut known = vec![("pool", &*self.pool), ("fleet", &*self.fleet)];
        known.extend(hook.id.map(|id| ("id", id)));
        known.extend(port.map(|port| ("port", port)));
        known
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.pool, self.fleet)
    }
}

/// More wait, at most the time that a hook may take.
const AT_ONCE_MAX: usize = 16;

/// What is left of a process group dies with this.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let raw = child.id().and_then(|id| i32::try_from(id).ok());
        Self(raw.filter(|raw| *raw > 0).and_then(Pid::from_raw))
    }

    /// What a hook leaves running in good order goes on.
    fn stay(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // As a rule nobody is left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// How a hook ended, and what it said.
struct Said {
    status: io::Result<ExitStatus>,
    printed: Vec<u8>,
    complained: Vec<u8>,
}

/// It printed more than anybody needs.
struct TooMuch;

/// Until it ends. What it left running may hold its output open: that is not waited for.
async fn listen(mut child: Child) -> Result<Said, TooMuch> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    let status = {
        let reading = async { tokio::try_join!(collect(out, &mut printed), keep_end(err, &mut complained)) };
        let mut reading = pin!(reading);
        let mut is_read = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status,
                read = &mut reading, if !is_read => is_read = read.map(|_| true)?,
            }
        };
        if !is_read && let Ok(read) = timeout(REST_TIME, reading).await {
            read?;
        }
        status
    };
    Ok(Said {
        status,
        printed,
        complained,
    })
}

/// For what it wrote just before its end.
const REST_TIME: Duration = Duration::from_millis(200);

async fn collect(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), TooMuch> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    // A pipe that cannot be read has ended.
    while let Ok(1..) = pipe.read_buf(into).await {
        if into.len() > PRINTED_BYTES_MAX {
            return Err(TooMuch);
        }
    }
    Ok(())
}

async fn keep_end(pipe: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> Result<(), TooMuch> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    while let Ok(1..) = pipe.read_buf(into).await {
        if into.len() > 2 * COMPLAINT_BYTES_MAX {
            into.drain(..into.len() - COMPLAINT_BYTES_MAX);
        }
    }
    Ok(())
}

const PRINTED_BYTES_MAX: usize = 1 << 20;
const COMPLAINT_BYTES_MAX: usize = 64 << 10;

fn judged(hook: &Hook<'_>, said: Result<Said, TooMuch>) -> Result<Vec<u8>, DriverFault> {
    let said = said.map_err(|TooMuch| {
        hook.fault(format!(
            "it prints more than {PRINTED_BYTES_MAX} bytes, and was killed"
        ))
    })?;
    let status = said
        .status
        .map_err(|error| hook.fault(format!("it cannot be waited for: {}", plain(&error))))?;
    if status.success() {
        return Ok(said.printed);
    }
    let complaint = hook.hidden(complaint(&said.complained));
    Err(hook.fault(match complaint.is_empty() {
        true => how(status),
        false => format!("{}: {}", how(status), LastWords::of(&complaint, REASON_BYTES_MAX)),
    }))
}

/// The lines that it wrote last to its standard error.
fn complaint(written: &[u8]) -> String {
    let lines = written.split(|byte| *byte == b'\n').map(readable);
    let lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).collect();
    lines.join("\n")
}

/// With the code, a fault holds no more than 1 KiB.
const REASON_BYTES_MAX: usize = 900;

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => format!("it ended with {status}"),
    }
}
