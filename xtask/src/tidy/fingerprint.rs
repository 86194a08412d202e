//! The fingerprint of a stage is hashed, compared and explained by taking it apart completely.
//!
//! A `..` in such a pattern would let a new field slip through all three, so there is none in that file.

use super::scan::{line_of, scan};
use super::tree::{Problem, Tree};

const HOME: &str = "crates/playbook-hash/src/fingerprint";

/// Reads the file, or the files of the folder it may grow into.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let file = format!("{HOME}.rs");
    let folder = format!("{HOME}/");
    let mut found = false;
    let mut problems = Vec::new();
    for source in tree
        .rust()
        .filter(|source| source.path == file || source.path.starts_with(&folder))
    {
        if source.path.ends_with("/tests.rs") {
            continue;
        }
        found = true;
        let code = scan(&source.text).code;
        for (at, dots) in code.match_indices("..") {
            if code[at + dots.len()..].trim_start().starts_with('}') {
                let message =
                    "`..` in a pattern; name every field, so that a new one cannot be forgotten";
                problems.push(Problem::new(&source.path, line_of(&code, at), message));
            }
        }
    }
    if !found {
        problems.push(Problem::new(
            &file,
            1,
            "there is none; tell xtask/src/tidy/fingerprint.rs where it went",
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(|problem| problem.line)
            .collect()
    }

    #[test]
    fn a_rest_pattern_is_refused() {
        let file = "crates/playbook-hash/src/fingerprint.rs";
        assert_eq!(lines(file, "let Self { a, .. } = self;"), [1]);
        assert_eq!(lines(file, "\nlet Self { a, ..} = self;"), [2]);
        assert_eq!(lines(file, "let Self {\n    a,\n    ..\n} = self;"), [3]);
        assert_eq!(
            lines(
                "crates/playbook-hash/src/fingerprint/key.rs",
                "let Self { .. } = self;"
            ),
            [1]
        );
    }

    #[test]
    fn other_dots_are_fine() {
        let file = "crates/playbook-hash/src/fingerprint.rs";
        assert_eq!(
            lines(
                file,
                "// { .. }\nlet x = &a[1..]; for i in 0..2 { f(\"{..}\") }"
            ),
            [0; 0]
        );
    }

    #[test]
    fn a_fingerprint_that_moved_is_noticed() {
        assert_eq!(lines("crates/playbook-hash/src/print.rs", ""), [1]);
        assert_eq!(
            lines("crates/playbook-hash/src/fingerprint/tests.rs", "S { .. }"),
            [1]
        );
    }
}
