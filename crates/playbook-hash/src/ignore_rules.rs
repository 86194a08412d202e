//! What in a directory does not count: `.playbookignore`, and what never does.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use playbook_types::digest::Digest;

use crate::command::digest_bytes;
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
    reach: Reach,
    id: Digest,
    file: PathBuf,
    file_digest: Option<Digest>,
}

/// How much of a path the patterns look at. Most files' fate is told by their names, and making a path for each of
/// a hundred thousand costs more than looking at the files does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// There are only the defaults.
    Defaults,
    /// No pattern has a slash but at its end, so that each is about a name, wherever it stands.
    Names,
    /// All of it.
    Paths,
}

impl Reach {
    fn of(text: &str) -> Self {
        let about_names = |line: &str| {
            let line = line.trim_end();
            !line.strip_suffix('/').unwrap_or(line).contains('/')
        };
        if text.trim().is_empty() {
            Self::Defaults
        } else if text.lines().all(about_names) {
            Self::Names
        } else {
            Self::Paths
        }
    }
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
            Ok(text) => Self::build(root, &file, Some(&text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::build(root, &file, None),
            Err(source) => Err(HashError::Io {
                action: "read",
                path: file,
                source,
            }),
        }
    }

    /// Only what is never counted.
    ///
    /// # Errors
    ///
    /// None; the defaults are sound.
    pub fn defaults_only() -> Result<Self, HashError> {
        Self::build(Path::new("/"), Path::new(FILE), None)
    }

    /// The file that the rules are in.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The plain BLAKE3 of that file; nothing if there is none.
    pub fn file_digest(&self) -> Option<Digest> {
        self.file_digest
    }

    /// What tells these rules from others.
    pub(crate) fn id(&self) -> Digest {
        self.id
    }

    fn build(root: &Path, file: &Path, text: Option<&str>) -> Result<Self, HashError> {
        let wrong = |line: usize, error: ignore::Error| HashError::IgnorePattern {
            path: file.to_owned(),
            line,
            problem: error.to_string(),
        };
        let mut builder = GitignoreBuilder::new(root);
        let own = text.unwrap_or_default();
        let own = own.strip_prefix('\u{feff}').unwrap_or(own);
        let lines = DEFAULTS
            .into_iter()
            .map(|line| (0, line))
            .chain((1..).zip(own.lines()));
        for (number, line) in lines {
            builder
                .add_line(None, line)
                .map_err(|error| wrong(number, error))?;
        }
        let rules = builder.build().map_err(|error| wrong(0, error))?;
        Ok(Self {
            rules,
            reach: Reach::of(own),
            id: digest_bytes(&[root.as_os_str().as_bytes(), b"\0", own.as_bytes()].concat()),
            file: file.to_owned(),
            file_digest: text.map(|text| digest_bytes(text.as_bytes())),
        })
    }

    /// Whether the entry `name` of the directory at `path` does not count. `beside` tells whether a name stands
    /// beside it.
    ///
    /// Outside the root, where a path has no place that a pattern with a slash could mean, only patterns
    /// without one apply.
    pub(crate) fn ignores(
        &self,
        path: &Path,
        name: &[u8],
        is_dir: bool,
        beside: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let text = OsStr::from_bytes(name);
        let found = match self.reach {
            Reach::Defaults if is_default(name, is_dir) => return true,
            Reach::Defaults => Match::None,
            Reach::Names => self.rules.matched(text, is_dir),
            Reach::Paths => self.rules.matched(path.join(text), is_dir),
        };
        match found {
            Match::Ignore(_) => true,
            Match::Whitelist(_) => is_reserved(name),
            Match::None => is_reserved(name) || is_of_a_playbook(name, beside),
        }
    }
}

/// Whether one of the defaults, and nothing else, speaks against this name: what the patterns say, spelled out.
fn is_default(name: &[u8], is_dir: bool) -> bool {
    match name {
        b".git" | b".hg" | b".svn" | b".playbook" | b"__pycache__" | b".ipynb_checkpoints" => {
            is_dir
        }
        b".DS_Store" => true,
        name => name.ends_with(b".pyc"),
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
    use proptest::prelude::*;

    use super::*;

    fn rules(text: &str) -> IgnoreRules {
        IgnoreRules::build(Path::new("/r"), Path::new("/r/.playbookignore"), Some(text)).unwrap()
    }

    fn ignored(rules: &IgnoreRules, path: &str) -> bool {
        let is_dir = path.ends_with('/');
        let (directory, name) = path.trim_end_matches('/').rsplit_once('/').unwrap();
        let directory = if directory.is_empty() { "/" } else { directory };
        let name = name.as_bytes();
        rules.ignores(Path::new(directory), name, is_dir, |name| {
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
        assert!(rules.ignores(Path::new("/r"), b"a\xff\nz", false, |_| false));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = IgnoreRules::build(
            Path::new("/r"),
            Path::new("/r/.playbookignore"),
            Some("ok\n\n[z-a]\n"),
        );
        let Err(HashError::IgnorePattern { line, path, .. }) = error else {
            panic!("{error:?}")
        };
        assert_eq!((line, path.as_path()), (3, Path::new("/r/.playbookignore")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Looking at names only, where that is enough, says what looking at whole paths says.
        #[test]
        fn the_short_ways_say_the_same(
            lines in prop::collection::vec(LINES, 0..4),
            below in prop::sample::select(vec!["/r", "/r/a", "/r/a/.git", "/", "/o/b", "/r/../o"]),
            name in NAMES,
            is_dir: bool,
        ) {
            let build = || {
                let text = lines.join("\n");
                IgnoreRules::build(Path::new("/r"), Path::new("/r/.playbookignore"), Some(&text))
            };
            // Not every line is a pattern.
            let Ok(short) = build() else { return Ok(()) };
            let long = IgnoreRules { reach: Reach::Paths, ..build().unwrap() };
            let ignores = |rules: &IgnoreRules| {
                rules.ignores(Path::new(below), name.as_bytes(), is_dir, |name| name == b"a.yml")
            };
            prop_assert_eq!(ignores(&short), ignores(&long), "{:?}", short.reach);
        }
    }

    const LINES: &str = "(!|\\\\|)(/|\\*\\*/|)(a|b|\\*|\\*\\.pyc|a\\*|\\.git|\\[ab\\]|\\?|#|)(/|/b|/\\*\\*| |\\\\ |\r|)";
    const NAMES: &str = "(a|b|ab|\\.git|\\.hg|\\.svn|\\.playbook|\\.playbook-x|__pycache__|\\.ipynb_checkpoints|\\.DS_Store|#|!|a )(\\.pyc|\\.PYC|\\.lock\\.yaml|\\.events\\.jsonl|)";

    #[test]
    fn how_far_patterns_reach() {
        for (text, reach) in [
            ("", Reach::Defaults),
            (" \n\n", Reach::Defaults),
            ("# no\n", Reach::Names),
            ("*.log\n!b/\n", Reach::Names),
            ("a\n/b\n", Reach::Paths),
            ("a/b", Reach::Paths),
            ("a/**", Reach::Paths),
        ] {
            assert_eq!(rules(text).reach, reach, "{text}");
        }
    }
}
