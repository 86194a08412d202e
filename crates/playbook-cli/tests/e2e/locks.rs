//! The lock file: its text, and what is done with one that cannot be read.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

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
    insta::assert_snapshot!(sandbox.read("playbook.lock.yaml"), @"
    schema: '1.0'
    playbook: transcripts
    generated_at: 2026-02-16T14:00:00Z
    generator: playbook 0.1.0
    blake3_version: '1.8'
    params_hash: blake3:0a6dd4a19370a36097ac57ea769910695d874b1e8d04d42e1bf3ca3f073a05c2
    stages:
      transcribe:
        status: completed
        started_at: 2026-02-16T14:00:00Z
        completed_at: 2026-02-16T14:00:00Z
        duration_seconds: 0.0
        deps:
        - path: raw
          hash: blake3:a85f21198aa13793980111ccf089bc51ce594e5ec8d40dc74a613490bf40c358
          file_count: 2
          total_bytes: 13
        params:
          chunk.size: 512
          model: tiny
          ratio: 1.1
        params_hash: blake3:bd14ff1e5969fcacf8b8bf9f12612c5fc4553148433359618bc4aa63e06dc34f
        outs:
        - path: out/lecture.json
          hash: blake3:8fa23d28f1d8e488a73b2a2b8333ccfd800f82050c61524a06af5b864e36aa63
          file_count: 1
          total_bytes: 18
        cmd_hash: blake3:928eaf0d43105781bd6f3871ac986ba2dac4c2583ea3bc214c2eae5aadec9344
        cache_key: blake3:a80fc95f4a44b548b7a4f3d4369997ab1707df12b794be548f1481614dfd02a8
        env_hash: blake3:dd1d0629281644da2c8d316b108fc1d81bb446b0d36b00be6901a0df93b96b29
      pack:
        status: completed
        started_at: 2026-02-16T14:00:00Z
        completed_at: 2026-02-16T14:00:00Z
        duration_seconds: 0.0
        deps: []
        params_hash: blake3:fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc
        outs:
        - path: out/lecture
          hash: blake3:8fa23d28f1d8e488a73b2a2b8333ccfd800f82050c61524a06af5b864e36aa63
          file_count: 1
          total_bytes: 18
          symlink: lecture.json
        cmd_hash: blake3:3ac842eba37a3755fc94536eb71a5d576b9169cc83d59f622f9357f9386ca787
        cache_key: blake3:64c5223cb78cef3d859e9116cf4fcc691f8910a6a3a7adc84fd20571a58e8431
        shell: bash
        wdir: out
        env_hash: blake3:dd1d0629281644da2c8d316b108fc1d81bb446b0d36b00be6901a0df93b96b29
        after:
        - stage: transcribe
          completed_at: 2026-02-16T14:00:00Z
      broken:
        status: failed
        started_at: 2026-02-16T14:00:00Z
        completed_at: 2026-02-16T14:00:00Z
        duration_seconds: 0.0
        deps:
        - path: out/lecture.json
          hash: blake3:8fa23d28f1d8e488a73b2a2b8333ccfd800f82050c61524a06af5b864e36aa63
          file_count: 1
          total_bytes: 18
        params_hash: blake3:fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc
        outs: []
        cmd_hash: blake3:401f18ad0cca38559086c36f9e0295f1ca3a7023e5f095aeef69177a9b8f10ce
        env_hash: blake3:dd1d0629281644da2c8d316b108fc1d81bb446b0d36b00be6901a0df93b96b29
    ");
    assert_eq!(
        sandbox.run(&["lock"]).prints(0),
        sandbox.read("playbook.lock.yaml")
    );
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
        (
            "newer",
            whole
                .replace("'1.0'", "'2.0'")
                .replace("status: completed", "state: fine"),
        ),
        ("empty", String::new()),
        ("junk", "\u{1}\u{2}junk".to_owned()),
        (
            "twice",
            whole.replace("  a:\n", "  a: {status: completed}\n  a:\n"),
        ),
        ("wrong kind", "schema: '1.0'\nstages: [a]\n".to_owned()),
    ];
    let mut told = String::new();
    for (what, text) in broken {
        sandbox.write("playbook.lock.yaml", &text);
        write!(told, "== {what}\n{}", sandbox.run(&["run"]).says(2)).unwrap();
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
    assert_eq!(
        sandbox.run(&["run", "-n", "-j1"]).prints(0),
        "run    a  previous run did not complete (cached)\n1 to run\ntakes about 1.50 s one stage at a time\n"
    );
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn two_playbooks_that_would_share_a_lock_are_refused() {
    let sandbox = one_stage();
    sandbox.write("playbook.yml", &sandbox.read("playbook.yaml"));
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2), @"
    error: playbook.yaml and playbook.yml would share one lock file
      hint: rename one of them; if playbook.yml is a leftover, remove it
    ");
    sandbox.run(&["status", "playbook.yml"]).says(2);
}

#[test]
fn a_lock_behind_a_link_is_written_through_it() {
    let sandbox = one_stage();
    sandbox.ran(&[]);
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    std::fs::rename(
        sandbox.path("playbook.lock.yaml"),
        sandbox.path("real.yaml"),
    )
    .unwrap();
    std::os::unix::fs::symlink("real.yaml", sandbox.path("playbook.lock.yaml")).unwrap();
    sandbox.mode("real.yaml", 0o640);
    sandbox.write("in", "2");
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert!(sandbox.path("playbook.lock.yaml").is_symlink());
    assert_eq!(
        sandbox
            .path("real.yaml")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o640
    );
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}
