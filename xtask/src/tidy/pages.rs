//! Every file of source begins with its page: what it is for.

use super::tree::{Problem, Tree};

/// The first line is a `//!`.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let without = tree
        .rust()
        .filter(|file| file.is_source())
        .filter(|file| !has_page(&file.text));
    without
        .map(|file| {
            Problem::new(
                &file.path,
                1,
                "begin with a `//!` line that says what this file is for",
            )
        })
        .collect()
}

fn has_page(text: &str) -> bool {
    text.strip_prefix("//!")
        .and_then(|text| text.lines().next())
        .is_some_and(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_page_is_enough() {
        assert_eq!(count("crates/a/src/lib.rs", "//! A crate.\n\nmod b;\n"), 0);
    }

    #[test]
    fn a_file_without_one_is_refused() {
        for text in [
            "",
            "mod b;\n",
            "// A crate.\n",
            "//!\nmod b;\n",
            "mod b;\n//! Too late.\n",
        ] {
            assert_eq!(count("crates/a/src/lib.rs", text), 1, "{text}");
        }
    }

    #[test]
    fn tests_and_other_files_need_none() {
        assert_eq!(count("crates/a/tests/t.rs", "mod b;\n"), 0);
        assert_eq!(count("crates/a/src/x.yaml", "a: 1\n"), 0);
    }
}
