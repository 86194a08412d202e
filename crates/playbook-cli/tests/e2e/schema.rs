//! `schema`, and what `init` writes of it.

use serde_json::{Value, json};

use crate::support::Sandbox;

// The same walk over the schema that holds it against the parser.
#[path = "../../../playbook-types/tests/schema/places.rs"]
pub(crate) mod places;

#[test]
fn init_writes_the_schema_that_the_playbook_names() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init"]).says(0);
    assert_eq!(
        sandbox.read("playbook.yaml").lines().next(),
        Some("# yaml-language-server: $schema=playbook.schema.json")
    );
    assert_eq!(
        sandbox.read("playbook.schema.json"),
        sandbox.run(&["schema"]).prints(0)
    );
}

#[test]
fn a_schema_that_is_there_is_not_overwritten_by_init() {
    let sandbox = Sandbox::new();
    sandbox.write("playbook.schema.json", "{}");
    assert_eq!(
        sandbox.run(&["init"]).says(0),
        "wrote playbook.yaml, .gitignore, .gitattributes\nnext: playbook run\n"
    );
    assert_eq!(sandbox.read("playbook.schema.json"), "{}");
}

#[test]
fn the_schema_is_written_anew_only_where_it_differs() {
    let sandbox = Sandbox::new();
    let write = || sandbox.run(&["schema", "-o", "s.json"]).says(0);
    assert_eq!(write(), "wrote s.json\n");
    let stamp = sandbox.stamp("s.json");
    assert_eq!(write(), "up to date: s.json\n");
    assert_eq!(sandbox.stamp("s.json"), stamp);
    let older = sandbox.read("s.json").replace("Free text", "Text");
    sandbox.write("s.json", &older);
    assert_eq!(write(), "wrote s.json\n");
    assert_eq!(
        sandbox.read("s.json"),
        sandbox.run(&["schema", "-o", "-"]).prints(0)
    );
}

#[test]
fn nothing_but_a_schema_is_overwritten() {
    let sandbox = Sandbox::new();
    sandbox.stages("  a: {cmd: x, outs: [o]}\n");
    sandbox.write("dir/x", "");
    let refused = |file: &str| sandbox.run(&["schema", "-o", file]).says(2);
    insta::assert_snapshot!(refused("playbook.yaml"), @"
    error: playbook.yaml is not a schema of playbook's; nothing was written
      hint: name another file with -o
    ");
    insta::assert_snapshot!(refused("dir"), @"
    error: dir is a directory
      hint: name a file in it with -o
    ");
    insta::assert_snapshot!(refused("no/s.json"), @"
    error: there is no directory no to write no/s.json in
      hint: make it first: mkdir -p no
    ");
}

/// A playbook in which every name there may be is that of something.
fn playbook(root: &Value, place: &places::Place, value: Value) -> Value {
    let mut playbook = place.playbook_with(root, value);
    let beside = json!({
        "params": {"p": 1},
        "targets": {"p": {}},
        "stages": {"p": {"cmd": "x", "outs": ["q"]}, "a": {"target": "a"}},
    });
    let under_targets = place.way.starts_with(&[json!("targets")]) && place.way.len() > 1;
    for (name, more) in beside.as_object().unwrap() {
        let into = playbook
            .as_object_mut()
            .unwrap()
            .entry(name)
            .or_insert(json!({}));
        for (key, value) in more.as_object().unwrap() {
            let Some(map) = into.as_object_mut() else {
                continue;
            };
            match (key.as_str(), name.as_str()) {
                ("a", "stages") if under_targets => map["a"]["target"] = json!("a"),
                ("a", "stages") => {}
                _ => {
                    map.entry(key).or_insert(value.clone());
                }
            }
        }
    }
    playbook
}

/// Values that fit a field, each with whether the schema says that it is not supported yet.
fn samples(place: &places::Place) -> Vec<(Value, bool)> {
    const NOT_YET: &str = "Not supported yet";
    let schema = &place.schema;
    let said = |text: &Value| text.as_str().is_some_and(|text| text.contains(NOT_YET));
    let whole = said(&schema["description"]);
    if let Some(words) = schema["enum"].as_array() {
        let about = schema["enumDescriptions"].as_array().unwrap();
        return words
            .iter()
            .zip(about)
            .map(|(word, about)| (word.clone(), whole || said(about)))
            .collect();
    }
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"][0].as_str());
    let rule = schema["patternErrorMessage"].as_str().unwrap_or_default();
    let sample = match place.way.last().unwrap().as_str().unwrap() {
        "version" | "chunk_size" => return Vec::new(),
        // The machine itself, whatever it is called.
        "host" => json!("localhost"),
        "parallel" => json!({"strategy": "per_file"}),
        "pre_flight" | "post_flight" => json!([{"cmd": "x"}]),
        "env" => json!({"A": "b"}),
        "params_files" => json!(["p.yaml"]),
        _ => match kind {
            None | Some("object") => return Vec::new(),
            Some("boolean") => json!(!schema["default"].as_bool().unwrap()),
            Some("integer" | "number") => json!(1),
            Some("array") => json!(["p"]),
            Some(_) if rule.contains("duration") => json!("1s"),
            Some(_) => json!("p"),
        },
    };
    vec![(sample, whole)]
}

#[test]
fn what_the_schema_says_is_not_supported_is_what_run_refuses() {
    let sandbox = Sandbox::new();
    let schema: Value = serde_json::from_str(&sandbox.run(&["schema"]).prints(0)).unwrap();
    sandbox.write("p.yaml", "p: 1\n");
    let mut tried = 0;
    let mut unsupported: Vec<Vec<Value>> = Vec::new();
    for place in places::places(&schema) {
        // What stands in something that is refused is refused with it.
        let inside = unsupported.iter().any(|way| place.way.starts_with(way));
        let all = samples(&place);
        if !all.is_empty() && all.iter().all(|(_, said)| *said) {
            unsupported.push(place.way.clone());
        }
        for (sample, said) in all {
            let mut playbook = playbook(&schema, &place, sample.clone());
            if sample == "ssh" || place.name() == "targets.a.workdir" {
                playbook["targets"]["a"]["host"] = json!("far");
            }
            if sample == "chunked" {
                playbook["stages"]["a"]["parallel"]["chunk_size"] = json!(2);
            }
            sandbox.write("playbook.yaml", &playbook.to_string());
            let findings = sandbox.run(&["validate", "--json"]).prints(0);
            let refused = findings.contains("not supported yet");
            assert_eq!(
                said || inside,
                refused,
                "{} = {sample}\n{playbook}\n{findings}",
                place.name()
            );
            tried += 1;
        }
    }
    assert!(tried > 50);
}
