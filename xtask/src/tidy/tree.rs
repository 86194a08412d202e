//! The files of the checkout, read once, and what a check has to say about one of them.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::say::say;
use crate::tools::output_of;

/// A rule that is broken, where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A file, its path relative to the root with `/` between the names.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }

    /// Of a crate, of xtask or of the fuzzers, not of their tests.
    pub(crate) fn is_source(&self) -> bool {
        let mut names = self.path.split('/');
        let home = names.next();
        match home {
            Some("crates") => names.nth(1) == Some("src"),
            Some("xtask") => names.next() == Some("src"),
            Some("fuzz") => names.next() == Some("fuzz_targets") || names.next() == Some("src"),
            _ => false,
        }
    }
}

/// Every file that is in git or about to be.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads all of it, without what git ignores.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let listed = output_of(
            "git",
            &[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        );
        let paths = if let Some(listed) = listed {
            listed
                .split(|byte| *byte == 0)
                .map(|path| String::from_utf8_lossy(path).into_owned())
                .collect()
        } else {
            say("note: git lists no files here, so tidy looks at all of them");
            let mut paths = Vec::new();
            walk(root, "", &mut paths)?;
            paths
        };
        Self::read_paths(root, paths)
    }

    fn read_paths(root: &Path, mut paths: Vec<String>) -> anyhow::Result<Self> {
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            let place = root.join(&path);
            // A deleted file stays listed until the next commit.
            if path.is_empty() || !place.is_file() {
                continue;
            }
            let bytes = fs::read(&place).with_context(|| format!("cannot read {path}"))?;
            files.push(File {
                path,
                text: String::from_utf8_lossy(&bytes).into_owned(),
            });
        }
        Ok(Self { files })
    }

    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Files that exist only in a test.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(path, text)| File {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        Self {
            files: files.collect(),
        }
    }
}

/// Without what is made, here or by a run of a playbook.
fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(root.join(folder)).with_context(|| format!("cannot list {folder}"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if [".git", ".playbook", "target"].contains(&name.as_str()) {
            continue;
        }
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        if entry.file_type()?.is_dir() {
            walk(root, &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::PathBuf;

    use super::*;

    /// A directory of this test alone, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, path: &str, bytes: &[u8]) {
            let place = self.0.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::File::create(place).unwrap().write_all(bytes).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.files().iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn a_walk_leaves_out_what_is_made() {
        let folder = Folder::new("walk");
        for path in [
            "a.rs",
            "b/c.rs",
            "target/x.rs",
            ".git/config",
            "b/.playbook/state",
        ] {
            folder.file(path, b"");
        }
        let mut found = Vec::new();
        walk(&folder.0, "", &mut found).unwrap();
        found.sort();
        assert_eq!(found, ["a.rs", "b/c.rs"]);
    }

    #[test]
    fn a_listed_file_that_is_gone_is_left_out() {
        let folder = Folder::new("gone");
        folder.file("here.rs", b"//! \xff");
        let listed = ["gone.rs", "here.rs", "here.rs", ""]
            .map(str::to_owned)
            .to_vec();
        let tree = Tree::read_paths(&folder.0, listed).unwrap();
        assert_eq!(paths(&tree), ["here.rs"]);
        assert_eq!(tree.files()[0].text, "//! \u{fffd}");
    }

    #[test]
    fn the_checkout_lists_this_file() {
        let tree = Tree::read(&crate::tools::root()).unwrap();
        assert!(tree.get("xtask/src/tidy/tree.rs").is_some());
        assert!(
            tree.files()
                .iter()
                .all(|file| !file.path.starts_with("target/"))
        );
    }

    #[test]
    fn source_is_below_src_of_a_crate_of_xtask_or_of_the_fuzzers() {
        for (path, expected) in [
            ("crates/playbook-hash/src/lib.rs", true),
            ("xtask/src/main.rs", true),
            ("crates/playbook-hash/tests/src/lib.rs", false),
            ("src/lib.rs", false),
            ("fuzz/fuzz_targets/lock.rs", true),
            ("fuzz/checks/src/lib.rs", true),
            ("fuzz/checks/tests/replay.rs", false),
        ] {
            let tree = Tree::of(&[(path, "")]);
            assert_eq!(tree.files()[0].is_source(), expected, "{path}");
        }
    }
}
