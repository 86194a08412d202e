//! What in a directory does not count: `.playbookignore`, and what never does.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::HashError;

/// The file in the root, in gitignore syntax.
const FILE: &str = ".playbookignore";

/// Never counted unless the file says `!…`.
const DEFAULTS: [&str; 8] = [
    ".git/",
    ".hg/",
    ".svn/",
    ".playbook/",
    "__pycache__/",
    "*.pyc",
    ".ipynb_checkpoints/",
    ".DS_Store",
];

/// Names the program keeps for itself: never counted, whatever the file says.
const RESERVED: &[u8] = b".playbook-";

/// Which entries of directories do not count.
#[derive(Debug)]
pub struct IgnoreRules {
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
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::build(root, &file, &text),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::build(root, &file, ""),
            Err(source) => Err(HashError::Io {
                action: "read",
                path: file,
                source,
            }),
        }
    }

    /// Whether the file in the root, if there is one, can be read and has no mistake.
    pub fn are_sound(root: &Path) -> bool {
        match root.join(FILE).symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            _ => Self::load(root).is_ok(),
        }
    }

    /// Only what is never counted.
    ///
    /// # Errors
    ///
    /// None; the defaults are sound.
    pub fn defaults_only() -> Result<Self, HashError> {
        Self::build(Path::new("/"), Path::new(FILE), "")
    }

    fn build(root: &Path, file: &Path, text: &str) -> Result<Self, HashError> {
        let wrong = |line: usize, error: ignore::Error| HashError::IgnorePattern {
            path: file.to_owned(),
            line,
            problem: error.to_string(),
        };
        let mut builder = GitignoreBuilder::new(root);
        let own = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
        let lines = DEFAULTS
            .into_iter()
            .map(|line| (0, line))
            .chain((1..).zip(own));
        for (number, line) in lines {
            builder
                .add_line(None, line)
                .map_err(|error| wrong(number, error))?;
        }
        let rules = builder.build().map_err(|error| wrong(0, error))?;
        Ok(Self { rules })
    }

    /// Whether the entry at `path` does not count. `beside` tells whether a name stands beside it.
    ///
    /// Outside the root, where a path has no place that a pattern with a slash could mean, only patterns
    /// without one apply.
    pub(crate) fn ignores(
        &self,
        path: &Path,
        is_dir: bool,
        beside: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let Some(name) = path.file_name().map(OsStr::as_bytes) else {
            return false;
        };
        match self.rules.matched(path, is_dir) {
            Match::Ignore(_) => true,
            Match::Whitelist(_) => is_reserved(name),
            Match::None => is_reserved(name) || is_of_a_playbook(name, beside),
        }
    }
}

/// Whether the program keeps the name for itself.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(RESERVED)
}

/// Whether it is the lock or the event log of a playbook beside it.
fn is_of_a_playbook(name: &[u8], beside: impl Fn(&[u8]) -> bool) -> bool {
    let stem = name
        .strip_suffix(b".lock.yaml")
        .or_else(|| name.strip_suffix(b".events.jsonl"));
    let Some(stem) = stem.filter(|stem| !stem.is_empty()) else {
        return false;
    };
    [".yaml", ".yml"]
        .iter()
        .any(|ending| beside(&[stem, ending.as_bytes()].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> IgnoreRules {
        IgnoreRules::build(Path::new("/r"), Path::new("/r/.playbookignore"), text).unwrap()
    }

    fn ignored(rules: &IgnoreRules, path: &str) -> bool {
        let is_dir = path.ends_with('/');
        rules.ignores(Path::new(path.trim_end_matches('/')), is_dir, |name| {
            name == b"p.yaml" || name == b"q.yml"
        })
    }

    #[test]
    fn defaults_and_exceptions() {
        let defaults = IgnoreRules::defaults_only().unwrap();
        for path in [
            "/r/.git/",
            "/r/a/.git/",
            "/r/.playbook/",
            "/r/x.pyc",
            "/r/a/.DS_Store",
            "/o/__pycache__/",
            "/r/.playbook-tmp-x",
            "/o/.playbook-aside-1/",
            "/r/p.lock.yaml",
            "/o/q.events.jsonl",
        ] {
            assert!(ignored(&defaults, path), "{path}");
        }
        for path in [
            "/r/.git",
            "/r/x.py",
            "/r/o.lock.yaml",
            "/r/.lock.yaml",
            "/r/.playbookignore",
            "/r/p.yaml",
        ] {
            assert!(!ignored(&defaults, path), "{path}");
        }
        let back = rules("!.git/\n!*.pyc\n!p.lock.yaml\n!.playbook-*\n");
        for path in ["/r/.git/", "/r/x.pyc", "/r/p.lock.yaml"] {
            assert!(!ignored(&back, path), "{path}");
        }
        assert!(ignored(&back, "/r/.playbook-tmp-x"));
        assert!(ignored(&back, "/r/q.events.jsonl"));
    }

    #[test]
    fn patterns() {
        let rules = rules("\u{feff}*.log\n# no\n/top\na/b\nc/\n\n**/deep/x\n!keep.log\n");
        for path in [
            "/r/x.log",
            "/r/a/x.log",
            "/r/top",
            "/r/a/b",
            "/r/c/",
            "/r/q/c/",
            "/r/q/deep/x",
            "/o/x.log",
            "/r/../o/x.log",
        ] {
            assert!(ignored(&rules, path), "{path}");
        }
        for path in [
            "/r/keep.log",
            "/r/a/top",
            "/r/c",
            "/r/q/a/b",
            "/top",
            "/o/top",
            "/a/b",
            "/r/../top",
        ] {
            assert!(!ignored(&rules, path), "{path}");
        }
    }

    #[test]
    fn odd_names() {
        let rules = rules("a*z\n");
        let odd = OsStr::from_bytes(b"/r/a\xff\nz");
        assert!(rules.ignores(Path::new(odd), false, |_| false));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = IgnoreRules::build(
            Path::new("/r"),
            Path::new("/r/.playbookignore"),
            "ok\n\n[z-a]\n",
        );
        let Err(HashError::IgnorePattern { line, path, .. }) = error else {
            panic!("{error:?}")
        };
        assert_eq!((line, path.as_path()), (3, Path::new("/r/.playbookignore")));
    }
}
