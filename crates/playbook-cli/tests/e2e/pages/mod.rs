//! What the pages in `docs/` show is what the program does: their files are written, their commands run, and
//! what these print is compared with what the page says they do.
//!
//! A page is cut at its headings; what stands below one is tried in a directory of its own. There, a fenced block whose
//! info string has a second word is a file of that name (`yaml playbook.yaml`), and a block of `console` is a
//! session: each line that begins with `$ ` is given to a shell, and the lines below are all it prints, on either stream.
//! Blocks stand in the order in which they are written and run, so a page can change a file and go on.
//!
//! With `PLAYBOOK_WRITE_PAGES=1` the page gets what the commands print; read the difference before it is committed.

mod page;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Sandbox;
use page::{Block, Page};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Runs everything below each heading of a page in `docs/`.
fn check(name: &str) {
    check_in(&docs().join(name), Sandbox::new);
}

/// Runs everything below each heading of an example's page, in a copy of the example.
fn check_example(name: &str) {
    let example = docs().join("../examples").join(name);
    check_in(&example.join("README.md"), || {
        let sandbox = Sandbox::new();
        copy(&example, &example, &sandbox);
        sandbox
    });
}

/// Copies what is part of an example, not what running it there has made.
fn copy(example: &Path, from: &Path, to: &Sandbox) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let below = path.strip_prefix(example).unwrap().to_str().unwrap();
        let made = [
            "out",
            ".playbook",
            "playbook.lock.yaml",
            "playbook.events.jsonl",
        ];
        if made.contains(&below) {
            continue;
        }
        if path.is_dir() {
            copy(example, &path, to);
        } else {
            to.write(below, &fs::read_to_string(&path).unwrap());
        }
    }
}

fn check_in(path: &Path, new: impl Fn() -> Sandbox) {
    let name = &path.to_string_lossy();
    let text = fs::read_to_string(path).unwrap();
    let mut page = Page::parse(&text);
    for section in &mut page.sections {
        let sandbox = new();
        let bin = program(&sandbox);
        // Each command has a minute of its own, so that what is later is known to be.
        let mut minutes = 0..60;
        for block in &mut section.blocks {
            match block {
                Block::Prose(_) => {}
                Block::File { name, text } => sandbox.write(name, text),
                Block::Session(commands) => {
                    for command in commands {
                        let clock = format!("2026-02-16T14:{:02}:00Z", minutes.next().unwrap());
                        command.printed = printed((&sandbox, &bin), &clock, &command.text);
                    }
                }
            }
        }
    }
    let now = page.to_string();
    if std::env::var_os("PLAYBOOK_WRITE_PAGES").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a page of the repository")]
        fs::write(path, &now).unwrap();
    }
    assert_same(&text, &now, name);
}

/// A directory outside the sandbox's root with the program in it under its own name.
fn program(sandbox: &Sandbox) -> PathBuf {
    let bin = sandbox.root().join(".bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_playbook"), bin.join("playbook")).unwrap();
    bin
}

/// What a command prints on both streams, the sandbox's own path told as one that a person could have.
fn printed((sandbox, bin): (&Sandbox, &Path), clock: &str, command: &str) -> String {
    let script = format!("exec 2>&1\n{command}");
    let mut shell = sandbox.by(&["sh", "-c", &script]);
    let path = std::env::var("PATH").unwrap();
    shell.env("PATH", format!("{}:{path}", bin.display()));
    shell.env("PLAYBOOK_TEST_CLOCK", clock);
    let output = shell.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut text = text.replace(sandbox.root().to_str().unwrap(), "~/project");
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Fails with the first line that differs.
fn assert_same(page: &str, now: &str, name: &str) {
    let mut lines = page.lines().zip(now.lines()).enumerate();
    let differs = lines.find(|(_, (was, is))| was != is);
    let differs = differs.map(|(n, (was, is))| (n + 1, was, is));
    assert_eq!(
        differs, None,
        "{name}: line, what the page says, what the program says"
    );
    assert_eq!(page, now, "{name} ends otherwise");
}

/// The names of all fields below a schema.
fn fields(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                if let ("properties", Value::Object(named)) = (key.as_str(), value) {
                    found.extend(named.keys().cloned());
                }
                fields(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        _ => {}
    }
}

#[test]
fn coming_from_other_tools() {
    check("coming-from.md");
}

#[test]
fn the_language() {
    check("language.md");
}

#[test]
fn the_example_of_a_gate() {
    check_example("quality-gate");
}

#[test]
fn the_example_of_a_matrix() {
    check_example("predictors");
}

#[test]
fn the_example_of_a_fan_out() {
    check_example("colonies");
}

/// A field of the schema without a word about it on the page would be one nobody can look up.
#[test]
fn the_language_has_every_field() {
    let schema = Sandbox::new().run(&["schema"]).prints(0);
    let mut names = BTreeSet::new();
    fields(&serde_json::from_str(&schema).unwrap(), &mut names);
    assert!(names.contains("deps") && names.contains("backoff"));
    let page = fs::read_to_string(docs().join("language.md")).unwrap();
    let missing = names
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&String>::new());
}
