//! What the commands of drivers may be.

use crate::command::Command;

/// The program of an instance.
pub(super) const PROCESS: Command = Command {
    allowed: "a list of a program and its arguments such as [\"./api\", \"--port\", \"{port}\"]",
    ..OF_INSTANCE
};

/// What a container runs instead of what its image says.
pub(super) const CONTAINER: Command = Command {
    allowed: "a list of a program and its arguments such as [\"/api\", \"--port\", \"{port}\"]",
    ..OF_INSTANCE
};

/// A command of the operator's.
pub(super) const HOOK: Command = Command {
    allowed: "a list of a program and its arguments such as [\"./start\", \"{id}\"]",
    ..OF_INSTANCE
};

/// The value of a variable.
pub(super) const OF_INSTANCE: Command = Command {
    allowed: "a text",
    placeholders: &["port", "id", "pool", "fleet"],
    known: "{port}, {id}, {pool} or {fleet} for the instance's",
    may_be_text: false,
};
