//! One stage of one run: everything that was told of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use playbook_hash::disk::StateDir;
use playbook_lock::history::{
    FailedTry, GateVerdict, JobRetry, Run, StageOutcome, StageRun, log_name,
};
use playbook_types::units::grouped;

use crate::render::harmless::harmless;
use crate::render::history::moment::second;
use crate::render::history::run::{since, took, word};
use crate::render::history::state::ShownRun;
use crate::render::units::{duration, used};
use crate::term::{Tone, paint};

/// What there is of what a stage printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StageLog {
    /// Nothing: no command of it was started.
    NeverBegan,
    /// Nothing was printed, and so no log was kept.
    Silent,
    /// There was a log here, and it is gone.
    Gone(String),
    /// It is here, with so many bytes.
    There {
        path: PathBuf,
        shown: String,
        bytes: u64,
    },
}

impl StageLog {
    /// Looks for the log of the last attempt.
    pub(crate) fn find(root: &Path, state: &StateDir, run: &Run, stage: &StageRun) -> Self {
        if stage.attempts == 0 {
            return Self::NeverBegan;
        }
        let logs = state.logs_dir();
        let name = log_name(&stage.stage, stage.attempts);
        let path = logs.join(run.short_id()).join(name);
        let shown = path.strip_prefix(root).unwrap_or(&path);
        let shown = shown.display().to_string();
        match path.metadata() {
            Ok(meta) => Self::There {
                path,
                shown,
                bytes: meta.len(),
            },
            // Where no run has logs any more, nobody can tell whether this one had.
            Err(_) if stage.log.is_some() || !logs.is_dir() => Self::Gone(shown),
            Err(_) => Self::Silent,
        }
    }

    /// In words.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::NeverBegan => "none: its command was not started".to_owned(),
            Self::Silent => "(no output)".to_owned(),
            Self::Gone(shown) => format!("{shown} (gone)"),
            Self::There {
                shown, bytes: 0, ..
            } => format!("{shown} (no output)"),
            Self::There { shown, .. } => shown.clone(),
        }
    }
}

/// So many tries of jobs are told of one by one.
const FEW: usize = 5;

/// Everything that was told of a stage, but not what it printed.
pub(crate) fn stage_text(
    root: &Path,
    ShownRun { run, state }: &ShownRun,
    stage: &StageRun,
    log: &StageLog,
) -> String {
    let (tone, word) = word(stage.outcome, *state);
    let mut text = format!(
        "stage '{}' in run {}: {}\n",
        stage.stage,
        run.short_id(),
        paint(tone, word)
    );
    let mut field = |name: &str, value: &str| {
        writeln!(text, "  {name:<8} {}", harmless(value)).ok();
    };
    if let Some(error) = &stage.error {
        field("error", error);
    }
    if let Some(because) = &stage.because {
        field("because", &format!("'{because}' failed"));
    }
    if let Some(why) = &stage.why {
        field("why", why);
    }
    if let Some(started) = stage.started {
        let offset = duration(since(run.started, started));
        let took =
            took(stage).map_or_else(String::new, |took| format!(", took {}", duration(took)));
        field("began", &format!("{} (+{offset}){took}", second(started)));
    }
    if let Some(usage) = &stage.usage {
        field("used", &used(usage));
    }
    for tried in &stage.failed_tries {
        let (label, how) = failed_try(root, tried);
        field(&label, &how);
    }
    for retry in stage.job_retries.iter().take(FEW) {
        let JobRetry {
            job,
            attempt,
            error,
        } = retry;
        let told = format!("job {} ({}): {error}", job.input, job.id);
        field(&format!("try {attempt}"), &told);
    }
    if stage.job_retries.len() > FEW {
        let more = grouped(stage.job_retries.len() - FEW);
        field("", &format!("and {more} more tries of jobs that failed"));
    }
    if let Some(target) = stage.target.as_deref().filter(|target| *target != "local") {
        field("target", target);
    }
    for (nth, line) in stage
        .command
        .iter()
        .flat_map(|text| text.trim_end().lines())
        .enumerate()
    {
        field(if nth == 0 { "command" } else { "" }, line);
    }
    data(root, stage, &mut field);
    if stage.attempts > 0 {
        field("log", &log.told());
    }
    text
}

/// A try before the last: `try 1` and `exit status 3 (…/a.1.log)`.
pub(crate) fn failed_try(
    root: &Path,
    FailedTry {
        attempt,
        error,
        log,
        usage,
    }: &FailedTry,
) -> (String, String) {
    let log = match log {
        Some(log) if root.join(log).exists() => format!(" ({log})"),
        Some(log) => format!(" ({log}, gone)"),
        None => String::new(),
    };
    let used = usage
        .as_ref()
        .map_or_else(String::new, |usage| format!(", after {}", used(usage)));
    (format!("try {attempt}"), format!("{error}{log}{used}"))
}

/// What it made, and what was moved where.
fn data(root: &Path, stage: &StageRun, field: &mut impl FnMut(&str, &str)) {
    let same = match stage.changed {
        Some(false) => " (the same as before)",
        _ => "",
    };
    for made in &stage.outs {
        field("made", &format!("{}{same}", made.path));
    }
    for path in &stage.moved {
        field("moved", &format!("{path} changed while it ran"));
    }
    for path in &stage.nondeterministic {
        field(
            "warning",
            &format!("{path} is not what the same inputs made before"),
        );
    }
    for path in &stage.restored {
        field("restored", &format!("{path} as it was before"));
    }
    let said_no = stage.gate.as_ref().is_some_and(GateVerdict::said_no);
    for kept in &stage.kept {
        let what = if stage.outcome == StageOutcome::Ran || said_no {
            "as it was before"
        } else {
            "as the command left it"
        };
        let gone = match root.join(&kept.kept).symlink_metadata() {
            Ok(_) => "",
            Err(_) => " (gone)",
        };
        field(
            "kept",
            &format!("{} {what}: {}{gone}", kept.path, kept.kept),
        );
    }
    if let Some(gate) = &stage.gate {
        let verdict = if gate.passed { "passed" } else { "failed" };
        field("gate", verdict);
        if let Some(report) = gate.report.as_ref().filter(|_| !gate.passed) {
            field("report", report.as_str());
        }
        for path in &gate.missing {
            field("report", &format!("none: {path} was not written"));
        }
    }
}

/// The line above what a stage printed.
pub(crate) fn output_heading() -> String {
    format!("\n{}\n", paint(Tone::Dim, "output:"))
}
