//! `--set` and `--params-file`.

use crate::support::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: test\nparams_files: [p.yaml]\nparams: {model: tiny, list: [1, 2], chunk: {size: 512, step: 1}}\nstages:\n  train: {cmd: 'echo {{params.model}} {{params.list}} {{params.chunk.size}} {{params.base}} > out', outs: [out], params: [chunk]}\n",
    );
    sandbox.write("p.yaml", "base: b\nmodel: low\n");
    sandbox.write("prod.toml", "model = 'prod'\nextra = 1\nchunk.size = 3\n");
    sandbox
}

fn made(sandbox: &Sandbox, args: &[&str]) -> String {
    let all: Vec<&str> = ["run"].iter().chain(args).copied().collect();
    sandbox.run(&all).says(0);
    sandbox.read("out")
}

#[test]
fn each_layer_lies_over_the_one_before() {
    let sandbox = sandbox();
    assert_eq!(made(&sandbox, &[]), "tiny 1 2 512 b\n");
    assert_eq!(
        made(&sandbox, &["--params-file", "prod.toml"]),
        "prod 1 2 3 b\n"
    );
    sandbox.write("second.json", "{\"chunk\": {\"size\": 4}}");
    let both = ["--params-file", "prod.toml", "--params-file", "second.json"];
    assert_eq!(made(&sandbox, &both), "prod 1 2 4 b\n");
    let set = [&both[..], &["--set", "chunk.size=5", "-p", "base=a b"]].concat();
    assert_eq!(made(&sandbox, &set), "prod 1 2 5 a b\n");
    assert_eq!(made(&sandbox, &[]), "tiny 1 2 512 b\n");
}

#[test]
fn lists_replace_and_maps_merge() {
    let sandbox = sandbox();
    assert_eq!(
        made(&sandbox, &["--set", "list=[x y, 3]"]),
        "tiny x y 3 512 b\n"
    );
    assert_eq!(
        made(&sandbox, &["--set", "chunk={size: 6}"]),
        "tiny 1 2 6 b\n"
    );
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(lock.contains("step: 1"), "{lock}");
}

#[test]
fn what_looks_at_a_run_takes_the_same() {
    let sandbox = sandbox();
    made(&sandbox, &["--set", "chunk.size=6"]);
    let same = ["--set", "chunk.size=6"];
    for command in [
        &["run", "-n", "--exit-code"][..],
        &["status", "--exit-code"],
    ] {
        let _said = sandbox.run(&[command, &same].concat()).prints(0);
        let _said = sandbox.run(command).prints(3);
    }
    let debug = sandbox
        .run(&[&["debug", "train"][..], &same].concat())
        .prints(0);
    assert!(debug.contains("echo tiny 1 2 6 b"), "{debug}");
    let dag = sandbox.run(&[&["dag"][..], &same].concat()).prints(0);
    assert!(!dag.contains("would run"), "{dag}");
    let _said = sandbox.run(&[&["list"][..], &same].concat()).prints(0);
    let _said = sandbox.run(&[&["validate"][..], &same].concat()).says(0);
    insta::assert_snapshot!(
        sandbox
            .run(&["why", "train", "--params-file", "prod.toml"])
            .prints(0)
    );
    insta::assert_snapshot!(
        sandbox
            .run(&["why", "train", "--set", "chunk.size=6"])
            .prints(0)
    );
}

#[test]
fn the_log_tells_what_was_given() {
    let sandbox = sandbox();
    made(
        &sandbox,
        &["--params-file", "prod.toml", "--set", "list=[]"],
    );
    let log = sandbox.read("playbook.events.jsonl");
    let started = log.lines().next().unwrap();
    assert!(
        started.contains(r#""params":{"model":"prod","extra":1,"chunk.size":3,"list":[]}"#),
        "{started}"
    );
}

fn refused(args: &[&str]) -> String {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path("dir.yaml")).unwrap();
    sandbox.write("bad.yaml", "model: tiny\nchunk: [1\n");
    let all: Vec<&str> = ["run"].iter().chain(args).copied().collect();
    let said = sandbox.run(&all).says(2);
    assert!(!sandbox.exists("out"));
    said
}

macro_rules! refusals {
    ($($name:ident: $($arg:literal)*;)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!(refused(&[$($arg),*])); })*
    };
}

refusals! {
    unknown_name: "--set" "chunk.sise=3";
    unknown_name_in_a_map: "--set" "chunk={sise: 3}";
    through_a_value: "--set" "model.size.x=3";
    into_a_list: "--set" "list.0=3";
    no_value: "--set" "model";
    no_name: "--set" "=3";
    not_a_finite_number: "--set" "model=.nan";
    not_yaml: "--set" "model=[1";
    twice_in_a_map: "--set" "chunk={size: 1, size: 2}";
    dotted_name_in_a_map: "--set" "model={a.b: 1}";
    a_map_gone_that_a_stage_needs: "--set" "chunk=3";
    file_not_there: "--params-file" "gone.yaml";
    file_of_no_format: "--params-file" "prod.ini";
    file_is_a_directory: "--params-file" "dir.yaml";
    file_broken: "--params-file" "bad.yaml";
}

#[test]
fn a_name_in_a_file_that_nobody_knows_is_warned_of() {
    let sandbox = sandbox();
    sandbox.write("typo.yaml", "modle: big\n");
    insta::assert_snapshot!(sandbox.run(&["run", "--params-file", "typo.yaml"]).says(0));
}

#[test]
fn a_param_may_be_left_to_the_command_line() {
    let sandbox = Sandbox::with_stages("  a: {cmd: 'echo {{params.who}} > out', outs: [out]}\n");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2));
    sandbox.write("me.json", "{\"who\": \"me\"}");
    assert_eq!(made(&sandbox, &["--params-file", "me.json"]), "me\n");
    assert_eq!(
        made(&sandbox, &["--params-file", "me.json", "--set", "who=you"]),
        "you\n"
    );
}

#[test]
fn a_difference_in_a_map_is_named_where_it_is() {
    let sandbox = Sandbox::new();
    let playbook = |chunk: &str| {
        sandbox.write(
            "playbook.yaml",
            &format!("version: \"1.0\"\nname: test\nparams: {{chunk: {chunk}, list: [1]}}\nstages:\n  a: {{cmd: 'echo {{{{params.chunk.size}}}} > x', outs: [x], params: [chunk, list]}}\n"),
        );
    };
    playbook("{size: 512, deep: {a: 1, b: 2}, none: {}}");
    sandbox.ran(&[]);
    playbook("{deep: {b: 2, a: 1}, none: {}, size: 512}");
    assert!(
        sandbox.ran(&[]).is_empty(),
        "the order of a map is none of its own"
    );
    playbook("{size: 1024, deep: {a: 1, c: x}, none: {n: 1}}");
    insta::assert_snapshot!(sandbox.run(&["run", "-n"]).prints(0));
    insta::assert_snapshot!(sandbox.run(&["why", "a"]).prints(0));
    sandbox.ran(&[]);
    playbook("7");
    let said = sandbox.run(&["run"]).says(2);
    assert!(said.contains("no param 'chunk.size'"), "{said}");
}
