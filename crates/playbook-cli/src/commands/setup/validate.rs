//! `playbook validate`

use std::path::Path;

use clap::Args;
use playbook_exec::plan::unsupported;
use playbook_lock::{LockError, Project};
use playbook_types::finding::{Finding, Findings, Severity};
use playbook_types::graph::PathIndex;
use serde::Serialize;

use crate::app::{App, Verbosity};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::findings::{file_of, render_findings};
use crate::term;

/// Check the playbook and show all findings
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The playbook
    #[arg(value_name = "PLAYBOOK")]
    playbook: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// Count warnings as errors
    #[arg(long)]
    strict: bool,
    /// Print one JSON object per finding
    #[arg(long)]
    json: bool,
}

/// A finding as JSON.
#[derive(Serialize)]
struct Row<'a> {
    severity: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
    path: String,
    file: String,
    line: Option<usize>,
    column: Option<usize>,
}

/// `playbook validate`
pub(crate) fn cmd_validate(app: &App, args: &ValidateArgs) -> Result<Outcome, CliError> {
    let (file, rest) = app.split(&args.playbook);
    if let Some(extra) = rest.first() {
        return Err(CliError::no_such_playbook(extra));
    }
    let file = match file {
        Some(file) => file,
        None => app.locate()?,
    };
    let (findings, stages) = match Project::open_with(&file, args.params.overrides()?) {
        Ok(project) => (with_surroundings(&project), project.playbook().stages.len()),
        Err(LockError::Playbook { findings, .. }) => (findings, 0),
        Err(error) => return Err(error.into()),
    };
    let wrong = findings.has_errors() || (args.strict && !findings.0.is_empty());
    if args.json {
        term::out(&json(&file, &findings))?;
    } else {
        term::say(&render_findings(&file, &findings));
        if app.verbosity > Verbosity::Quiet {
            term::say(&verdict(&file, &findings, stages));
        }
    }
    Ok(if wrong { Outcome::Usage } else { Outcome::Done })
}

/// What only the disk and this version can tell: deps that nobody makes, features not supported yet.
fn with_surroundings(project: &Project) -> Findings {
    let playbook = project.playbook();
    let mut findings = project.warnings().clone();
    let mut outs = PathIndex::default();
    for out in playbook.stages.values().flat_map(|stage| &stage.outs) {
        outs.insert(&out.path, ());
    }
    let mut missing = Vec::new();
    for stage in playbook.stages.values() {
        let at = playbook_types::finding::KeyPath::TOP
            .key("stages")
            .key(stage.name.as_str())
            .key("deps");
        for (i, dep) in stage.deps.iter().enumerate() {
            let made = !outs.holding(&dep.path).is_empty() || !outs.below(&dep.path).is_empty();
            if !made
                && !dep.path.as_str().contains('{')
                && !project.root().resolve(&dep.path).exists()
            {
                let message = format!("{} does not exist, and no stage makes it", dep.path);
                let globbed = dep.path.as_str().contains(['*', '?']);
                missing.push(Finding::warning(at.index(i), message).hint(if globbed {
                    "'*' and '?' stand for themselves: name the directory, or put a wildcard such as {name} there"
                } else {
                    "a run that needs it will fail"
                }));
            }
        }
    }
    let not_yet = unsupported(playbook);
    let not_yet = not_yet.into_iter().map(|it| {
        Finding::warning(it.at, format!("not supported yet: {}", it.what))
            .hint("'playbook run' refuses this playbook")
    });
    findings.0.extend(missing.into_iter().chain(not_yet));
    project.locate(&mut findings);
    findings
}

fn json(file: &Path, findings: &Findings) -> String {
    let row = |finding: &Finding| {
        let row = Row {
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: &finding.message,
            hint: finding.hint.as_deref(),
            path: finding.at.to_string(),
            file: file_of(finding, file).display().to_string(),
            line: finding.place.as_ref().map(|place| place.line),
            column: finding.place.as_ref().map(|place| place.column),
        };
        serde_json::to_string(&row).ok().map(|line| line + "\n")
    };
    findings.0.iter().filter_map(row).collect()
}

fn verdict(file: &Path, findings: &Findings, stages: usize) -> String {
    let count =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (errors, warnings) = (findings.errors().count(), findings.warnings().count());
    let file = file.display();
    match (errors, warnings) {
        (0, 0) => format!(
            "{file}: {}, nothing to complain about\n",
            count(stages, "stage")
        ),
        (0, _) => format!(
            "{file}: {}, {}\n",
            count(stages, "stage"),
            count(warnings, "warning")
        ),
        (_, 0) => format!("{file}: {}\n", count(errors, "error")),
        (..) => format!(
            "{file}: {}, {}\n",
            count(errors, "error"),
            count(warnings, "warning")
        ),
    }
}
