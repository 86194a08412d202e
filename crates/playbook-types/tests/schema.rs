//! The schema that editors read, held against the parser.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should stop, and reads files"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_types::finding::Findings;
use playbook_types::language::json_schema;
use playbook_types::parse::{Parsed, SourceName, parse};
use serde_json::{Value, json};

#[path = "schema/checker.rs"]
mod checker;
#[path = "schema/places.rs"]
mod places;

use checker::refused;
use places::{Place, places};

fn schema() -> Value {
    serde_json::to_value(json_schema("playbook")).unwrap()
}

fn read(text: &str) -> Result<Parsed, Findings> {
    parse(text, &SourceName::new("playbook.yaml"))
}

/// What the parser says first against the playbook.
fn complaint(text: &str) -> Option<String> {
    let findings = read(text).err()?;
    findings
        .errors()
        .next()
        .map(|finding| finding.message.clone())
}

/// Values of every kind, some of which are right somewhere.
fn probes(place: &Place) -> Vec<Value> {
    let mut probes = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(2.5),
        json!(""),
        json!(" "),
        json!("word"),
        json!("two words"),
        json!("a.b"),
        json!("{{ x"),
        json!("30s"),
        json!("1m1h"),
        json!("0s"),
        json!([]),
        json!(["word"]),
        json!([1]),
        json!([[]]),
        json!({}),
        json!({"key": "word"}),
        json!({"key": ["word"]}),
        json!({"two words": 1}),
        json!({"path": "word"}),
        json!([{"path": "word"}]),
        json!([{"cmd": "word"}]),
        json!({"key": {"cmd": "word"}}),
        json!({"strategy": "per_file"}),
        json!({"limit": 0}),
        json!("1.0"),
    ];
    probes.extend(
        place
            .schema
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .cloned(),
    );
    probes
}

#[test]
fn each_field_takes_the_values_its_schema_says() {
    let schema = schema();
    let mut let_through = String::new();
    let mut tried = 0;
    for place in places(&schema) {
        let mut taken = 0;
        for probe in probes(&place) {
            let playbook = place.playbook_with(&schema, probe.clone()).to_string();
            let value = serde_json::from_str(&playbook).unwrap();
            tried += 1;
            match (refused(&schema, &schema, &value), complaint(&playbook)) {
                (None, None) => taken += 1,
                (Some(_), Some(_)) => {}
                (Some(why), None) => panic!("the schema is stricter: {playbook}\n  {why}"),
                (None, Some(why)) => {
                    assert!(!why.contains("unknown field"), "{playbook}\n  {why}");
                    writeln!(let_through, "{} = {probe}: {why}", place.name()).unwrap();
                }
            }
        }
        // Refused there are names of what there is none of, and another root for this machine.
        let names = [
            "stages.a.params",
            "stages.a.after",
            "stages.a.target",
            "stages.a.outs.0.remote",
            "stages.a.parallel.chunk_size",
            "targets.a.workdir",
        ];
        assert!(
            taken > 0 || names.contains(&place.name().as_str()),
            "no value fits {}",
            place.name()
        );
    }
    assert!(tried > 1_000);
    // What only the parser can see, for a person to judge.
    insta::assert_snapshot!(let_through);
}

#[test]
fn the_parser_knows_the_fields_of_the_schema_and_no_others() {
    let schema = schema();
    let mut maps: IndexMap<Vec<Value>, Vec<String>> = IndexMap::new();
    for place in places(&schema) {
        let (name, map) = place.way.split_last().unwrap();
        let names = maps.entry(map.to_vec()).or_default();
        names.push(name.as_str().unwrap().to_owned());
    }
    assert!(maps.len() > 10);
    for (map, names) in maps {
        let way = [map, vec![json!("frobnicate")]].concat();
        let unknown = Place {
            way,
            schema: Value::Null,
        };
        let playbook = unknown.playbook_with(&schema, json!(1));
        assert!(refused(&schema, &schema, &playbook).is_some(), "{playbook}");
        let findings = read(&playbook.to_string()).unwrap_err();
        let finding = findings
            .errors()
            .find(|finding| finding.message.contains("'frobnicate'"))
            .unwrap();
        let (_, known) = finding
            .hint
            .as_deref()
            .unwrap()
            .split_once("may have: ")
            .unwrap();
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();
        assert_eq!(known, names);
    }
}

#[test]
fn what_is_left_out_is_the_default() {
    let schema = schema();
    let mut tried = 0;
    for place in places(&schema) {
        let Some(default) = place.schema.get("default") else {
            continue;
        };
        let (name, map) = place.way.split_last().unwrap();
        let with = place.playbook_with(&schema, default.clone());
        let Ok(with_default) = read(&with.to_string()) else {
            panic!("{with} is refused");
        };
        let mut without = with.clone();
        let inside = map.iter().fold(&mut without, |value, key| match key {
            Value::String(key) => &mut value[key],
            _ => &mut value[0],
        });
        inside
            .as_object_mut()
            .unwrap()
            .remove(name.as_str().unwrap());
        if name == "version" {
            continue;
        }
        tried += 1;
        assert_eq!(
            with_default.playbook,
            read(&without.to_string()).unwrap().playbook,
            "{}",
            place.name()
        );
    }
    assert!(tried > 10);
}

/// Asserts that the schema is not stricter than the parser, and says who refuses the playbook.
fn judged(text: &str) -> &'static str {
    let schema = schema();
    let Ok(value) = serde_yaml_ng::from_str::<Value>(text) else {
        assert!(read(text).is_err(), "{text}");
        return "no schema can be asked";
    };
    match (refused(&schema, &schema, &value), read(text)) {
        (None, Ok(_)) => "both take it",
        (Some(_), Err(_)) => "both refuse it",
        (None, Err(_)) => "the parser refuses it",
        (Some(why), Ok(_)) => panic!("the schema is stricter: {why}\n{text}"),
    }
}

fn findings(text: &str) -> &'static str {
    judged(text)
}

fn in_stages(stages: &str) -> &'static str {
    judged(&format!("version: \"1.0\"\nname: t\nstages:\n{stages}"))
}

macro_rules! cases {
    ($($name:ident: $call:ident($text:expr);)*) => {
        #[test]
        fn what_the_schema_sees_of_each_refusal() {
            let mut seen = String::new();
            $(writeln!(seen, "{}: {}", stringify!($name), $call($text)).unwrap();)*
            insta::assert_snapshot!(seen);
        }
    };
}

include!("findings/cases.rs");

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_schema_takes_what_the_documentation_shows() {
    let mut tried = 0;
    for name in [
        "README.md",
        "docs/language.md",
        "docs/lock.md",
        "examples/penguins/README.md",
    ] {
        let Ok(text) = std::fs::read_to_string(repository().join(name)) else {
            continue;
        };
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if block.starts_with("version:") && block.contains("\nstages:") {
                tried += 1;
                assert_eq!(judged(block), "both take it", "{name}:\n{block}");
            }
        }
    }
    assert!(tried > 0);
    let examples = std::fs::read_dir(repository().join("examples")).unwrap();
    for example in examples {
        let path = example.unwrap().path().join("playbook.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(judged(&text), "both take it", "{}", path.display());
    }
}

#[test]
fn the_schema_is_not_stricter_on_what_fuzzing_found() {
    let mut tried = 0;
    for entry in std::fs::read_dir(repository().join("fuzz/corpus/playbook")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        judged(&String::from_utf8_lossy(&bytes));
        tried += 1;
    }
    assert!(tried > 0);
}
