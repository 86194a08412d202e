//! The files that belong in git are named once, after the first run that made them.
//!
//! Git itself is not started. Whether a file is tracked is read from the index, and whether it is ignored from the ignore files,
//! and both only until the files have been named: that is noted in the state directory.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use memchr::memmem;
use playbook_hash::disk::{self, Durability};
use playbook_lock::Project;
use playbook_types::template::quote_word;

use crate::app::working_directory;
use crate::render::harmless::harmless;

/// What to tell the person of the lock and the event log that a run has just written; nothing if they are in git, ignored
/// there, or were named before, or if there is no git.
pub(super) fn to_add(project: &Project) -> Option<String> {
    let noted = project.state_dir().named_for_git();
    let before = fs::read_to_string(&noted).unwrap_or_default();
    let files = [project.lock_path(), project.events_path()];
    let new: Vec<&str> = files
        .iter()
        .filter_map(|file| file.file_name()?.to_str())
        .filter(|name| !before.lines().any(|line| line == *name))
        .collect();
    if new.is_empty() {
        return None;
    }
    let root = fs::canonicalize(project.root().as_path()).ok()?;
    let repository = Repository::around(&root)?;
    let missing: Vec<&str> = new
        .iter()
        .copied()
        .filter(|name| root.join(name).is_file())
        .filter(|name| !repository.has(&root.join(name)) && !repository.ignores(&root.join(name)))
        .collect();
    // What is in git, or ignored there, need not be looked for again. Where this cannot be noted, it is.
    let note = before
        + &new
            .iter()
            .flat_map(|name| [*name, "\n"])
            .collect::<String>();
    disk::replace(&noted, note.as_bytes(), Durability::Fast).ok();
    (!missing.is_empty()).then(|| told(&root, &missing))
}

fn told(root: &Path, names: &[&str]) -> String {
    let here = working_directory().and_then(|here| Ok(fs::canonicalize(here)?));
    let git = match here {
        Ok(here) if here == root => "git".to_owned(),
        Ok(here) => {
            let there = root.strip_prefix(&here).unwrap_or(root);
            format!("git -C {}", quote_word(&there.to_string_lossy()))
        }
        Err(_) => format!("git -C {}", quote_word(&root.to_string_lossy())),
    };
    let names: Vec<String> = names.iter().map(|name| quote_word(name)).collect();
    let command = format!("{git} add {}", names.join(" "));
    format!("to keep in git: {}\n", harmless(&command))
}

/// A git work tree.
struct Repository {
    /// Its top directory.
    top: PathBuf,
    /// Where git keeps its own files of it.
    own: PathBuf,
}

impl Repository {
    /// The work tree that a directory, an absolute path without links, is in.
    fn around(directory: &Path) -> Option<Self> {
        directory.ancestors().find_map(|top| {
            let own = own_directory(&top.join(".git"))?;
            own.join("HEAD").exists().then(|| Self {
                top: top.to_owned(),
                own,
            })
        })
    }

    /// Whether a file is in the index. Of one in a form that is not known here, all are taken to be.
    fn has(&self, file: &Path) -> bool {
        let Ok(name) = file.strip_prefix(&self.top) else {
            return false;
        };
        let index = fs::read(self.own.join("index")).unwrap_or_default();
        has_entry(&index, name.as_os_str().as_encoded_bytes())
    }

    /// Whether a file is ignored; the rules nearest to it decide.
    fn ignores(&self, file: &Path) -> bool {
        let above = file.ancestors().skip(1);
        let up_to_top = above.take_while(|directory| directory.starts_with(&self.top));
        let near = up_to_top.map(|directory| rules(directory, &directory.join(".gitignore")));
        let own = || rules(&self.top, &self.common().join("info/exclude"));
        let global = || GitignoreBuilder::new(&self.top).build_global().0;
        let all = near
            .chain(std::iter::once_with(own))
            .chain(std::iter::once_with(global));
        let mut decided = all.filter_map(|rules| {
            let found = rules.matched_path_or_any_parents(file, false);
            (!found.is_none()).then(|| found.is_ignore())
        });
        decided.next().unwrap_or(false)
    }

    /// What all work trees of the repository share.
    fn common(&self) -> PathBuf {
        match fs::read_to_string(self.own.join("commondir")) {
            Ok(common) => self.own.join(common.trim_end()),
            Err(_) => self.own.clone(),
        }
    }
}

/// Where git's own files are: `.git` itself, or what it names as a file, in a work tree of its own or a submodule.
fn own_directory(dot_git: &Path) -> Option<PathBuf> {
    if dot_git.is_dir() {
        return Some(dot_git.to_owned());
    }
    let text = fs::read_to_string(dot_git).ok()?;
    let named = text.strip_prefix("gitdir:")?.trim();
    Some(dot_git.parent()?.join(named))
}

/// The rules of one ignore file, for what is below a directory. Lines that are wrong are left out, as git does.
fn rules(below: &Path, file: &Path) -> Gitignore {
    let mut builder = GitignoreBuilder::new(below);
    builder.add(file);
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// Whether there is an entry of this name in a git index (`gitformat-index(5)`) of version 2 or 3. An entry's name stands behind
/// two bytes of flags, whose low 12 bits are its length, and in version 3 perhaps two more; behind it is a NUL.
fn has_entry(index: &[u8], name: &[u8]) -> bool {
    match index.get(..8) {
        Some([b'D', b'I', b'R', b'C', 0, 0, 0, 2 | 3]) => {}
        // In another form names are not there as they are; better to say nothing than what is not so.
        Some(_) => return true,
        None => return false,
    }
    let length = u16::try_from(name.len()).unwrap_or(LONG).min(LONG);
    let flags = |at: Option<usize>| {
        let at = at?;
        let bytes: [u8; 2] = index.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    };
    let plain = |at: usize| {
        let flags = flags(at.checked_sub(2));
        flags.is_some_and(|flags| flags & LONG == length && flags & EXTENDED == 0)
    };
    let extended = |at: usize| {
        let flags = flags(at.checked_sub(4));
        flags.is_some_and(|flags| flags & LONG == length && flags & EXTENDED != 0)
    };
    memmem::find_iter(index, name)
        .any(|at| index.get(at + name.len()) == Some(&0) && (plain(at) || extended(at)))
}

/// The length of names that are as long or longer.
const LONG: u16 = 0xfff;
/// The flag that two more bytes of flags follow.
const EXTENDED: u16 = 0x4000;
