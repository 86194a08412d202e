//! `playbook dag`: the stages and what leads from one to another, as text or as a picture.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use playbook_exec::plan::{PlanOptions, Selection, plan};

use crate::app::{App, Verbosity};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::graph::text::Needs;
use crate::render::graph::{Picture, dot, json, mermaid, text};
use crate::term;

/// Show the stages and what leads from one to another
#[derive(Debug, Args)]
pub(crate) struct DagArgs {
    /// The playbook, if it ends in .yaml or .yml, then stages [default: all]
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
    /// What to make [default: by the name of the file, else text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write it to this file; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the paths along the arrows of mermaid and dot
    #[arg(long)]
    paths: bool,
    /// Draw the stages alone, without looking at what would run
    #[arg(long)]
    no_state: bool,
}

/// What a graph can be shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for a terminal
    Text,
    /// A flowchart for READMEs and wikis
    Mermaid,
    /// For Graphviz
    Dot,
    /// For programs
    Json,
    /// A drawing
    Svg,
    /// A page to look around in
    Html,
}

/// `playbook dag`
pub(crate) fn cmd_dag(app: &App, args: &DagArgs) -> Result<Outcome, CliError> {
    let format = format(args)?;
    let (file, stages) = app.split(&args.stages);
    let project = app.project(file)?;
    let selection = Selection {
        selectors: stages.to_vec(),
        only: false,
    };
    let options = PlanOptions {
        selection,
        ..PlanOptions::default()
    };
    let plan = plan(&project, &options)?;
    let foretold = if args.no_state {
        Vec::new()
    } else {
        plan.foretell(app.trust)
    };
    let playbook = project.playbook();
    let about = (playbook.name.as_str(), playbook.description.as_deref());
    let picture = Picture::of_plan(&plan, about, &foretold);
    let drawn = match format {
        Format::Text if app.verbosity == Verbosity::Verbose => text::text(&picture, Needs::All),
        Format::Text => text::text(&picture, Needs::Fitting),
        Format::Mermaid => mermaid::mermaid(&picture, args.paths),
        Format::Dot => dot::dot(&picture, args.paths),
        Format::Json => json::json(&picture),
        Format::Svg | Format::Html => String::new(),
    };
    term::out(&drawn)?;
    Ok(Outcome::Done)
}

fn format(args: &DagArgs) -> Result<Format, CliError> {
    Ok(args.format.unwrap_or(Format::Text))
}
