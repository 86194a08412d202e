//! Copies of `clippy.toml` that agree with the original, and exceptions to lints that explain themselves.

use super::scan::{line_of, scan};
use super::tree::{File, Problem, Tree};

/// Both rules.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = copies(tree);
    problems.extend(tree.rust().flat_map(exceptions));
    problems
}

/// Clippy reads the nearest file and merges nothing, so a copy has to repeat all of the original.
fn copies(tree: &Tree) -> Vec<Problem> {
    let Some(original) = tree.get("clippy.toml") else {
        return vec![Problem::new(
            "clippy.toml",
            1,
            "there is none; the lints of the house have their settings there",
        )];
    };
    let copies = tree
        .files()
        .iter()
        .filter(|file| file.path.ends_with("/clippy.toml"));
    let mut problems = Vec::new();
    for copy in copies {
        let repeated = entries(&copy.text);
        for entry in entries(&original.text) {
            if repeated
                .iter()
                .any(|other| other.table == entry.table && other.text == entry.text)
            {
                continue;
            }
            let message = format!(
                "{} does not repeat `{}`; copy it there",
                copy.path, entry.text
            );
            problems.push(Problem::new(&original.path, entry.line, message));
        }
    }
    problems
}

struct Entry<'a> {
    /// The list it stands in, if any.
    table: &'a str,
    text: &'a str,
    line: usize,
}

fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut table = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "]" {
            table = "";
        } else if let Some(name) = line.strip_suffix('[') {
            table = name.trim_end_matches([' ', '=']);
        } else {
            entries.push(Entry {
                table,
                text: line.trim_end_matches(','),
                line: index + 1,
            });
        }
    }
    entries
}

/// `allow` and `expect` say why, or the next reader cannot tell whether they still hold.
fn exceptions(file: &File) -> Vec<Problem> {
    let code = scan(&file.text).code;
    let mut problems = Vec::new();
    for (start, _) in code.match_indices('#') {
        let after = &code[start + 1..];
        let Some(attribute) = after.strip_prefix('!').unwrap_or(after).strip_prefix('[') else {
            continue;
        };
        let attribute = &attribute[..closing_bracket(attribute)];
        let excepts = ["allow", "expect"]
            .iter()
            .any(|name| calls(attribute, name));
        if excepts && !attribute.contains("reason") {
            let message =
                "an exception to a lint without `reason = \"…\"`; say why, or mend the code";
            problems.push(Problem::new(&file.path, line_of(&code, start), message));
        }
    }
    problems
}

/// Where the bracket that is open already closes.
fn closing_bracket(text: &str) -> usize {
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Whether `name(` stands in the text as a word of its own.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].trim_start();
        after.starts_with('(') && before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "# settings\nlimit = 5\n\nmethods = [\n    { path = \"a\", reason = \"r\" },\n]\ntypes = [\n]\n";

    fn copy(text: &str) -> Vec<String> {
        let tree = Tree::of(&[("clippy.toml", ORIGINAL), ("crates/x/clippy.toml", text)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_copy_may_add() {
        assert_eq!(copy(ORIGINAL), [""; 0]);
        assert_eq!(
            copy(
                "limit = 5\nmethods = [\n  { path = \"b\" },\n  { path = \"a\", reason = \"r\" }\n]\n"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_copy_must_not_leave_out() {
        assert_eq!(
            copy(
                "limit = 7\nmethods = [\n]\ntypes = [\n    { path = \"a\", reason = \"r\" },\n]\n"
            ),
            [
                "clippy.toml:2: crates/x/clippy.toml does not repeat `limit = 5`; copy it there",
                "clippy.toml:5: crates/x/clippy.toml does not repeat `{ path = \"a\", reason = \"r\" }`; copy it there",
            ]
        );
    }

    #[test]
    fn the_original_must_be_there() {
        assert_eq!(check(&Tree::of(&[("crates/x/clippy.toml", "")])).len(), 1);
    }

    fn lines(text: &str) -> Vec<usize> {
        let tree = Tree::of(&[("a.rs", text)]);
        exceptions(&tree.files()[0])
            .iter()
            .map(|problem| problem.line)
            .collect()
    }

    #[test]
    fn an_exception_with_a_reason_passes() {
        for text in [
            "#[expect(dead_code, reason = \"why\")]\nfn f() {}",
            "#[allow(\n    dead_code,\n    reason = \"why [so]\"\n)]\nfn f() {}",
            "// #[allow(dead_code)]\nconst S: &str = \"#[allow(x)]\";",
            "#[derive(Debug)]\n#[must_use]\nfn allow() { expect(1) }",
            "#[my_allow(x)]\nfn f() {}",
        ] {
            assert_eq!(lines(text), [0; 0], "{text}");
        }
    }

    #[test]
    fn an_exception_without_a_reason_is_refused() {
        assert_eq!(
            lines("#![allow(dead_code)]\n#[expect(unused)]\nfn f() {}"),
            [1, 2]
        );
        assert_eq!(
            lines("\n#[cfg_attr(test, allow (dead_code))]\nfn f() {}"),
            [2]
        );
    }
}
