//! What is said of a run, line by line.

use std::fmt::Write as _;
use std::path::Path;

use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{JobCounts, KeptFile, RunTotals};
use playbook_types::units::{counted, grouped};

use crate::error::hint_line;
use crate::render::foretold::FROZEN;
use crate::render::harmless::harmless;
use crate::render::units::duration;
use crate::term::{Tone, paint};

/// What is told of the jobs of a fan-out that is done.
pub(super) fn of_jobs(jobs: JobCounts) -> String {
    let JobCounts {
        total,
        run,
        cached,
        removed,
        ..
    } = jobs;
    let ran = match (total, cached) {
        (0, _) => ", no jobs: no file matches".to_owned(),
        (_, 0) => format!(", {}", counted(total, "job")),
        _ if run == 0 => ", none of its jobs".to_owned(),
        _ => format!(", {} of {}", grouped(run), counted(total, "job")),
    };
    match removed {
        0 => ran,
        count => format!(
            "{ran}; deleted {} that no job makes any more",
            counted(count, "output")
        ),
    }
}

/// That a file of the user's was moved out of a stage's way.
pub(super) fn kept_line(root: &Path, stage: &StageName, moved: &KeptFile) -> String {
    let KeptFile { path, kept } = moved;
    let slash = if root.join(kept.as_str()).is_dir() {
        "/"
    } else {
        ""
    };
    let what = format!(
        "{path}{slash} as it was is not what a recorded run of stage '{stage}' made; in case you need it, it was moved to {kept}"
    );
    format!("{}: {what}\n", paint(Tone::Warn, "warning"))
}

/// One stage's line.
pub(super) fn line_of(
    width: usize,
    (tone, word): (Tone, &str),
    stage: &StageName,
    more: &str,
) -> String {
    let word = paint(tone, &format!("{word:<6}"));
    let line = format!("{word} {stage:<width$}  {}", harmless(more));
    format!("{}\n", line.trim_end())
}

/// The line of a stage that is up to date.
pub(super) fn cached_line(width: usize, stage: &StageName, reason: HitKind) -> String {
    let (front, why) = match reason {
        HitKind::Frozen => ((Tone::Dim, "frozen"), FROZEN),
        HitKind::Hit => ((Tone::Good, "cached"), ""),
    };
    line_of(width, front, stage, why)
}

/// Stages that claim to be deterministic and are not, once at the end: nothing failed, but the lock proves less than it seems to.
pub(super) fn unsteady(all: &[(StageName, Vec<DataPath>)]) -> String {
    let mut text = String::new();
    for (stage, outs) in all {
        let outs: Vec<&str> = outs.iter().map(DataPath::as_str).collect();
        let word = paint(Tone::Warn, "warning");
        let outs = outs.join(", ");
        writeln!(
            text,
            "{word}: '{stage}' made other bytes than before from the same inputs: {outs}"
        )
        .ok();
    }
    if !all.is_empty() {
        text.push_str(&hint_line(
            "find what differs each time (the time, a random seed, the order of threads, another version of a tool), or write \
             'deterministic: false': then it always runs, and what it makes decides",
        ));
    }
    text
}

/// How wide names are shown: as wide as the widest, but not at any price.
pub(super) fn width_of<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let widest = names.map(|name| name.chars().count()).max();
    widest.unwrap_or(0).min(40)
}

/// Stages that a run's figures count among others, and that are told apart.
#[derive(Clone, Copy, Default)]
pub(super) struct Apart {
    /// Counted as failed.
    pub(super) interrupted: usize,
    /// Counted as cached.
    pub(super) frozen: usize,
}

/// The figures of a run.
pub(super) fn total(totals: &RunTotals, apart: Apart) -> String {
    let Apart {
        interrupted,
        frozen,
    } = apart;
    let skipped = match totals.stages_skipped {
        0 => String::new(),
        count => format!(" · {count} skipped"),
    };
    let saved = match totals.stages_cached {
        0 => String::new(),
        _ => format!(" (saved {})", duration(totals.saved_seconds)),
    };
    let RunTotals {
        stages_run,
        stages_cached,
        stages_failed,
        total_seconds,
        ..
    } = totals;
    let took = duration(*total_seconds);
    let failed = stages_failed.saturating_sub(interrupted);
    let cached = stages_cached.saturating_sub(frozen);
    let frozen = match frozen {
        0 => String::new(),
        count => format!(" · {count} frozen"),
    };
    let interrupted = match interrupted {
        0 => String::new(),
        count => format!(" · {count} interrupted"),
    };
    format!(
        "{stages_run} run · {cached} cached{frozen} · {failed} failed{interrupted}{skipped} in {took}{saved}"
    )
}

/// What was kept stays until somebody says that it may go.
pub(super) fn about_kept() -> String {
    hint_line("what was kept stays until 'playbook clean --kept' removes it")
}
