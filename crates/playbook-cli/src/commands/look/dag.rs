//! `playbook dag`: the stages and what leads from one to another, as text or as a picture.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use playbook_exec::plan::{PlanOptions, Selection, plan};

use crate::app::{App, Verbosity};
use crate::commands::look::output;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::params::ParamArgs;
use crate::render::graph::text::Needs;
use crate::render::graph::{Picture, dot, html, json, mermaid, svg, text};
use crate::term::{self, Tone, paint};

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
    #[command(flatten)]
    params: ParamArgs,
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
    let project = app.project_with(file, &args.params)?;
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
        Format::Svg => svg::svg(&picture),
        Format::Html => html::html(&picture, &as_of(app)),
    };
    let drawn = match &args.output {
        // Colours are for terminals.
        Some(_) => anstream::adapter::strip_str(&drawn).to_string(),
        None => drawn,
    };
    match &args.output {
        None => term::out(&drawn)?,
        Some(file) => output::write(app, &project, file, &drawn)?,
    }
    if format == Format::Mermaid && picture.arrows.len() > mermaid::MOST_ARROWS {
        let most = mermaid::MOST_ARROWS;
        note(
            app,
            &format!(
                "there are {} arrows, and Mermaid draws {most} unless its maxEdges is raised; svg and html have no such limit",
                picture.arrows.len()
            ),
        );
    }
    Ok(Outcome::Done)
}

fn note(app: &App, text: &str) {
    if app.verbosity > Verbosity::Quiet {
        term::say(&format!("{}: {text}\n", paint(Tone::Warn, "note")));
    }
}

/// The format that was asked for, or that the file's name says.
fn format(args: &DagArgs) -> Result<Format, CliError> {
    let format = match (args.format, args.output.as_deref()) {
        (Some(format), _) => format,
        (None, None) => Format::Text,
        (None, Some(file)) if file == Path::new("-") => Format::Text,
        (None, Some(file)) => by_name(file)?,
    };
    let shows_paths = match format {
        Format::Mermaid | Format::Dot => true,
        Format::Text | Format::Json | Format::Svg | Format::Html => false,
    };
    if args.paths && !shows_paths {
        return Err(
            CliError::usage("--paths is for the formats mermaid and dot")
                .hint("json has the paths of every edge, svg and html show them at the arrows"),
        );
    }
    match (format, &args.output) {
        (Format::Svg, None) => output::refuse_terminal("a drawing", "playbook dag -o dag.svg")?,
        (Format::Html, None) => output::refuse_terminal("a page", "playbook dag -o dag.html")?,
        _ => {}
    }
    Ok(format)
}

fn by_name(file: &Path) -> Result<Format, CliError> {
    match output::ending(file).as_str() {
        "txt" | "text" => Ok(Format::Text),
        "mmd" | "mermaid" => Ok(Format::Mermaid),
        "dot" | "gv" => Ok(Format::Dot),
        "json" => Ok(Format::Json),
        "svg" => Ok(Format::Svg),
        "html" | "htm" => Ok(Format::Html),
        ending @ ("png" | "pdf" | "jpg" | "jpeg" | "gif" | "webp") => Err(CliError::usage(
            format!("{} cannot be made here", ending.to_uppercase()),
        )
        .hint(format!(
            "Graphviz can: playbook dag --format dot | dot -T{ending} -o {}",
            output::shown(file)
        ))),
        _ => Err(CliError::usage(format!(
            "the name {} does not say what format to write",
            output::shown(file)
        ))
        .hint("say it: --format text, mermaid, dot, json, svg or html")),
    }
}

/// The moment a page tells of.
pub(super) fn as_of(app: &App) -> String {
    format!("as of {}", app.clock.now().strftime("%Y-%m-%d %H:%M UTC"))
}
