//! Which program reads a command, and with what flags.

use playbook_types::model::shell::ShellMode;

/// The program and its arguments before the command text. `--` ends the options, so that a command that
/// begins with a dash is a command.
pub(crate) fn shell_line(mode: ShellMode) -> (&'static str, &'static [&'static str]) {
    match mode {
        ShellMode::Sh | ShellMode::Rash => ("/bin/sh", &["-e", "-c", "--"]),
        ShellMode::Bash => ("bash", &["-eo", "pipefail", "-c", "--"]),
        ShellMode::Raw => ("/bin/sh", &["-c", "--"]),
    }
}
