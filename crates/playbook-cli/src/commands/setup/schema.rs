//! `playbook schema`: what an editor needs to check, explain and complete a playbook while it is written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use playbook_hash::disk::{Durability, replace};
use playbook_types::language::json_schema;

use crate::app::{App, Verbosity};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::render::harmless::harmless;
use crate::term;

/// Print the JSON Schema of playbooks, for editors
#[derive(Debug, Args)]
#[command(after_help = "\
An editor with a YAML language server reads the schema that the first line of a playbook names:
  # yaml-language-server: $schema=playbook.schema.json
'playbook init' writes both. After an update of playbook, or for a playbook that has none:
  playbook schema -o playbook.schema.json")]
pub(crate) struct SchemaArgs {
    /// Write it to this file; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What every schema of ours begins with, and nothing else is overwritten.
const OURS: &str = "written by 'playbook schema'";

/// `playbook schema`
pub(crate) fn cmd_schema(app: &App, args: &SchemaArgs) -> Result<Outcome, CliError> {
    let text = schema_text()?;
    match args.output.as_deref() {
        None => term::out(&text)?,
        Some(file) if file == Path::new("-") => term::out(&text)?,
        Some(file) => {
            let said = write(file, &text)?;
            if app.verbosity > Verbosity::Quiet {
                let file = file.to_string_lossy();
                term::say(&format!("{said} {}\n", harmless(&file)));
            }
        }
    }
    Ok(Outcome::Done)
}

/// The schema as it is printed and written.
pub(super) fn schema_text() -> Result<String, CliError> {
    let schema = json_schema(concat!("playbook ", env!("CARGO_PKG_VERSION")));
    match serde_json::to_string_pretty(&schema) {
        Ok(text) => Ok(text + "\n"),
        Err(error) => Err(CliError::usage(format!("cannot write the schema: {error}"))),
    }
}

/// Writes the file unless it is up to date, and says which.
fn write(file: &Path, text: &str) -> Result<&'static str, CliError> {
    let shown = file.to_string_lossy();
    let shown = harmless(&shown);
    match fs::read(file) {
        Ok(old) if old == text.as_bytes() => return Ok("up to date:"),
        Ok(old) if !is_ours(&old) => {
            let message = format!("{shown} is not a schema of playbook's; nothing was written");
            return Err(CliError::usage(message).hint("name another file with -o"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) if file.is_dir() => {
            let message = format!("{shown} is a directory");
            return Err(CliError::usage(message).hint("name a file in it with -o"));
        }
        Err(error) => {
            let message = format!("cannot read {shown}: {error}");
            return Err(CliError::usage(message).hint("name another file with -o"));
        }
    }
    if let Some(parent) = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        && !parent.is_dir()
    {
        let parent = parent.to_string_lossy();
        let parent = harmless(&parent);
        let message = format!("there is no directory {parent} to write {shown} in");
        return Err(CliError::usage(message).hint(format!("make it first: mkdir -p {parent}")));
    }
    replace(file, text.as_bytes(), Durability::Fast)?;
    Ok("wrote")
}

fn is_ours(bytes: &[u8]) -> bool {
    let beginning = &bytes[..bytes.len().min(200)];
    beginning
        .windows(OURS.len())
        .any(|window| window == OURS.as_bytes())
}
