//! The lock file: its text, and what is done with one that cannot be read.

use crate::support::Sandbox;

fn one_stage() -> Sandbox {
    let sandbox = Sandbox::with_stages("  a: {cmd: cp in x, deps: [in], outs: [x]}\n");
    sandbox.write("in", "1");
    sandbox
}

#[test]
fn the_lock_as_it_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: transcripts\nparams: {model: tiny, chunk: {size: 512}, ratio: 1.10}\nenv: {LANG: C}\nstages:\n  transcribe:\n    cmd: 'echo {{params.model}} > {{outs[0].path}}; cat raw/* >> {{outs[0].path}}'\n    deps: [raw]\n    outs: [{path: out/lecture.json, type: transcript}]\n    params: [chunk.size, ratio]\n  pack: {cmd: ['ln -s lecture.json lecture', 'true'], outs: [out/lecture], after: [transcribe], wdir: out, shell: bash}\n  broken: {cmd: 'false', deps: [out/lecture.json], outs: [out/never]}\n",
    );
    sandbox.write("raw/lecture.wav", "RIFF");
    sandbox.write("raw/more.wav", "RIFF more");
    sandbox.run(&["run", "-j1"]).says(1);
    insta::assert_snapshot!(sandbox.read("playbook.lock.yaml"), @"");
    assert_eq!(sandbox.run(&["lock"]).prints(0), sandbox.read("playbook.lock.yaml"));
}

#[test]
fn a_lock_that_cannot_be_read_is_never_thrown_away() {
    let sandbox = one_stage();
    sandbox.ran(&[]);
    let whole = sandbox.read("playbook.lock.yaml");
    let conflict = whole.replacen("    status", "<<<<<<< HEAD\n    status", 1);
    let broken: [(&str, String); 7] = [
        ("torn", whole[..whole.len() / 2].to_owned()),
        ("conflict", conflict),
        ("newer", whole.replace("'1.0'", "'2.0'").replace("status: completed", "state: fine")),
        ("empty", String::new()),
        ("junk", "\u{1}\u{2}junk".to_owned()),
        ("twice", whole.replace("  a:\n", "  a: {status: completed}\n  a:\n")),
        ("wrong kind", "schema: '1.0'\nstages: [a]\n".to_owned()),
    ];
    let mut told = String::new();
    for (what, text) in broken {
        sandbox.write("playbook.lock.yaml", &text);
        told += &format!("== {what}\n{}", sandbox.run(&["run"]).says(2));
        assert_eq!(sandbox.read("playbook.lock.yaml"), text, "{what}");
        sandbox.run(&["status"]).says(2);
        sandbox.run(&["list"]).says(2);
    }
    insta::assert_snapshot!(told);
    sandbox.remove("playbook.lock.yaml");
    std::fs::create_dir(sandbox.path("playbook.lock.yaml")).unwrap();
    let said = sandbox.run(&["run"]).says(2);
    assert!(said.contains("cannot read the lock file"), "{said}");
}

#[test]
fn a_lock_of_another_generator_loads() {
    let sandbox = one_stage();
    sandbox.write(
        "playbook.lock.yaml",
        "schema: \"1.0\"\nplaybook: other\ngenerated_at: yesterday\ngenerator: batuta 0.7\nblake3_version: \"1.8\"\nparams_hash: abc\nfuture: {x: 1}\nstages:\n  a:\n    status: cached\n    started_at: null\n    completed_at: 2026-01-01T00:00:00Z\n    duration_seconds: 1.5\n    target: null\n    deps: [{path: in, hash: '', file_count: 1, total_bytes: 1}]\n    params_hash: blake3:xyz\n    outs: [{path: x, hash: blake3:0}]\n    cmd_hash: blake3:1\n    cache_key: nonsense\n",
    );
    assert_eq!(sandbox.run(&["status"]).prints(0), "run    a  previous run did not complete (cached)\n1 to run\n");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn two_playbooks_that_would_share_a_lock_are_refused() {
    let sandbox = one_stage();
    sandbox.write("playbook.yml", &sandbox.read("playbook.yaml"));
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2), @"");
    sandbox.run(&["status", "playbook.yml"]).says(2);
}

#[test]
fn a_lock_behind_a_link_is_written_through_it() {
    let sandbox = one_stage();
    sandbox.ran(&[]);
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    std::fs::rename(sandbox.path("playbook.lock.yaml"), sandbox.path("real.yaml")).unwrap();
    std::os::unix::fs::symlink("real.yaml", sandbox.path("playbook.lock.yaml")).unwrap();
    sandbox.mode("real.yaml", 0o640);
    sandbox.write("in", "2");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert!(sandbox.path("playbook.lock.yaml").is_symlink());
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(sandbox.path("real.yaml").metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}
