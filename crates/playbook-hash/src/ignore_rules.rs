//! What in a directory does not count: `.playbookignore`, and what never does.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::HashError;

/// The file in the root, in gitignore syntax.
const FILE: &str = ".playbookignore";

/// Never counted unless the file says `!…`.
const DEFAULTS: [&str; 8] =
    [".git/", ".hg/", ".svn/", ".playbook/", "__pycache__/", "*.pyc", ".ipynb_checkpoints/", ".DS_Store"];

/// Names the program keeps for itself: never counted, whatever the file says.
const RESERVED: &[u8] = b".playbook-";

/// Which entries of directories do not count.
#[derive(Debug)]
pub struct IgnoreRules {
    root: PathBuf,
    rules: Gitignore,
}

impl IgnoreRules {
    /// Reads the rules of the root.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or has a mistake.
    pub fn load(root: &Path) -> Result<Self, HashError> {
        let file = root.join(FILE);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(HashError::Io { path: file, source }),
        };
        Self::build(root, &file, &text)
    }

    /// Only what is never counted, for a root without a file.
    ///
    /// # Errors
    ///
    /// None; the defaults are sound.
    pub fn defaults_only(root: &Path) -> Result<Self, HashError> {
        Self::build(root, &root.join(FILE), "")
    }

    fn build(root: &Path, file: &Path, text: &str) -> Result<Self, HashError> {
        let wrong = |line: usize, error: &ignore::Error| HashError::IgnoreRules {
            path: file.to_owned(),
            message: format!("line {line}: {error}"),
        };
        let mut builder = GitignoreBuilder::new(root);
        for line in DEFAULTS {
            builder.add_line(None, line).map_err(|error| wrong(0, &error))?;
        }
        for (i, line) in text.lines().enumerate() {
            builder.add_line(None, line).map_err(|error| wrong(i + 1, &error))?;
        }
        let rules = builder.build().map_err(|error| wrong(0, &error))?;
        Ok(Self { root: root.to_owned(), rules })
    }

    /// Whether the entry at `path` does not count. `siblings` are the sorted names of its directory.
    pub(crate) fn ignores(&self, path: &Path, is_dir: bool, siblings: &[OsString]) -> bool {
        let Some(name) = path.file_name() else { return false };
        if name.as_bytes().starts_with(RESERVED) || is_of_a_playbook(name, siblings) {
            return true;
        }
        // A path that is not below the root is matched by its own name alone.
        let seen = if path.starts_with(&self.root) { path } else { Path::new(name) };
        self.rules.matched(seen, is_dir).is_ignore()
    }
}

/// Whether it is the lock or the event log of a playbook beside it.
fn is_of_a_playbook(name: &OsStr, siblings: &[OsString]) -> bool {
    let bytes = name.as_bytes();
    let stem = bytes.strip_suffix(b".lock.yaml").or_else(|| bytes.strip_suffix(b".events.jsonl"));
    let Some(stem) = stem.filter(|stem| !stem.is_empty()) else { return false };
    [".yaml", ".yml"].iter().any(|ending| {
        let playbook = OsString::from_vec([stem, ending.as_bytes()].concat());
        siblings.binary_search_by(|sibling| sibling.as_bytes().cmp(playbook.as_bytes())).is_ok()
    })
}
