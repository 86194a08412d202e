//! Nothing from one machine, such as where its checkout is or where it fetches crates, is left in a file.

use super::scan::line_of;
use super::test_rules::continues_a_path;
use super::tree::{Problem, Tree};

/// Written in halves, so that this file passes its own check.
const WORDS: [[&str; 2]; 3] = [
    ["/wo", "rk/"],
    ["index.cra", "tes.io"],
    ["static.cra", "tes.io"],
];

/// Looks into every file but the lock of the dependencies, which is cargo's.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files().iter().filter(|file| file.path != "Cargo.lock") {
        for word in WORDS.map(|halves| halves.concat()) {
            for (at, _) in file.text.match_indices(&word) {
                let inside = word.starts_with('/')
                    && file.text[..at]
                        .chars()
                        .next_back()
                        .is_some_and(continues_a_path);
                if !inside {
                    let message = format!("`{word}` belongs to one machine; say it in another way");
                    problems.push(Problem::new(&file.path, line_of(&file.text, at), message));
                }
            }
        }
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
    fn each_word_is_found() {
        for word in WORDS.map(|halves| halves.concat()) {
            assert_eq!(
                lines("docs/a.md", &format!("one\nsee {word}x\n\"{word}\"")),
                [2, 3],
                "{word}"
            );
            assert_eq!(lines("Cargo.lock", &word), [0; 0]);
        }
    }

    #[test]
    fn a_folder_of_that_name_is_fine() {
        let word = WORDS[0].concat();
        assert_eq!(
            lines(
                "docs/a.md",
                &format!("src/commands{word}run.rs and $DIR{word}x and ~{word}x")
            ),
            [0; 0]
        );
    }
}
