//! What `why` tells beside the reasons: names, directories with many changes, values from the environment.

use crate::support::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  clean:\n    cmd: mkdir clean; cp raw/* clean/\n    deps: [raw]\n    outs: [clean]\n  train: {cmd: cat clean/* > model.txt, deps: [clean], outs: [model.txt]}\n",
    );
    for bird in ["crane", "finch", "heron"] {
        sandbox.write(&format!("raw/{bird}.txt"), &format!("{bird}\n"));
    }
    sandbox
}

#[test]
fn why_asks_for_a_stage_and_knows_which_there_are() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["why", "playbook.yaml"]).says(2), @"
    error: which stage? None is named
      hint: 'playbook status' shows all of them, with the reasons in short
    ");
    insta::assert_snapshot!(sandbox.run(&["why", "trian"]).says(2), @"
    error: 'trian' selects nothing: no stage has this name and none makes this path
      hint: did you mean 'train'?
    ");
}

#[test]
fn names_that_would_draw_on_the_terminal_do_not() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("raw/a\u{1b}[2J\nb", "");
    let why = sandbox.run(&["why", "clean"]).prints(0);
    assert!(why.contains("+ raw/a\\x1b[2J\\nb"), "{why}");
    assert!(!why.contains('\u{1b}'), "{why}");
}

#[test]
fn a_directory_with_many_changes_is_told_in_few_lines() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    for n in 0..1_000 {
        sandbox.write(&format!("raw/new{n:04}.txt"), "");
    }
    let why = sandbox.run(&["why", "clean"]).prints(0);
    assert!(why.contains("raw/: 1000 files added"), "{why}");
    assert!(
        why.contains("+ and 990 more") && why.lines().count() < 30,
        "{why}"
    );
    let json = sandbox.run(&["why", "clean", "--json"]).prints(0);
    let line: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        line["deps"][0]["files"]["added"].as_array().unwrap().len(),
        1_000
    );
}

#[test]
fn a_value_from_the_environment_is_not_shown() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo {{ env.TOKEN }} > x', outs: [x], env: {TOKEN: sesame}}\n",
    );
    sandbox.ran(&[]);
    let text = sandbox.read("playbook.yaml").replace("sesame", "open");
    sandbox.write("playbook.yaml", &text);
    for args in [&["why", "a"][..], &["why", "--json", "a"]] {
        let told = sandbox.run(args).prints(0);
        assert!(!told.contains("sesame") && !told.contains("open"), "{told}");
    }
    insta::assert_snapshot!(sandbox.run(&["why", "a"]).prints(0));
}
