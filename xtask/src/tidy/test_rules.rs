//! No test is ignored, sleeps to be right, or meets another one at a fixed place on disk.

use super::scan::{line_of, scan};
use super::tree::{File, Problem, Tree};

/// Folders a machine shares among its users and its tests.
const SHARED: [&str; 9] = [
    "tmp", "var", "home", "root", "Users", "mnt", "opt", "srv", "private",
];

/// All three rules, over every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Problem> {
    let scanned = scan(&file.text);
    let mut problems = Vec::new();
    for (what, advice) in [
        (
            "#[ignore",
            "an ignored test guards nothing; mend it or delete it",
        ),
        (
            "thread::sleep",
            "wait for the event itself, or take the injected clock",
        ),
    ] {
        for (at, _) in scanned.code.match_indices(what) {
            problems.push(Problem::new(&file.path, line_of(&scanned.code, at), advice));
        }
    }
    let tests_begin = first_test_line(file, &scanned.code);
    for literal in &scanned.strings {
        for (at, place) in shared_places(&literal.text) {
            let line = literal.line + line_of(&literal.text, at) - 1;
            if line >= tests_begin {
                let message = format!(
                    "a fixed path below /{place} in a test; use a temporary directory of its own"
                );
                problems.push(Problem::new(&file.path, line, message));
            }
        }
    }
    problems
}

/// Where a file's tests begin: a file of tests is all tests, others have theirs at the bottom.
fn first_test_line(file: &File, code: &str) -> usize {
    let in_tests = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    if in_tests {
        return 1;
    }
    code.lines()
        .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
        .map_or(usize::MAX, |index| index + 1)
}

/// Absolute paths below a shared folder, with where they begin.
fn shared_places(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    text.match_indices('/').filter_map(|(at, _)| {
        let begins = text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !continues_a_path(c));
        let after = &text[at + 1..];
        let place = SHARED.into_iter().find(|place| {
            after
                .strip_prefix(place)
                .is_some_and(|rest| rest.starts_with('/'))
        })?;
        begins.then_some((at, place))
    })
}

/// What stands before a `/` in the middle of a path.
pub(super) fn continues_a_path(c: char) -> bool {
    c.is_alphanumeric() || "_-.~*/)}$".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_ignored_test_is_refused() {
        assert_eq!(
            found("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}"),
            ["a.rs:2: an ignored test guards nothing; mend it or delete it"]
        );
    }

    #[test]
    fn sleeping_is_refused() {
        assert_eq!(
            found("a.rs", "fn f() {\n    std::thread::sleep(SECOND);\n}"),
            ["a.rs:2: wait for the event itself, or take the injected clock"]
        );
    }

    #[test]
    fn words_about_them_are_fine() {
        assert_eq!(
            found(
                "a.rs",
                "// #[ignore] and thread::sleep\nconst S: &str = \"thread::sleep #[ignore]\";"
            ),
            [""; 0]
        );
    }

    /// `@` stands for a shared folder, so that these lines pass their own rule.
    fn found_at(path: &str, text: &str) -> Vec<String> {
        found(path, &text.replace('@', "/tmp"))
    }

    #[test]
    fn a_fixed_path_in_a_test_is_refused() {
        let message = "a fixed path below /tmp in a test; use a temporary directory of its own";
        let module = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    const S: &str = \"a\\n@/x\";\n}";
        let cases = [
            ("crates/a/tests/t.rs", "fn f() { open(\"@/x\") }", 1),
            (
                "crates/a/tests/t.rs",
                "const S: &str = \"cmd: |\n  echo > @/x\n\";",
                2,
            ),
            (
                "crates/a/src/a/tests.rs",
                "const S: &str = r#\"\"@/x\"\"#;",
                1,
            ),
            ("crates/a/src/a.rs", module, 5),
        ];
        for (path, text, line) in cases {
            assert_eq!(
                found_at(path, text),
                [format!("{path}:{line}: {message}")],
                "{text}"
            );
        }
    }

    #[test]
    fn other_paths_are_fine() {
        for text in [
            "f(\"/dev/null\", \"/dev/full\", \"/bin/sh\", \"/usr/bin/env\", \"/nonexistent/x\", \"/a/b\")",
            "f(\"data@/x\", \".@/x\", \"{root}@/x\", \"$HOME@/x\", \"@file\")",
            "// below @/x",
        ] {
            assert_eq!(found_at("crates/a/tests/t.rs", text), [""; 0], "{text}");
        }
        assert_eq!(
            found_at("crates/a/src/a.rs", "const S: &str = \"@/x\";"),
            [""; 0]
        );
    }
}
