//! Commands of the operator's.

use std::time::Duration;

use portreeve_model::plan::ExecPlan;

use crate::pool::scale::command::HOOK;
use crate::quantity::time;
use crate::section::Section;
use crate::word::Complaint;

/// Reads `exec` and `timeout`.
pub(super) fn read(section: &mut Section<'_>) -> Option<ExecPlan> {
    let item = section.get("exec")?;
    let hooks = match item.is_list() {
        true => {
            item.refuse(Complaint::new(EXEC).hint("a list starts one, and nothing would stop it"));
            None
        }
        false => {
            let mut hooks = item.section(Complaint::new(EXEC));
            let commands = ["start", "stop", "list"].map(|key| hook(&mut hooks, key, item.is_table()));
            hooks.finish(&[]);
            Some(commands)
        }
    };
    let mut timeout = TIMEOUT;
    section.quantity("timeout", &time(TIMEOUT_MIN..=HOUR), &mut timeout);
    let [start, stop, list] = hooks?;
    Some(ExecPlan {
        start: start?,
        stop: stop?,
        list: list?,
        timeout,
    })
}

fn hook(hooks: &mut Section<'_>, key: &'static str, is_table: bool) -> Option<Vec<String>> {
    let item = match is_table {
        true => hooks.need(key, HOOK.allowed),
        false => hooks.get(key),
    };
    HOOK.read(&item?)
}

/// How long each command may take by default, if the fleet's `start_timeout` is not shorter.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
const EXEC: &str =
    "a table such as { start = [\"./start\", \"{id}\"], stop = [\"./stop\", \"{id}\"], list = [\"./list\"] }";
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3_600);
