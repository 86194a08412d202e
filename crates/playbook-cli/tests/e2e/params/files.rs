//! What `params_files` names.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Sandbox;

const STAGES: &str =
    "  train: {cmd: 'echo {{params.model}} {{params.chunk.size}} > out', outs: [out]}\n";

/// A playbook with these params files and params of its own.
fn with(files: &str, own: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        &format!(
            "version: \"1.0\"\nname: test\nparams_files: {files}\nparams: {own}\nstages:\n{STAGES}"
        ),
    );
    sandbox
}

#[test]
fn files_of_every_format_lie_over_each_other_and_the_playbook_over_all() {
    let sandbox = with("[a.yaml, conf/b.toml, c.json]", "{chunk: {own: 1}}");
    sandbox.write("a.yaml", "model: a\nchunk: {size: 1, own: 0}\n");
    sandbox.write("conf/b.toml", "model = 'b'\n[chunk]\nsize = 2\n");
    sandbox.write("c.json", "{\"model\": \"c d\"}");
    assert_eq!(sandbox.ran(&[]), ["train"]);
    assert_eq!(sandbox.read("out"), "c d 2\n");
    assert!(sandbox.ran(&[]).is_empty());
    sandbox.write("c.json", "{}");
    let why = sandbox.run(&["status"]).prints(0);
    insta::assert_snapshot!(why);
    assert_eq!(sandbox.ran(&[]), ["train"]);
    assert_eq!(sandbox.read("out"), "b 2\n");
}

#[test]
fn a_param_of_a_file_that_no_stage_uses_decides_nothing() {
    let sandbox = with("[p.yaml]", "{model: m}");
    sandbox.write("p.yaml", "chunk: {size: 1}\nother: 1\n");
    sandbox.ran(&[]);
    sandbox.write("p.yaml", "chunk: {size: 1, more: 2}\nother: 22\n");
    assert!(sandbox.ran(&[]).is_empty());
    assert_eq!(
        sandbox.run(&["run", "-q"]).says(0),
        "",
        "nor is it warned of"
    );
}

#[test]
fn everything_wrong_is_told_at_once_each_where_it_stands() {
    let sandbox = with(
        "[a.yaml, gone.yaml, dir.json, sub/b.toml, pipe.json, p.ini]",
        "{model: 1.10}",
    );
    sandbox.write("a.yaml", "x: 1\nx: 2\n");
    sandbox.write("sub/b.toml", "d = 2026-02-16\n");
    fs::create_dir(sandbox.path("dir.json")).unwrap();
    sandbox.fifo("pipe.json");
    fs::create_dir(sandbox.path("below")).unwrap();
    for args in [&["run"][..], &["validate"], &["status"]] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(sandbox.run(args).says(2).lines().filter(|line| !line.starts_with("error: playbook.yaml: ") && !line.starts_with("playbook.yaml: ")).collect::<Vec<_>>().join("\n"));
        }
    }
    assert!(!sandbox.exists(".playbook"));
    let json = sandbox
        .run(&["validate", "--json", "-f", "./playbook.yaml"])
        .prints(2);
    let files: Vec<String> = json
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["file"].to_string())
        .collect();
    assert!(files.contains(&"\"./a.yaml\"".to_owned()), "{files:?}");
    assert!(files.contains(&"\"./sub/b.toml\"".to_owned()), "{files:?}");
}

#[test]
fn a_file_elsewhere_or_behind_a_link_is_read_all_the_same() {
    let sandbox = with("[link.yaml, ../shared.yaml]", "{}");
    let sandbox_in = sandbox.path("project");
    fs::create_dir(&sandbox_in).unwrap();
    sandbox.write("project/playbook.yaml", &sandbox.read("playbook.yaml"));
    sandbox.remove("playbook.yaml");
    sandbox.write("shared.yaml", "model: shared\n");
    sandbox.write("real.yaml", "chunk: {size: 7}\n");
    symlink("../real.yaml", sandbox_in.join("link.yaml")).unwrap();
    assert_eq!(sandbox.ran(&["-f", "project/playbook.yaml"]), ["train"]);
    assert_eq!(sandbox.read("project/out"), "shared 7\n");
    sandbox.write("other.yaml", "chunk: {size: 8}\n");
    fs::remove_file(sandbox_in.join("link.yaml")).unwrap();
    symlink("../other.yaml", sandbox_in.join("link.yaml")).unwrap();
    assert_eq!(sandbox.ran(&["-f", "project/playbook.yaml"]), ["train"]);
    assert_eq!(sandbox.read("project/out"), "shared 8\n");
}
