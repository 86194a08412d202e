//! The environment a shell hands on to a command.
//!
//! A shell drops variables, adds some (`OLDPWD`, `SHLVL`, `_`) and gives others values of its own (`IFS`, `OPTIND`): which
//! ones, and from which start on, differs by shell and version. So it is asked, and what it says is [kept](Kept).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use playbook_hash::disk::DiskError;
use playbook_types::model::policy::Environment as Inherited;
use playbook_types::name::EnvName;

use crate::process::builder::{Builder, MARK, STAGE_MARK};
use crate::process::direct::kept::{Kept, Question};

/// What commands find in their environment, except what is of their own stage.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) vars: Vec<(OsString, OsString)>,
    /// Where programs are looked for.
    pub(super) path: OsString,
    /// `_` is the path of the program.
    pub(super) names_program: bool,
}

/// The environments of a run's commands, by where they run and what is declared for them.
#[derive(Debug, Default)]
pub(super) struct Environments(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: Vec<Known>,
    /// Where answers are kept.
    file: Option<PathBuf>,
    /// Those of earlier runs and of this one, once they were wanted.
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Known {
    directory: PathBuf,
    declared: IndexMap<EnvName, String>,
    inherited: Inherited,
    wanted: u32,
    answer: Answer,
}

/// What the shell said.
#[derive(Debug)]
enum Answer {
    NotAsked,
    /// It has to make this environment itself.
    Unclear,
    Known(Arc<Environment>),
}

/// Asking costs as much as a command or two: it has to be worth it.
const WORTH_ASKING: u32 = 4;

/// A playbook with more environments than this is better off with the shell.
const MOST: usize = 32;

impl Environments {
    /// Those whose answers are kept in this file.
    pub(super) fn kept_at(file: PathBuf) -> Self {
        let file = Some(file);
        Self(Mutex::new(State {
            file,
            ..State::default()
        }))
    }

    /// The environment of this command. Nothing while too few have wanted it, or if the shell has to make it.
    pub(super) fn of(&self, builder: &Builder<'_>) -> Option<Arc<Environment>> {
        let mut state = self.state();
        let State { known, file, kept } = &mut *state;
        let same = |known: &Known| {
            known.directory == builder.directory
                && known.declared == *builder.env
                && known.inherited == builder.environment
        };
        let at = known.iter().position(same).or_else(|| {
            (known.len() < MOST).then_some(())?;
            let load = || file.take().map(Kept::load).unwrap_or_default();
            let found = kept.get_or_insert_with(load).find(&Question::of(builder));
            known.push(Known {
                directory: builder.directory.clone(),
                declared: builder.env.clone(),
                inherited: builder.environment,
                wanted: 0,
                answer: found.map_or(Answer::NotAsked, |found| Answer::Known(Arc::new(found))),
            });
            Some(known.len() - 1)
        })?;
        let known = &mut known[at];
        known.wanted += 1;
        if matches!(known.answer, Answer::NotAsked) {
            if known.wanted < WORTH_ASKING {
                return None;
            }
            let found = ask(builder);
            if let (Some(found), Some(kept)) = (&found, kept) {
                kept.note(&Question::of(builder), found);
            }
            known.answer = found.map_or(Answer::Unclear, |found| Answer::Known(Arc::new(found)));
        }
        match &known.answer {
            Answer::Known(environment) => Some(Arc::clone(environment)),
            Answer::NotAsked | Answer::Unclear => None,
        }
    }

    /// Keeps what the shell said in this run.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub(super) fn save(&self) -> Result<(), DiskError> {
        self.state().kept.as_mut().map_or(Ok(()), Kept::save)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value of `_` that no shell gives it.
const NOBODYS: &str = "playbook";

/// Has the shell start a program that prints its environment.
fn ask(builder: &Builder<'_>) -> Option<Environment> {
    const PRINTER: &str = "/usr/bin/env";
    if builder.env.keys().any(|name| name.as_str() == "_") {
        return None;
    }
    let mut command = builder.shell_command(&format!("{PRINTER} -0"));
    let passes = |name: &OsStr| builder.environment.passes(name);
    let callers = std::env::var_os("_").filter(|_| passes(OsStr::new("_")));
    if callers.is_some() {
        command.env("_", NOBODYS);
    }
    let given = std::env::vars_os().map(|(name, _)| name);
    let given: Vec<OsString> = given.filter(|name| passes(name)).collect();
    let declared = builder.env.keys().map(|name| OsStr::new(name.as_str()));
    if !given
        .iter()
        .map(OsString::as_os_str)
        .chain(declared)
        .all(is_harmless)
    {
        return None;
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let printed = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let mut vars = read(&printed.stdout)?;
    let value = |name: &str| {
        let found = vars.iter().find(|(other, _)| *other == *name);
        found.map(|(_, value)| value.clone())
    };
    let marked = value(MARK).is_some_and(|mark| mark == builder.state)
        && value(STAGE_MARK).is_some_and(|stage| stage == builder.stage);
    let path = value("PATH")?;
    let names_program = value("_").is_some_and(|last| last == PRINTER);
    vars.retain(|(name, _)| name != "_");
    match callers {
        Some(callers) if !names_program => vars.push(("_".into(), callers)),
        _ => {}
    }
    marked.then_some(Environment {
        vars,
        path,
        names_program,
    })
}

/// Whether a variable is one that does nothing to a shell that reads no file and no terminal.
fn is_harmless(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    // Functions come in under names like `BASH_FUNC_ls%%`.
    let plain = bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    plain
        && !bytes.first().is_none_or(u8::is_ascii_digit)
        && !["ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS"]
            .iter()
            .any(|other| name == *other)
}

fn read(printed: &[u8]) -> Option<Vec<(OsString, OsString)>> {
    let one = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b'=')?;
        let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((owned(&line[..at]), owned(&line[at + 1..])))
    };
    printed
        .strip_suffix(b"\0")?
        .split(|byte| *byte == 0)
        .map(one)
        .collect()
}
