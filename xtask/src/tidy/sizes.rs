//! A file is what one reads in a sitting, a folder what one sees at a glance.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Problem, Tree};

const LINES: usize = 450;
const ENTRIES: usize = 12;

/// A file or folder that may be larger, up to a size of its own.
struct Exception {
    path: &'static str,
    most: usize,
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "crates/playbook-types/src",
        most: 17,
        reason: "the root of the language: one module for each of its words",
    },
    Exception {
        path: "crates/playbook-hash/src",
        most: 14,
        reason: "one module for each kind of thing that has a digest",
    },
];

/// Files and folders of source.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    check_with(tree, EXCEPTIONS)
}

fn check_with(tree: &Tree, exceptions: &[Exception]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut needed = BTreeSet::new();
    for Size {
        path,
        count,
        limit,
        advice,
    } in sizes(tree)
    {
        if count <= limit {
            continue;
        }
        let exception = exceptions.iter().find(|exception| exception.path == path);
        let limit = exception.map_or(limit, |exception| exception.most);
        needed.insert(path.clone());
        if count > limit {
            let reason =
                exception.map_or_else(String::new, |exception| format!(" ({})", exception.reason));
            problems.push(Problem::new(
                &path,
                1,
                format!("{count} {advice}; at most {limit} here{reason}"),
            ));
        }
    }
    for exception in exceptions
        .iter()
        .filter(|exception| !needed.contains(exception.path))
    {
        let message =
            "needs no exception any more; take it out of EXCEPTIONS in xtask/src/tidy/sizes.rs";
        problems.push(Problem::new(exception.path, 1, message));
    }
    problems
}

struct Size {
    path: String,
    count: usize,
    limit: usize,
    advice: &'static str,
}

/// Of every file and folder of source.
fn sizes(tree: &Tree) -> Vec<Size> {
    let mut sizes = Vec::new();
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in tree.files().iter().filter(|file| file.is_source()) {
        if file.is_rust() {
            let count = file.text.lines().count();
            let advice = "lines: find the second idea in it and give it a file";
            sizes.push(Size {
                path: file.path.clone(),
                count,
                limit: LINES,
                advice,
            });
        }
        let mut rest = file.path.as_str();
        while let Some((folder, entry)) = rest.rsplit_once('/') {
            folders
                .entry(folder.to_owned())
                .or_default()
                .insert(entry.to_owned());
            rest = folder;
        }
    }
    // Snapshots and the folders above `src` hold no source themselves.
    folders.retain(|_, entries| entries.iter().any(|entry| is_rust(entry)));
    sizes.extend(folders.into_iter().map(|(path, entries)| {
        let advice = "entries: put those of one idea into a folder";
        Size {
            path,
            count: entries.len(),
            limit: ENTRIES,
            advice,
        }
    }));
    sizes
}

fn is_rust(name: &str) -> bool {
    std::path::Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(tree: &Tree, exceptions: &[Exception]) -> Vec<String> {
        check_with(tree, exceptions)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn long_file(lines: usize) -> Tree {
        Tree::of(&[("crates/a/src/long.rs", &"x\n".repeat(lines))])
    }

    fn full_folder(entries: usize) -> Tree {
        let paths: Vec<String> = (0..entries)
            .map(|n| format!("xtask/src/deep/f{n}.rs"))
            .collect();
        Tree::of(
            &paths
                .iter()
                .map(|path| (path.as_str(), ""))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn at_the_limit_is_fine() {
        assert_eq!(messages(&long_file(LINES), &[]), [""; 0]);
        assert_eq!(messages(&full_folder(ENTRIES), &[]), [""; 0]);
    }

    #[test]
    fn over_the_limit_is_refused() {
        assert_eq!(
            messages(&long_file(LINES + 1), &[]),
            [
                "crates/a/src/long.rs:1: 451 lines: find the second idea in it and give it a file; at most 450 here"
            ]
        );
        assert_eq!(
            messages(&full_folder(ENTRIES + 1), &[]),
            ["xtask/src/deep:1: 13 entries: put those of one idea into a folder; at most 12 here"]
        );
    }

    #[test]
    fn an_exception_holds_up_to_its_own_size() {
        let exceptions = [Exception {
            path: "crates/a/src/long.rs",
            most: 500,
            reason: "one table",
        }];
        assert_eq!(messages(&long_file(500), &exceptions), [""; 0]);
        let found = messages(&long_file(501), &exceptions);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].ends_with("at most 500 here (one table)"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn an_exception_nobody_needs_is_refused() {
        let exceptions = [Exception {
            path: "crates/a/src/long.rs",
            most: 500,
            reason: "one table",
        }];
        let found = messages(&long_file(LINES), &exceptions);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("needs no exception any more"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn tests_and_snapshots_may_be_many() {
        let mut paths: Vec<String> = (0..40)
            .map(|n| format!("crates/a/src/x/snapshots/s{n}.snap"))
            .collect();
        paths.extend((0..40).map(|n| format!("crates/a/tests/t{n}.rs")));
        let tree = Tree::of(
            &paths
                .iter()
                .map(|path| (path.as_str(), ""))
                .collect::<Vec<_>>(),
        );
        assert_eq!(messages(&tree, &[]), [""; 0]);
    }
}
