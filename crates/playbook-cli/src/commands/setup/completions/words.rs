//! What may stand at a place of a command line. Whatever goes wrong on the way, there is less to offer, and no message:
//! somebody is typing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _, complete as engine,
};
use playbook_lock::Project;

use crate::app::{App, working_directory};
use crate::args::names_yaml;
use crate::commands::command_line;
use crate::commands::setup::completions::runs::runs;
use crate::render::harmless::harmless;

/// One thing that may stand there.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) about: Option<String>,
}

/// What may stand at place `at`.
pub(super) fn complete(app: &App, words: &[OsString], at: usize) -> Vec<Word> {
    let Some(current) = words.get(at).map(OsString::as_os_str) else {
        return Vec::new();
    };
    // Without HOME the C library would be asked who this is, and a static one cannot tell.
    if current.to_string_lossy().contains('~') && std::env::var_os("HOME").is_none() {
        return Vec::new();
    }
    let named = named_file(&words[..at]).or_else(|| app.locate().ok());
    let mut command = with_completers(command_line(), &Arc::new(Offer::of(named)));
    let here = working_directory().ok();
    let found = engine(&mut command, words.to_vec(), at, here.as_deref()).unwrap_or_default();
    let mut found: Vec<Word> = found.iter().filter_map(word).collect();
    by_their_names(&mut found, &command, &words[..at], current);
    // Who has typed nothing yet is not asking for every option there is, if there is anything else.
    if current.is_empty() && found.iter().any(|word| !word.text.starts_with('-')) {
        found.retain(|word| !word.text.starts_with('-'));
    }
    found
}

/// A command is offered once, by its alias only if that was begun to be typed.
fn by_their_names(
    found: &mut [Word],
    command: &clap::Command,
    before: &[OsString],
    current: &OsStr,
) {
    if before
        .iter()
        .any(|word| command.find_subcommand(word).is_some())
    {
        return;
    }
    for word in found {
        let named = command
            .find_subcommand(&word.text)
            .map(clap::Command::get_name);
        if let Some(name) =
            named.filter(|name| current.to_str().is_some_and(|it| name.starts_with(it)))
        {
            name.clone_into(&mut word.text);
        }
    }
}

/// Shells are given one word a line.
fn word(candidate: &CompletionCandidate) -> Option<Word> {
    let text = candidate.get_value().to_str()?;
    if text.contains(char::is_control) {
        return None;
    }
    let about = candidate.get_help().map(ToString::to_string);
    let about = about.as_deref().and_then(|about| about.lines().next());
    Some(Word {
        text: text.to_owned(),
        about: about.map(|about| harmless(about).into_owned()),
    })
}

/// The playbook that the words before name, as the commands themselves would find it.
fn named_file(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter().skip(1).map(|word| word.to_string_lossy());
    let mut positional = None;
    while let Some(word) = words.next() {
        if word == "-f" || word == "--file" {
            return words.next().map(|file| PathBuf::from(file.as_ref()));
        }
        let inside = word.strip_prefix("--file=").or_else(|| {
            let short = word.strip_prefix("-f")?;
            Some(short.strip_prefix('=').unwrap_or(short))
        });
        if let Some(file) = inside {
            return Some(file.into());
        }
        let path = Path::new(word.as_ref());
        if positional.is_none() && names_yaml(path) && path.is_file() {
            positional = Some(path.to_owned());
        }
    }
    positional
}

/// What the playbook has to offer, read when it is first asked for.
struct Offer {
    file: Option<PathBuf>,
    names: OnceLock<Names>,
}

#[derive(Default)]
struct Names {
    stages: Vec<(String, Option<String>)>,
    outs: Vec<String>,
    params: Vec<String>,
}

const STATES: [(&str, &str); 2] = [
    (
        "state:failed",
        "Stages whose last run failed or was cut off",
    ),
    ("state:stale", "Stages that would run"),
];

impl Offer {
    fn of(file: Option<PathBuf>) -> Self {
        Self {
            file,
            names: OnceLock::new(),
        }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let project = self.file.as_deref().map(Project::open);
            project
                .and_then(Result::ok)
                .map_or_else(Names::default, |it| Names::of(&it))
        })
    }

    /// Stages, with a `+` in front of them if there is one; states; paths of outs and playbooks where nothing else fits.
    fn selectors(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let Some(current) = current.to_str() else {
            return Vec::new();
        };
        let (plus, name) = match current.strip_prefix('+') {
            Some(name) => ("+", name),
            None => ("", current),
        };
        let names = self.names();
        if let Some(name) = name.strip_suffix('+')
            && names.stages.iter().any(|(stage, _)| stage == name)
        {
            return vec![CompletionCandidate::new(current)];
        }
        let mut found: Vec<CompletionCandidate> = names
            .stages
            .iter()
            .filter(|(stage, _)| stage.starts_with(name))
            .map(|(stage, about)| described(format!("{plus}{stage}"), about.as_deref()))
            .collect();
        let states = STATES
            .iter()
            .filter(|(state, _)| state.starts_with(current));
        found.extend(states.map(|(state, about)| described((*state).to_owned(), Some(about))));
        if found.is_empty() {
            let outs = names.outs.iter().filter(|out| out.starts_with(name));
            found.extend(outs.map(|out| CompletionCandidate::new(format!("{plus}{out}"))));
            found.extend(playbooks(OsStr::new(current)));
        }
        found
    }

    /// Runs, and behind the `/` of one the stages.
    fn runs(&self, current: &OsStr, with_stages: bool) -> Vec<CompletionCandidate> {
        let Some(current) = current.to_str() else {
            return Vec::new();
        };
        if let Some((run, name)) = current.split_once('/').filter(|_| with_stages) {
            let stages = self.names().stages.iter();
            let stages = stages.filter(|(stage, _)| stage.starts_with(name));
            let whole = |(stage, about): &(String, Option<String>)| {
                described(format!("{run}/{stage}"), about.as_deref())
            };
            return stages.map(whole).collect();
        }
        let runs = self.file.as_deref().map(|file| runs(file, current));
        let runs = runs.unwrap_or_default().into_iter();
        let mut found: Vec<CompletionCandidate> = runs
            .map(|(name, about)| described(name, about.as_deref()))
            .collect();
        if found.is_empty() {
            found = playbooks(OsStr::new(current));
        }
        found
    }

    /// Params, each with the `=` that has to follow.
    fn params(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let Some(current) = current.to_str() else {
            return Vec::new();
        };
        let params = self.names().params.iter();
        let fitting = params.filter(|param| param.starts_with(current));
        fitting
            .map(|param| CompletionCandidate::new(format!("{param}=")))
            .collect()
    }
}

impl Names {
    fn of(project: &Project) -> Self {
        let playbook = project.playbook();
        let stages = playbook.stages.values();
        let outs = playbook.stages.values().flat_map(|stage| &stage.outs);
        Self {
            stages: stages
                .map(|stage| (stage.name.as_str().to_owned(), stage.description.clone()))
                .collect(),
            outs: outs.map(|out| out.path.as_str().to_owned()).collect(),
            params: leaves(&playbook.params.keys()),
        }
    }
}

/// Without those that hold others: these can be set, but hardly on a command line.
fn leaves(keys: &[String]) -> Vec<String> {
    let holds = |key: &String| {
        keys.iter().any(|other| {
            other
                .strip_prefix(key.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    keys.iter().filter(|key| !holds(key)).cloned().collect()
}

fn described(text: String, about: Option<&str>) -> CompletionCandidate {
    CompletionCandidate::new(text).help(about.map(|about| about.to_owned().into()))
}

/// Files that may be playbooks, and directories on the way to them.
fn playbooks(current: &OsStr) -> Vec<CompletionCandidate> {
    PathCompleter::file()
        .filter(|path| path.is_dir() || names_yaml(path))
        .complete(current)
}

/// Tells what the arguments are whose help calls them a stage, a param, a run or a playbook.
fn with_completers(mut command: clap::Command, offer: &Arc<Offer>) -> clap::Command {
    let names = command.get_subcommands().map(|it| it.get_name().to_owned());
    for name in names.collect::<Vec<_>>() {
        command = command.mut_subcommand(name, |command| with_completers(command, offer));
    }
    command.mut_args(|arg| {
        let offer = Arc::clone(offer);
        let called = arg.get_value_names().and_then(|names| names.first());
        match called.map(clap::builder::Str::as_str) {
            Some("STAGE" | "STAGES") => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
                offer.selectors(current)
            })),
            Some("KEY=VALUE") => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
                offer.params(current)
            })),
            Some(named @ ("RUN" | "RUN[/STAGE]")) => {
                let with_stages = named != "RUN";
                arg.add(ArgValueCompleter::new(move |current: &OsStr| {
                    offer.runs(current, with_stages)
                }))
            }
            Some("PLAYBOOK") => arg.add(ArgValueCompleter::new(playbooks)),
            _ => arg,
        }
    })
}
