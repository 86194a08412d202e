//! How a stage failed: what, where its log and its report are, and what to do next.

use std::fmt::Write as _;
use std::path::Path;

use playbook_exec::tail;
use playbook_types::name::StageName;
use playbook_types::path::DataPath;
use playbook_types::record::event::{FailedJob, JobCounts, KeptFile};
use playbook_types::units::grouped;

use crate::render::plain::lines::kept_line;
use crate::term::{Tone, paint};

/// Lines of a failed stage's log that are shown.
const TAIL_LINES: usize = 10;

/// How a stage failed.
pub(super) struct Failure<'a> {
    pub(super) stage: &'a StageName,
    pub(super) error: &'a str,
    pub(super) attempt: u32,
    pub(super) log: Option<&'a str>,
    pub(super) restored: &'a [DataPath],
    pub(super) kept: &'a [KeptFile],
    /// Of a fan-out that had begun: its jobs.
    pub(super) jobs: Option<JobCounts>,
    /// The job that failed first.
    pub(super) job: Option<&'a FailedJob>,
}

/// What a gate that failed had to write, and what was told of that.
pub(super) struct Gate<'a> {
    pub(super) reports: &'a [DataPath],
    pub(super) verdict: Verdict,
}

/// What was told of the reports of a gate that failed; nothing if it did not come to its end.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) report: Option<DataPath>,
    pub(super) missing: Vec<DataPath>,
}

impl Gate<'_> {
    /// Whether the gate came to its end: then its reports stand, and its former ones are gone.
    fn said_no(&self) -> bool {
        self.verdict.report.is_some() || !self.verdict.missing.is_empty()
    }

    fn written(&self) -> impl Iterator<Item = &DataPath> {
        let written = |path: &&DataPath| self.said_no() && !self.verdict.missing.contains(*path);
        self.reports.iter().filter(written)
    }
}

impl Failure<'_> {
    /// The message. `command` is what was run.
    pub(super) fn text(
        &self,
        root: &Path,
        command: Option<&str>,
        gate: Option<&Gate<'_>>,
    ) -> String {
        let mut text = String::new();
        let Self { stage, error, .. } = self;
        let what = if gate.is_some() { "gate" } else { "stage" };
        let word = paint(Tone::Bad, "error");
        let ended = match self.attempt {
            0 => "did not start",
            _ => "failed",
        };
        writeln!(text, "{word}: {what} '{stage}' {ended}: {error}").ok();
        if let Some(gate) = gate {
            reports(&mut text, gate);
        }
        let command = command.filter(|command| !command.is_empty());
        if let Some(command) = command.filter(|_| self.attempt > 0) {
            let indented = command.trim_end().replace('\n', "\n           ");
            writeln!(text, "  command: {indented}").ok();
        }
        if let Some(log) = self.log {
            end_of(log, root, &mut text);
        }
        self.jobs(&mut text);
        let said_no = gate.is_some_and(Gate::said_no);
        for KeptFile { path, kept } in self.kept.iter().filter(|_| !said_no) {
            writeln!(
                text,
                "  left:    what the command left at {path} is now {kept}"
            )
            .ok();
        }
        text.push_str(&self.hint(gate));
        // Where a gate said no, nothing of its own was moved away.
        for kept in self.kept.iter().filter(|_| said_no) {
            text.push_str(&kept_line(root, stage, kept));
        }
        text
    }

    /// Where the job that failed left what there is to look at, and how far the others have come.
    fn jobs(&self, text: &mut String) {
        if let Some(work_dir) = self.job.and_then(|job| job.work_dir.as_ref()) {
            writeln!(text, "  work:    {work_dir}").ok();
        }
        if let Some(jobs) = self.jobs.filter(|jobs| jobs.total > 0) {
            let done = grouped(jobs.run + jobs.cached);
            let total = grouped(jobs.total);
            writeln!(
                text,
                "  jobs:    {done} of {total} done; the next run goes on from there"
            )
            .ok();
        }
    }

    /// Where to look next, and what is as it was.
    fn hint(&self, gate: Option<&Gate<'_>>) -> String {
        let mut parts = Vec::new();
        if gate.is_some() {
            parts.push("nothing new is started until it passes".to_owned());
        }
        if self.attempt > 0 {
            let stage = self.stage;
            let job = self.job.map(|job| format!(" {}", job.id));
            let job = job.unwrap_or_default();
            parts.push(format!(
                "'playbook debug {stage}{job}' shows how to run it by hand"
            ));
        }
        parts.extend(kept_outs(self));
        if parts.is_empty() {
            return String::new();
        }
        format!("  hint: {}\n", parts.join("; "))
    }
}

/// That the outs are what they were.
pub(super) fn kept_outs(failure: &Failure<'_>) -> Option<String> {
    let restored: Vec<&str> = failure.restored.iter().map(DataPath::as_str).collect();
    let were = match restored.len() {
        0 => return None,
        1 => "was",
        _ => "were",
    };
    Some(format!("the previous {} {were} kept", restored.join(", ")))
}

/// The reports of a gate that came to its end, and those that it did not write.
fn reports(text: &mut String, gate: &Gate<'_>) {
    for path in gate.written() {
        writeln!(text, "  report:  {path}").ok();
    }
    for path in &gate.verdict.missing {
        writeln!(text, "  report:  none: it did not write {path}").ok();
    }
}

fn end_of(log: &str, root: &Path, text: &mut String) {
    match tail(&root.join(log), TAIL_LINES) {
        Ok(lines) if lines.is_empty() => {
            writeln!(text, "  log:     {log} (empty)").ok();
        }
        Ok(lines) => {
            let many = if lines.len() == TAIL_LINES {
                format!("last {TAIL_LINES} lines")
            } else {
                "all of it".to_owned()
            };
            writeln!(text, "  log:     {log} ({many})").ok();
            for line in lines {
                writeln!(text, "    | {line}").ok();
            }
        }
        Err(error) => {
            writeln!(text, "  log:     {log} (cannot be read: {error})").ok();
        }
    }
}
