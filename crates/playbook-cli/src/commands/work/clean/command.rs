//! `playbook clean`

use std::fmt::Write as _;

use clap::Args;
use playbook_exec::clean::{
    Only, RECENT_RUNS, Spare, SpareKind, remove_spare, spare_outs, spare_state,
};
use playbook_lock::run_lock::{Contention, RunLock};
use playbook_lock::{LockError, Project, Recorded};

use crate::app::{App, Verbosity};
use crate::commands::keep::verify::selected;
use crate::commands::work::clean::told::{Telling, tell_left};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::units::bytes;
use crate::term;

/// Remove what runs have left, and show what else could go
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct CleanArgs {
    /// The playbook, if it ends in .yaml or .yml, then stages; only what is theirs is removed
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// Remove the logs of all runs
    #[arg(long)]
    logs: bool,
    /// Remove what only saves time: the next run reads and works out everything again
    #[arg(long)]
    cache: bool,
    /// Remove what failed stages and jobs left, and files of yours that were moved aside; with --yes
    #[arg(long)]
    kept: bool,
    /// Remove what is on record of the jobs of fan-outs: all of them run again; with --yes
    #[arg(long)]
    jobs: bool,
    /// Remove outs that are exactly what the lock records; with --yes
    #[arg(long)]
    outs: bool,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Really remove what --kept, --jobs and --outs name
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
}

const AFTER_HELP: &str = "\
Without an option the logs of all but the last 10 runs go, what was left half written, and what is on record of the jobs of \
stages that are gone. The lock and the event log are never \
touched ('playbook log --compact' makes that one shorter). An out that was edited, adopted, or that its stage would not make \
again, stays and is named.";

/// `playbook clean`
pub(crate) fn cmd_clean(app: &App, args: &CleanArgs) -> Result<Outcome, CliError> {
    let (file, selectors) = app.split(&args.stages);
    let project = app.project(file)?;
    let stages = selected(&project, selectors)?;
    if args.cache && stages.is_some() {
        return Err(
            CliError::usage("what saves time is the whole playbook's, not a stage's")
                .hint("leave out the stages, or --cache"),
        );
    }
    let held = hold(app, &project, args)?;
    let recorded = Recorded::read(&project)?;
    refuse_unfinished(&recorded, held.is_some(), args.outs)?;
    let clean = Clean {
        project: &project,
        recorded: &recorded,
        only: stages.as_ref(),
        args,
    };
    let told = clean.carry_out()?;
    if app.verbosity > Verbosity::Quiet {
        term::out(&told)?;
    }
    Ok(Outcome::Done)
}

/// The right to remove something, if anything is to be removed.
fn hold(app: &App, project: &Project, args: &CleanArgs) -> Result<Option<RunLock>, CliError> {
    let of_data = args.kept || args.jobs || args.outs;
    let only_shown = of_data && !(args.yes || args.logs || args.cache);
    let state = project.state_dir();
    if args.dry_run || only_shown || !(args.outs || state.as_path().exists()) {
        return Ok(None);
    }
    let held = app.take_run_lock(&state, Contention::Fail);
    held.map(Some).map_err(|error| {
        if error.outcome() == Outcome::Held {
            error.hint_instead("nothing was removed; clean up when it has ended")
        } else {
            error
        }
    })
}

/// What a dead run left is its recovery's to look at: logs, what is aside, what it kept.
fn refuse_unfinished(recorded: &Recorded, held: bool, outs: bool) -> Result<(), CliError> {
    match &recorded.unfinished {
        // Who holds the lock knows that no other run does.
        Some(run) if held || (outs && run.holder.is_none()) => Err(CliError::usage(
            "the last run died, and what it left has not been put right yet; nothing was removed",
        )
        .hint("'playbook run' puts it right before it does anything else")),
        Some(run) if outs => {
            let holder = run.holder.clone().unwrap_or_default();
            let error = CliError::from(LockError::Held { holder });
            Err(error.hint_instead("look again when it has ended: it is making outs anew"))
        }
        Some(_) | None => Ok(()),
    }
}

/// What is to be done.
struct Clean<'a> {
    project: &'a Project,
    recorded: &'a Recorded,
    only: Only<'a>,
    args: &'a CleanArgs,
}

/// What becomes of things of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// They go.
    Removed,
    /// They would go.
    Shown,
    /// They are only counted.
    Other,
}

impl Clean<'_> {
    fn carry_out(&self) -> Result<String, CliError> {
        let mut spares = spare_state(self.project, self.only);
        let mut left = Vec::new();
        if self.args.outs {
            let (outs, others) = spare_outs(self.project, self.recorded, self.only)?;
            spares.extend(outs);
            left = others;
        }
        let (mut text, mut removed, mut shown) = (String::new(), 0, 0);
        for kind in [
            SpareKind::HalfWritten,
            SpareKind::OldLogs,
            SpareKind::RecentLogs,
            SpareKind::GoneJobs,
            SpareKind::Cache,
            SpareKind::Failed,
            SpareKind::WorkDirs,
            SpareKind::Kept,
            SpareKind::Jobs,
            SpareKind::Out,
        ] {
            let fate = self.fate(kind);
            let of_kind: Vec<&Spare> = spares.iter().filter(|spare| spare.kind == kind).collect();
            if fate == Fate::Other || of_kind.is_empty() {
                continue;
            }
            let total: u64 = of_kind.iter().map(|spare| spare.bytes).sum();
            match fate {
                Fate::Removed => {
                    for spare in &of_kind {
                        remove_spare(self.project, spare)?;
                    }
                    removed += total;
                }
                Fate::Shown | Fate::Other => shown += total,
            }
            let telling = Telling {
                project: self.project,
                some_stages: self.only.is_some(),
                removed: fate == Fate::Removed,
            };
            telling.tell(&mut text, kind, &of_kind);
        }
        for out in &left {
            tell_left(&mut text, out);
        }
        self.sum_up(&mut text, removed, shown);
        if !self.asks() {
            self.tell_others(&mut text, &spares);
        }
        Ok(text)
    }

    /// Whether something special was asked for.
    fn asks(&self) -> bool {
        let args = self.args;
        args.logs || args.cache || args.kept || args.jobs || args.outs
    }

    fn fate(&self, kind: SpareKind) -> Fate {
        let CleanArgs {
            logs,
            cache,
            kept,
            jobs,
            outs,
            dry_run,
            yes,
            ..
        } = self.args;
        let wanted = match kind {
            SpareKind::HalfWritten | SpareKind::GoneJobs => !self.asks(),
            SpareKind::OldLogs => !self.asks() || *logs,
            SpareKind::RecentLogs => *logs,
            SpareKind::Cache => *cache,
            SpareKind::Kept | SpareKind::Failed | SpareKind::WorkDirs => *kept,
            SpareKind::Jobs => *jobs,
            SpareKind::Out => *outs,
        };
        let is_data = matches!(
            kind,
            SpareKind::Kept
                | SpareKind::Failed
                | SpareKind::WorkDirs
                | SpareKind::Jobs
                | SpareKind::Out
        );
        match wanted {
            false => Fate::Other,
            true if *dry_run || (is_data && !yes) => Fate::Shown,
            true => Fate::Removed,
        }
    }

    fn sum_up(&self, text: &mut String, removed: u64, shown: u64) {
        let needs_yes = shown > 0 && !self.args.dry_run;
        if removed > 0 {
            writeln!(text, "{} removed", bytes(removed)).ok();
        }
        if shown > 0 {
            writeln!(
                text,
                "{} would go; nothing of that was removed",
                bytes(shown)
            )
            .ok();
        }
        if needs_yes {
            let hint = "to remove it: the same command with --yes";
            text.push_str(&crate::error::hint_line(hint));
        }
        if removed == 0 && shown == 0 && text.is_empty() {
            text.push_str("nothing to remove\n");
        }
    }

    /// What else could be removed, and how.
    fn tell_others(&self, text: &mut String, spares: &[Spare]) {
        let total = |kinds: &[SpareKind]| -> u64 {
            let of_kinds = spares.iter().filter(|spare| kinds.contains(&spare.kind));
            of_kinds.map(|spare| spare.bytes).sum()
        };
        let outs = self.recorded_outs();
        let last = format!("logs of the last {RECENT_RUNS} runs");
        let rows = [
            ("--logs", total(&[SpareKind::RecentLogs]), last.as_str()),
            (
                "--cache",
                total(&[SpareKind::Cache]),
                "what only saves time",
            ),
            (
                "--kept",
                total(&[SpareKind::Kept, SpareKind::Failed, SpareKind::WorkDirs]),
                "your files that were moved aside, and what failed stages and jobs left",
            ),
            (
                "--jobs",
                total(&[SpareKind::Jobs]),
                "which jobs of fan-outs are done; without it all of them run again",
            ),
            ("--outs", outs, "outs, as the lock records them"),
        ];
        let rows: Vec<_> = rows.into_iter().filter(|(_, size, _)| *size > 0).collect();
        if rows.is_empty() {
            return;
        }
        text.push_str("can be removed as well:\n");
        for (flag, size, what) in rows {
            writeln!(text, "  {flag:<7}  {:>10}  {what}", bytes(size)).ok();
        }
    }

    /// How much the recorded outs were when they were made, of those that are still there.
    fn recorded_outs(&self) -> u64 {
        let Some(lock) = self.recorded.lock() else {
            return 0;
        };
        let entries = lock.stages.iter().filter(|(name, entry)| {
            let wanted = self.only.is_none_or(|only| only.contains(*name));
            wanted && !entry.adopted
        });
        let outs = entries.flat_map(|(_, entry)| &entry.outs);
        let there = outs.filter(|out| {
            let place = self.project.root().resolve(&out.path);
            place.symlink_metadata().is_ok()
        });
        there.filter_map(|out| out.total_bytes).sum()
    }
}
