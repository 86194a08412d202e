//! Who may depend on whom: a crate on nothing to its right, in any kind of dependency.

use super::tree::{Problem, Tree};

/// From left to right.
const LAYERS: [&str; 5] = [
    "playbook-types",
    "playbook-hash",
    "playbook-lock",
    "playbook-exec",
    "playbook-cli",
];

const TABLES: [&str; 5] = [
    "dependencies",
    "dev-dependencies",
    "build-dependencies",
    "dev_dependencies",
    "build_dependencies",
];

/// Reads the manifest of every crate.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in tree.files() {
        let Some(name) = file
            .path
            .strip_prefix("crates/")
            .and_then(|path| path.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        let Some(layer) = LAYERS.iter().position(|crate_name| *crate_name == name) else {
            let message = format!(
                "{name} has no layer; give it its place in LAYERS in xtask/src/tidy/layers.rs"
            );
            problems.push(Problem::new(&file.path, 1, message));
            continue;
        };
        for Dependency { name: other, line } in dependencies(&file.text) {
            let right = LAYERS
                .iter()
                .position(|crate_name| *crate_name == other)
                .is_some_and(|at| at > layer);
            if right || other == "xtask" {
                let message =
                    format!("{name} must not depend on {other}; move what both need to the left");
                problems.push(Problem::new(&file.path, line, message));
            }
        }
    }
    problems
}

struct Dependency {
    name: String,
    line: usize,
}

/// Every dependency a manifest names, by the name of its package.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut table = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = without_comment(line).trim();
        let (path, value) = if let Some(header) = line.strip_prefix('[') {
            table = keys(header.trim_matches(['[', ']']));
            (table.clone(), "")
        } else if let Some((key, value)) = line.split_once('=') {
            ([table.clone(), keys(key)].concat(), value)
        } else {
            continue;
        };
        for name in names(&path, value) {
            if found.iter().all(|dependency| dependency.name != name) {
                found.push(Dependency {
                    name,
                    line: index + 1,
                });
            }
        }
    }
    found
}

/// The packages one line names, if its full key is inside a table of dependencies.
fn names(path: &[String], value: &str) -> Vec<String> {
    let inside = match path {
        [target, _, table, inside @ ..]
            if target == "target" && TABLES.contains(&table.as_str()) =>
        {
            inside
        }
        [table, inside @ ..] if TABLES.contains(&table.as_str()) => inside,
        _ => return Vec::new(),
    };
    let Some(name) = inside.first() else {
        return Vec::new();
    };
    let mut names = vec![name.clone()];
    // A dependency may go by another name than its package.
    let package = if inside.last().is_some_and(|key| key == "package") {
        Some(value)
    } else {
        value
            .split_once("package")
            .and_then(|(_, value)| value.trim_start().strip_prefix('='))
    };
    names.extend(
        package
            .and_then(|value| value.split(['"', '\'']).nth(1))
            .map(str::to_owned),
    );
    names
}

/// `a."b.c".d` in parts.
fn keys(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for c in text.trim().chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '.') => parts.push(String::new()),
            (None, ' ' | '\t') => {}
            _ => {
                if let Some(last) = parts.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    parts
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(manifest: &str) -> Vec<(usize, String)> {
        let tree = Tree::of(&[("crates/playbook-lock/Cargo.toml", manifest)]);
        check(&tree)
            .into_iter()
            .map(|problem| (problem.line, problem.message))
            .collect()
    }

    #[test]
    fn the_left_is_free() {
        let manifest = "[package]\nname = \"playbook-lock\"\n\n[dependencies]\nplaybook-types.workspace = true\n\
                        playbook-hash = { workspace = true }\nserde = \"1\"\n\n[dev-dependencies]\nplaybook-hash.workspace = true\n";
        assert_eq!(problems(manifest), []);
    }

    #[test]
    fn the_right_is_refused_however_it_is_written() {
        for (manifest, line) in [
            ("[dependencies]\nplaybook-exec.workspace = true", 2),
            (
                "[dev-dependencies]\n\nplaybook-cli = { workspace = true }",
                3,
            ),
            (
                "[build-dependencies]\n\"playbook-exec\" = \"0.1\" # why not",
                2,
            ),
            ("[dependencies.playbook-exec]\nworkspace = true", 1),
            (
                "[target.'cfg(unix)'.dependencies]\nplaybook-exec.workspace = true",
                2,
            ),
            (
                "[target.\"cfg(target_os = \\\"linux\\\")\".dev-dependencies.playbook-exec]\nworkspace = true",
                1,
            ),
            (
                "[dependencies]\nengine = { package = \"playbook-exec\", path = \"../x\" }",
                2,
            ),
            (
                "[dependencies.engine]\nversion = \"1\"\npackage = 'playbook-exec'",
                3,
            ),
            ("dependencies.playbook-exec.workspace = true", 1),
            ("[dependencies]\nxtask = { path = \"../../xtask\" }", 2),
        ] {
            let found = problems(manifest);
            assert_eq!(found.len(), 1, "{manifest}");
            assert_eq!(found[0].0, line, "{manifest}");
            assert!(
                found[0].1.starts_with("playbook-lock must not depend on "),
                "{}",
                found[0].1
            );
        }
    }

    #[test]
    fn other_tables_and_comments_are_no_dependencies() {
        for manifest in [
            "[package.metadata]\nplaybook-exec = 1",
            "[dependencies]\n# playbook-exec.workspace = true",
            "[features]\ntesting = [\"playbook-types/testing\"]",
            "[package]\ndescription = \"playbook-exec = good\"",
        ] {
            assert_eq!(problems(manifest), [], "{manifest}");
        }
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        let found = check(&Tree::of(&[(
            "crates/playbook-new/Cargo.toml",
            "[package]\n",
        )]));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("no layer"));
    }
}
