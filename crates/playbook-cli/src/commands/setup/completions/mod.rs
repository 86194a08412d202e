//! `playbook completions`: the scripts that shells read, and the words the scripts ask for.

mod runs;
mod words;

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::term;

/// Print the script that completes commands, stages, params and runs in a shell
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
    /// Which of the words is being completed, counted from 0
    #[arg(long, hide = true, value_name = "NUMBER", requires = "words")]
    at: Option<usize>,
    /// The words of a command line, the program's name first
    #[arg(last = true, hide = true, value_name = "WORD", requires = "at")]
    words: Vec<OsString>,
}

/// A shell with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// How the scripts get to where shells find them.
pub(crate) const INSTALLING: &str = "\
To have it in every shell, add to its file of settings:
  ~/.bashrc                   source <(playbook completions bash)
  ~/.zshrc, behind compinit   source <(playbook completions zsh)
  ~/.config/fish/config.fish  playbook completions fish | source
The script asks playbook for the stages, params and runs of the playbook at hand.";

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("script.bash"),
            Self::Zsh => include_str!("script.zsh"),
            Self::Fish => include_str!("script.fish"),
        }
    }
}

/// `playbook completions`
pub(crate) fn cmd_completions(app: &App, args: &CompletionsArgs) -> Result<Outcome, CliError> {
    let Some(at) = args.at else {
        term::out(args.shell.script())?;
        return Ok(Outcome::Done);
    };
    let mut text = String::new();
    for word in words::complete(app, &args.words, at) {
        match (args.shell, word.about) {
            (Shell::Bash, _) | (_, None) => writeln!(text, "{}", word.text).ok(),
            (Shell::Zsh | Shell::Fish, Some(about)) => {
                writeln!(text, "{}\t{about}", word.text).ok()
            }
        };
    }
    term::out(&text)?;
    Ok(Outcome::Done)
}
