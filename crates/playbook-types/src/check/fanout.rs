//! Fan-outs: is there something to split, and does each job read and make something of its own?

use crate::check::stage_path;
use crate::finding::{Finding, Mark};
use crate::model::fanout::Parallel;
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;

pub(super) fn check(playbook: &Playbook, found: &mut Vec<Finding>) {
    for stage in playbook.stages.values() {
        if let Some(parallel) = &stage.parallel {
            ends(stage, found);
            gate(stage, found);
            glob(stage, parallel, found);
            ext(stage, parallel, found);
        }
    }
}

/// From one directory into one other.
fn ends(stage: &Stage, found: &mut Vec<Finding>) {
    let name = &stage.name;
    if stage.deps.is_empty() || stage.outs.is_empty() {
        let message =
            format!("stage '{name}' is split by its first dep into its out, and needs both");
        let at = stage_path(stage).key("parallel");
        found.push(
            Finding::error(at, message)
                .mark(Mark::Key)
                .hint("name the directory of the inputs first in 'deps', and in 'outs' the one that jobs make their outputs in"),
        );
    }
    if stage.outs.len() > 1 {
        let message = format!(
            "stage '{name}' has 'parallel' and makes one out: the directory that its jobs make their outputs in"
        );
        let at = stage_path(stage).key("outs").index(1);
        found.push(
            Finding::error(at, message).hint(
                "make the others in a stage of their own, which may read what this one makes",
            ),
        );
    }
}

/// A gate says yes or no once.
fn gate(stage: &Stage, found: &mut Vec<Finding>) {
    if stage.gate {
        let message = format!(
            "stage '{}' is a gate, and cannot be split into jobs",
            stage.name
        );
        let at = stage_path(stage).key("parallel");
        found.push(
            Finding::error(at, message)
                .mark(Mark::Key)
                .hint("make the gate a stage of its own that reads what the jobs make"),
        );
    }
}

fn glob(stage: &Stage, parallel: &Parallel, found: &mut Vec<Finding>) {
    let Some(glob) = &parallel.glob else { return };
    let never = if glob.is_empty() {
        Some("is empty, and no file matches it; leave it out for all files")
    } else if glob.starts_with('/') || glob.starts_with("./") {
        Some("is looked for below the stage's first dep; write it as seen from there")
    } else if glob.split('/').any(|part| part == "..") {
        Some("leads out of the stage's first dep, and no file there matches it")
    } else if glob.ends_with('/') {
        Some(
            "matches directories only, and jobs are made of files; write '/**' at its end for those below",
        )
    } else {
        None
    };
    if let Some(why) = never {
        let at = stage_path(stage).key("parallel").key("glob");
        found.push(Finding::error(at, format!("'{glob}' {why}")));
    }
}

fn ext(stage: &Stage, parallel: &Parallel, found: &mut Vec<Finding>) {
    let Some(ext) = &parallel.ext else { return };
    let at = || stage_path(stage).key("parallel").key("ext");
    if let Some(bare) = ext.strip_prefix('.').filter(|bare| !bare.is_empty()) {
        found.push(
            Finding::error(at(), "an extension is written without its dot")
                .did_you_mean(Some(bare)),
        );
    } else if ext.is_empty() || ext.starts_with('.') || ext.contains(['/', '\0']) {
        found.push(Finding::error(
            at(),
            format!("'{ext}' is no extension of a file"),
        ));
    }
}
