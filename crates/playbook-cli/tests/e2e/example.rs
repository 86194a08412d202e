//! The penguins example, run as its page says.

use std::fs;
use std::path::Path;

use crate::support::Sandbox;

/// A copy of the example.
fn example() -> Sandbox {
    let sandbox = Sandbox::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/penguins");
    for path in ["playbook.yaml", "data/penguins.csv"] {
        sandbox.write(path, &fs::read_to_string(from.join(path)).unwrap());
    }
    for script in fs::read_dir(from.join("scripts")).unwrap() {
        let path = script.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        sandbox.write(
            &format!("scripts/{name}"),
            &fs::read_to_string(&path).unwrap(),
        );
    }
    sandbox
}

#[test]
fn it_runs_once_and_then_only_what_changed() {
    let sandbox = example();
    assert_eq!(sandbox.ran(&["-j2"]).len(), 8);
    let report = sandbox.read("out/report.md");
    // The line of best fit for these 342 rows, as computed independently.
    assert!(
        report.contains("49.69 × flipper length in mm - 5780.8"),
        "{report}"
    );
    let before = (
        sandbox.stamp("playbook.lock.yaml"),
        sandbox.stamp("playbook.events.jsonl"),
    );
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    let after = (
        sandbox.stamp("playbook.lock.yaml"),
        sandbox.stamp("playbook.events.jsonl"),
    );
    assert_eq!(before, after, "a run that executes nothing writes nothing");
    assert_eq!(sandbox.ran(&["-p", "report.decimals=2"]), ["report"]);
    assert_eq!(
        sandbox.ran(&["-p", "report.decimals=2", "-p", "holdout.every=4", "-j1"]),
        ["holdout", "train_fit", "evaluate", "report"]
    );
    sandbox.ran(&[]);
    let script = format!("# a comment\n{}", sandbox.read("scripts/clean.awk"));
    sandbox.write("scripts/clean.awk", &script);
    assert_eq!(sandbox.ran(&[]), ["clean"], "it makes the same bytes");
}
