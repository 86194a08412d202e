//! Where and when the figures were made.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use crate::tools::output_of;

/// A table of what is known of this machine. What cannot be found out is not in it.
pub(super) fn describe(dir: &Path) -> String {
    let dir = dir.to_string_lossy();
    let facts = [
        ("date", said("date", &["-u", "+%Y-%m-%d"])),
        ("commit", commit()),
        ("compiler", said("rustc", &["--version"])),
        ("processor", field("/proc/cpuinfo", "model name")),
        ("cores", Some(threads().to_string())),
        ("memory", memory()),
        ("kernel", said("uname", &["-srm"])),
        ("file system", said("df", &["--output=fstype", &dir])),
        ("load average before", load()),
    ];
    let mut text = "| | |\n|---|---|\n".to_owned();
    for (name, fact) in facts {
        if let Some(fact) = fact {
            // A string takes whatever is written to it.
            let _ok = writeln!(text, "| {name} | {fact} |");
        }
    }
    text
}

/// How many threads run at once here.
pub(super) fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The last line that a program says.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = output_of(program, args)?;
    let line = String::from_utf8_lossy(&output)
        .lines()
        .last()?
        .trim()
        .to_owned();
    (!line.is_empty()).then_some(line)
}

fn commit() -> Option<String> {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"])?;
    let clean = output_of("git", &["status", "--porcelain", "-uno"])?.is_empty();
    Some(if clean {
        commit
    } else {
        format!("{commit}, with changes")
    })
}

fn memory() -> Option<String> {
    let found = field("/proc/meminfo", "MemTotal")?;
    let kib: u64 = found.split(' ').next()?.parse().ok()?;
    Some(format!("{} GiB", (kib + (1 << 19)) >> 20))
}

fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

fn field(file: &str, name: &str) -> Option<String> {
    value(&fs::read_to_string(file).ok()?, name)
}

/// The value of the first line `NAME : VALUE`.
fn value(text: &str, name: &str) -> Option<String> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_of_a_name_counts() {
        let text = "processor\t: 0\nmodel name\t: A B @ 2 GHz\n\nmodel name\t: C\n";
        assert_eq!(value(text, "model name").as_deref(), Some("A B @ 2 GHz"));
        assert_eq!(value(text, "model"), None);
    }
}
