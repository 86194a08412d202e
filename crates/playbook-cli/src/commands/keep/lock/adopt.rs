//! `playbook lock adopt`: recording what is there without running it.

use std::fmt::Write as _;

use clap::Args;
use playbook_exec::plan::{PlanOptions, Selection, plan, refuse_unsupported};
use playbook_exec::{Adopted, Adoption, adopt};
use playbook_types::record::lock::DataEntry;

use crate::app::{App, Verbosity};
use crate::commands::keep::verify::no_lock_wanted;
use crate::commands::work::run::{hold, put_right};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::harmless::harmless;
use crate::render::units::bytes;
use crate::term::{self, Tone, paint};

/// Record stages as completed with the files as they are, without running them
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct AdoptArgs {
    /// The playbook, if it ends in .yaml or .yml, then the stages: NAME, a glob ('*' is all), +NAME, NAME+, an out's path
    #[arg(value_name = "STAGE", required = true)]
    stages: Vec<String>,
    /// Show what would be recorded, and record nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    params: ParamArgs,
    /// If a run holds the playbook, fail instead of waiting
    #[arg(long)]
    no_wait: bool,
}

const AFTER_HELP: &str = "\
The next run then takes them for done. Everything that the stages read and make must be there. Their entries say 'adopted: true' until \
they run: that files are what the commands would make is your word, which nothing has checked. Adopted files are never dropped: a run \
that replaces them moves them aside.";

/// `playbook lock adopt`
pub(super) fn cmd_adopt(app: &App, args: &AdoptArgs) -> Result<Outcome, CliError> {
    let (file, stages) = app.split(&args.stages);
    if stages.is_empty() {
        return Err(CliError::usage("no stage is named")
            .hint("'playbook lock adopt STAGE' adopts one, 'playbook lock adopt \"*\"' all"));
    }
    let project = app.project_with(file, &args.params)?;
    refuse_unsupported(project.playbook())?;
    if !project.playbook().policy.lock_file {
        return Err(no_lock_wanted());
    }
    let options = PlanOptions {
        selection: Selection {
            selectors: stages.to_vec(),
            only: true,
        },
        ..PlanOptions::default()
    };
    let _held = if args.dry_run {
        None
    } else {
        let held = hold(app, &project, args.no_wait)?;
        put_right(app, &project, false, &held)?;
        Some(held)
    };
    let plan = plan(&project, &options)?;
    let how = Adoption {
        trust: app.trust,
        now: app.clock.now(),
        record: !args.dry_run,
    };
    let adopted = adopt(&plan, how)?;
    if app.verbosity > Verbosity::Quiet {
        term::say(&told(&adopted, args.dry_run));
    }
    Ok(Outcome::Done)
}

fn told(adopted: &[Adopted], dry_run: bool) -> String {
    let mut text = String::new();
    for one in adopted {
        let stage = one.stage.as_str();
        if one.known {
            let word = paint(Tone::Dim, "same   ");
            writeln!(text, "{word} {stage}  is recorded like this already").ok();
            continue;
        }
        let word = paint(Tone::Good, if dry_run { "would  " } else { "adopted" });
        let note = if one.always_runs {
            "  it runs every time all the same"
        } else {
            ""
        };
        writeln!(text, "{word} {stage}{note}").ok();
        for dep in &one.entry.deps {
            data(&mut text, "dep", dep);
        }
        for out in &one.entry.outs {
            data(&mut text, "out", out);
        }
    }
    let known = adopted.iter().filter(|one| one.known).count();
    let new = adopted.len() - known;
    let done = if dry_run { "to adopt" } else { "adopted" };
    let known = match known {
        0 => String::new(),
        known => format!(" · {known} recorded already"),
    };
    writeln!(text, "{new} {done}{known}").ok();
    text
}

fn data(text: &mut String, what: &str, data: &DataEntry) {
    let path = harmless(data.path.as_str());
    let hash = data.hash.map(|hash| hash.short()).unwrap_or_default();
    let size = data.total_bytes.map(bytes).unwrap_or_default();
    let amount = match data.file_count {
        Some(1) | None => size,
        Some(count) => format!("{count} files, {size}"),
    };
    writeln!(
        text,
        "        {what} {path} {}",
        paint(Tone::Dim, &format!("({amount}, {hash})"))
    )
    .ok();
}
