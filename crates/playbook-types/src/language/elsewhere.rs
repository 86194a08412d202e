//! What other tools call what a playbook has, for those who come from them.

use crate::language::Fields;

/// Their names beside ours. One word may stand for several fields; which one is meant is said by where it stands.
const THEIRS: &[(&str, &[&str])] = &[
    (
        "cmd",
        &["command", "commands", "run", "script", "shell_cmd"],
    ),
    ("deps", &["input", "inputs", "source", "sources", "depends"]),
    (
        "outs",
        &["output", "outputs", "generates", "produces", "targets"],
    ),
    ("after", &["needs", "requires", "depends_on", "dependsOn"]),
    (
        "wdir",
        &["workdir", "working_dir", "working_directory", "cwd", "dir"],
    ),
    ("env", &["environment"]),
    ("params", &["vars", "variables"]),
    ("params_files", &["vars_files"]),
    ("policy", &["policies"]),
    ("stages", &["tasks", "steps", "jobs", "rules"]),
    ("retry", &["retries"]),
    ("limit", &["retries", "attempts", "count"]),
    ("initial", &["delay", "wait"]),
    ("factor", &["multiplier"]),
    ("validation", &["validate"]),
    ("cores", &["cpu", "cpus", "threads"]),
    ("memory_gb", &["mem", "ram", "mem_gb"]),
    ("max_workers", &["workers", "jobs", "max_parallel"]),
    ("resources.timeout", &["timeout"]),
    ("resources.cores", &["cores", "cpu", "cpus", "threads"]),
    ("resources.memory_gb", &["memory", "memory_gb", "mem"]),
    ("parallel.max_workers", &["max_workers", "workers"]),
];

/// What a name that is none of these fields probably means. A dotted one stands inside one of them.
pub(crate) fn ours(name: &str, known: &Fields) -> Option<&'static str> {
    let here = |ours: &str| known.has(ours.split('.').next().unwrap_or(ours));
    let mut all = THEIRS.iter();
    let found = all.find(|(ours, theirs)| here(ours) && theirs.contains(&name));
    found.map(|(ours, _)| *ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::stage::{RESOURCES, STAGE};
    use crate::language::top::{PLAYBOOK, POLICY};

    #[test]
    fn a_name_means_what_there_is_where_it_stands() {
        for (name, fields, meant) in [
            ("cpu", &RESOURCES, Some("cores")),
            ("cpu", &STAGE, Some("resources.cores")),
            ("timeout", &STAGE, Some("resources.timeout")),
            ("timeout", &POLICY, None),
            ("outputs", &STAGE, Some("outs")),
            ("jobs", &PLAYBOOK, Some("stages")),
            ("frobnicate", &STAGE, None),
        ] {
            assert_eq!(ours(name, fields), meant, "{name}");
        }
    }
}
