//! Every field of the language: where its effect is tested, and what is said to those who use it wrongly.
//!
//! `fields.txt` has a section for each field, under its name and the test of its effect. Below that are wrong uses, each a
//! line or more that take the place of those with the same key in a playbook that is in order: of the stage `a` if the
//! field is one of a stage, else of the playbook. Further lines of one begin with two spaces. A wrong use that is only
//! warned of begins with `? `. What the program says to all of them is one snapshot, to be read in one piece.

mod effects;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::schema::places;
use crate::support::Sandbox;

const FIELDS: &str = include_str!("fields.txt");
const PLAYBOOK: &[&str] = &[
    "version: \"1.0\"",
    "name: t",
    "params: {lr: 0.1}",
    "targets: {box: {cores: 2, memory_gb: 8, gpus: 0}}",
    "stages:\n  a:\n    cmd: echo {{ params.lr }}\n    deps: [in]\n    outs: [o]\n  b: {cmd: x, outs: [p]}",
];
const STAGE: &[&str] = &["cmd: echo {{ params.lr }}", "deps: [in]", "outs: [o]"];

/// A field with the test of its effect and its wrong uses.
struct Field {
    name: &'static str,
    effect: &'static str,
    uses: Vec<Use>,
}

struct Use {
    warned: bool,
    lines: Vec<&'static str>,
}

fn fields() -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in FIELDS.lines().filter(|line| !line.is_empty()) {
        if let Some(head) = line.strip_prefix('[') {
            let (name, effect) = head.split_once("] ").unwrap();
            let uses = Vec::new();
            fields.push(Field { name, effect, uses });
            continue;
        }
        let uses = &mut fields.last_mut().unwrap().uses;
        if let Some(more) = line.strip_prefix("  ") {
            uses.last_mut().unwrap().lines.push(more);
        } else {
            let lines = vec![line.strip_prefix("? ").unwrap_or(line)];
            let warned = line.starts_with("? ");
            uses.push(Use { warned, lines });
        }
    }
    fields
}

/// These lines, with those in place of the ones with the same keys.
fn with(lines: &[&'static str], others: &[&'static str]) -> Vec<&'static str> {
    let key = |line: &'static str| line.split(':').next();
    let mut all = lines.to_vec();
    for other in others {
        match all.iter_mut().find(|line| key(line) == key(other)) {
            Some(line) => *line = *other,
            None => all.push(other),
        }
    }
    all
}

fn playbook(field: &str, wrong: &[&'static str]) -> String {
    if !field.starts_with("stages.a.") {
        return with(PLAYBOOK, wrong).join("\n") + "\n";
    }
    let stage = with(STAGE, wrong).join("\n    ");
    let front = PLAYBOOK[..PLAYBOOK.len() - 1].join("\n");
    format!("{front}\nstages:\n  a:\n    {stage}\n  b: {{cmd: x, outs: [p]}}\n")
}

/// What is said to a wrong use of a field, without the sum at the end.
fn said(field: &str, wrong: &Use) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("in/x", "");
    sandbox.write("params.yaml", "{}");
    sandbox.write("playbook.yaml", &playbook(field, &wrong.lines));
    let ended = sandbox.run(&["validate"]);
    let shown = wrong.lines.join("\n  ");
    let (code, word) = if wrong.warned {
        (0, "warning: ")
    } else {
        (2, "error: ")
    };
    assert_eq!(ended.code, Some(code), "{field}: {shown}\n{}", ended.stderr);
    let (findings, _) = ended.stderr.rsplit_once("playbook.yaml: ").unwrap();
    for told in findings.split(word).skip(1) {
        let place = told.lines().nth(1).unwrap_or_default();
        assert!(
            place.trim_start().starts_with("--> playbook.yaml:"),
            "{field}: {shown}\n{told}"
        );
    }
    assert!(findings.starts_with(word), "{field}: {shown}\n{findings}");
    // What the findings show need not be shown twice.
    if wrong.lines.iter().all(|line| findings.contains(line)) {
        return format!("\n{findings}");
    }
    format!("\n{shown}\n{findings}")
}

#[test]
fn what_is_said_of_each_wrong_use() {
    let fields = fields();
    let all: Vec<(&Field, &Use)> = fields
        .iter()
        .flat_map(|field| field.uses.iter().map(move |wrong| (field, wrong)))
        .collect();
    let told = Mutex::new(vec![String::new(); all.len()]);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((field, wrong)) = all.get(at) else {
                        return;
                    };
                    let text = said(field.name, wrong);
                    told.lock().unwrap()[at] = text;
                }
            });
        }
    });
    let mut told = told.into_inner().unwrap().into_iter();
    let mut text = String::new();
    for field in &fields {
        write!(text, "\n[{}]\n", field.name).unwrap();
        text.extend(told.by_ref().take(field.uses.len()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_field_has_a_test_of_its_effect_and_wrong_uses() {
    let schema = Sandbox::new().run(&["schema"]).prints(0);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let of_schema: Vec<String> = places::places(&schema)
        .iter()
        .map(places::Place::name)
        .collect();
    let fields = fields();
    let here: BTreeSet<&str> = fields.iter().map(|field| field.name).collect();
    assert_eq!(
        here.len(),
        fields.len(),
        "a field has two sections in fields.txt"
    );
    let missing = of_schema
        .iter()
        .filter(|name| !here.contains(name.as_str()));
    assert_eq!(
        missing.collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in fields.txt"
    );
    let gone = here
        .iter()
        .filter(|name| !of_schema.contains(&(**name).to_owned()));
    assert_eq!(
        gone.collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "not in the schema"
    );
    for field in &fields {
        assert!(!field.uses.is_empty(), "{} has no wrong use", field.name);
        assert!(
            is_test(field.effect),
            "{}: there is no test {}",
            field.name,
            field.effect
        );
    }
}

/// Whether there is a test of that name.
fn is_test(name: &str) -> bool {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let (module, function) = name.rsplit_once("::").unwrap();
    let file = here.join(module.replace("::", "/") + ".rs");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.contains(&format!("#[test]\nfn {function}() {{"))
}
