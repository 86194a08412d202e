//! What stages ask of the machine and of local targets: that it is given to them, shared, and refused.

use crate::support::{Ended, Sandbox};

/// A playbook with these targets and stages.
fn playbook(sandbox: &Sandbox, targets: &str, stages: &str) {
    let text = format!("version: \"1.0\"\nname: t\ntargets: {targets}\nstages:\n{stages}");
    sandbox.write("playbook.yaml", &text);
}

/// A stage that ends only if the other runs at the same time.
fn meets(own: &str, other: &str, more: &str) -> String {
    let cmd = format!("touch b{own}; until [ -e b{other} ]; do :; done; echo > {own}");
    format!("  {own}: {{cmd: '{cmd}', outs: [{own}], {more}}}\n")
}

/// A stage that fails if another like it runs at the same time.
fn alone(own: &str, more: &str) -> String {
    format!("  {own}: {{cmd: 'mkdir busy; rmdir busy; echo > {own}', outs: [{own}], {more}}}\n")
}

fn with_devices(sandbox: &Sandbox, devices: &str, args: &[&str]) -> Ended {
    let mut command = sandbox.command(args);
    command.env("CUDA_VISIBLE_DEVICES", devices);
    sandbox.finish(command)
}

/// What the machine is said to have of something, in gigabytes: told when a stage asks for too much.
fn there_is(sandbox: &Sandbox, field: &str) -> f64 {
    sandbox.stages(&format!(
        "  a: {{cmd: echo > x, outs: [x], resources: {{{field}: 1e12}}}}\n"
    ));
    let said = sandbox.run(&["run"]).says(2);
    let words: Vec<&str> = said.split_whitespace().collect();
    let amounts = words.windows(2).filter(|pair| pair[1] == "GB");
    let mut amounts = amounts.filter_map(|pair| pair[0].parse().ok());
    amounts.rfind(|amount| *amount < 1e9).unwrap()
}

#[test]
fn the_memory_of_a_target_is_shared() {
    let sandbox = Sandbox::new();
    let asks = |gigabytes: &str| format!("target: big, resources: {{memory_gb: {gigabytes}}}");
    let together = [meets("x", "y", &asks("5")), meets("y", "x", &asks("5"))];
    playbook(&sandbox, "{big: {memory_gb: 10}}", &together.concat());
    sandbox.run(&["run", "-j4"]).says(0);
    let one_by_one = ["p", "q", "r"].map(|own| alone(own, &asks("5.5")));
    playbook(&sandbox, "{big: {memory_gb: 10}}", &one_by_one.concat());
    sandbox.run(&["run", "-j4"]).says(0);
}

#[test]
fn what_the_machine_has_is_shared() {
    let sandbox = Sandbox::new();
    for field in ["memory_gb", "disk_gb"] {
        let most = there_is(&sandbox, field) * 0.6;
        let asks = format!("resources: {{{field}: {most}}}");
        let small = format!("resources: {{{field}: 0.001}}");
        let stages = [
            alone("p", &asks),
            alone("q", &asks),
            meets("x", "y", &small),
            meets("y", "x", &small),
        ];
        sandbox.stages(&stages.concat());
        sandbox.run(&["run", "-j4", "-B"]).says(0);
    }
}

#[test]
fn more_than_there_is_is_refused_at_once_and_all_of_it() {
    let sandbox = Sandbox::with_stages(
        "  first: {cmd: touch ran; echo > o, outs: [o]}\n  huge: {cmd: echo > x, deps: [o], outs: [x], resources: {memory_gb: 1e9, gpu: 3, disk_gb: 2e9}}\n  other: {cmd: echo > y, outs: [y], resources: {gpu: 2}}\n  fits: {cmd: echo > z, outs: [z], resources: {gpu: 1, memory_gb: 0.01}}\n",
    );
    let said = with_devices(&sandbox, "5", &["run"]).says(2);
    // What this machine has is its own affair.
    let there = |asked: &str| -> Option<String> {
        let (asked, has) = asked.split_once(", and ")?;
        let (has, at) = has.split_once(" (stages")?;
        (!has.starts_with("CUDA")).then(|| format!("{asked}, and [THERE] (stages{at}"))
    };
    let without = |said: &str| {
        let lines = said.lines();
        let lines = lines.map(|line| there(line).unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<_>>().join(
            "
",
        )
    };
    insta::assert_snapshot!(without(&said), @"
    error: stage 'huge' asks for 1000000000 GB of memory, and [THERE] (stages.huge.resources.memory_gb)
    error: stage 'huge' asks for 3 accelerators, and CUDA_VISIBLE_DEVICES names 1 (stages.huge.resources.gpu)
    error: stage 'huge' asks for 2000000000 GB of disk, and [THERE] (stages.huge.resources.disk_gb)
    error: stage 'other' asks for 2 accelerators, and CUDA_VISIBLE_DEVICES names 1 (stages.other.resources.gpu)
    error: this machine has less than stages ask for; nothing was run
      hint: ask for less, or run it where there is more; 'playbook run STAGE' runs only what STAGE needs
      hint: if it has more than can be seen, say so: targets: {big: {memory_gb: …, gpus: …}}, and 'target: big' in the stage
    ");
    let dry = with_devices(&sandbox, "5", &["run", "-n"]).says(2);
    assert_eq!(without(&dry), without(&said));
    assert!(!sandbox.exists("ran") && !sandbox.exists("playbook.lock.yaml"));
    assert!(!sandbox.exists("playbook.events.jsonl"));
    // Those that fit can run without the others.
    with_devices(&sandbox, "5", &["run", "first", "fits"]).says(0);
    // Looking is no running.
    let status = with_devices(&sandbox, "5", &["status"]);
    assert!(status.stdout.contains("huge"), "{status:?}");
    let said = status.says(0);
    assert!(
        said.contains("warning: stage 'huge' asks for 3 accelerators"),
        "{said}"
    );
    assert!(
        said.ends_with("hint: 'playbook run' refuses that on this machine\n"),
        "{said}"
    );
}

#[test]
fn what_stands_need_not_fit() {
    let stages = |gigabytes: &str| {
        format!(
            "  a: {{cmd: cp in x, deps: [in], outs: [x], resources: {{memory_gb: {gigabytes}}}}}\n  b: {{cmd: cp x y, deps: [x], outs: [y]}}\n"
        )
    };
    let sandbox = Sandbox::with_stages(&stages("0.01"));
    sandbox.write("in", "1");
    assert_eq!(sandbox.ran(&[]), ["a", "b"]);
    // What a stage asks for makes nothing else of what it made.
    sandbox.stages(&stages("1e9"));
    for reading in [&[][..], &["--no-stat-cache"]] {
        assert_eq!(sandbox.ran(reading), Vec::<String>::new());
    }
    assert_eq!(sandbox.run(&["status"]).says(0), "");
    sandbox.remove("y");
    assert_eq!(sandbox.ran(&[]), ["b"]);
    sandbox.run(&["run", "--force"]).says(2);
    sandbox.write("in", "2");
    for args in [&["run"][..], &["run", "-n"], &["run", "b"]] {
        let said = sandbox.run(args).says(2);
        assert!(
            said.contains("stage 'a' asks for 1000000000 GB of memory"),
            "{said}"
        );
    }
    assert_eq!(sandbox.read("x"), "1");
}

#[test]
fn each_stage_is_told_of_its_own_accelerators() {
    let shows = |own: &str, other: &str, gpus: u32| {
        format!(
            "  {own}: {{cmd: 'touch b{own}; until [ -e b{other} ]; do :; done; echo $CUDA_VISIBLE_DEVICES > {own}', outs: [{own}], resources: {{gpu: {gpus}}}}}\n"
        )
    };
    let sandbox = Sandbox::with_stages(&[
        shows("x", "y", 1),
        shows("y", "x", 2),
        "  both: {cmd: 'echo $CUDA_VISIBLE_DEVICES > both', after: [x, y], outs: [both], resources: {gpu: 3}}\n".to_owned(),
        "  none: {cmd: 'echo $CUDA_VISIBLE_DEVICES > none', outs: [none], resources: {gpu: 0}}\n".to_owned(),
    ].concat());
    with_devices(&sandbox, "4,GPU-ab,6", &["run", "-j8"]).says(0);
    let seen = ["x", "y", "both", "none"].map(|out| sandbox.read(out));
    assert_eq!(seen, ["4\n", "GPU-ab,6\n", "4,GPU-ab,6\n", "4,GPU-ab,6\n"]);
    // Which ones they were decides nothing.
    let again = with_devices(&sandbox, "7,8,9", &["run", "--json"]).prints(0);
    assert!(!again.contains("stage_started"), "{again}");
}

#[test]
fn accelerators_are_given_back_whatever_happens() {
    // One for all: each takes it, fails with it, is tried again with it, or ends of itself.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'mkdir busy; rmdir busy; echo $CUDA_VISIBLE_DEVICES >> tries; [ -e second ] || { touch second; exit 1; }; echo > x', outs: [x], resources: {gpu: 1}, retry: {limit: 1, backoff: {initial: 0s}}}\n  b: {cmd: 'mkdir busy; rmdir busy; exit 3', outs: [y], resources: {gpu: 1}}\n  c: {cmd: 'mkdir busy; rmdir busy; echo $CUDA_VISIBLE_DEVICES > z', outs: [z], resources: {gpu: 1}}\n",
    );
    with_devices(&sandbox, "2", &["run", "-k", "-j4"]).says(1);
    assert_eq!(sandbox.read("tries"), "2\n2\n");
    assert_eq!(sandbox.read("z"), "2\n");
}

#[test]
fn the_accelerators_of_a_target() {
    let sandbox = Sandbox::new();
    let asks = "target: here, resources: {gpu: 1}";
    let stages = ["p", "q", "r"].map(|own| alone(own, asks)).concat();
    playbook(&sandbox, "{here: {gpus: 1}}", &stages);
    with_devices(&sandbox, "4,5", &["run", "-j4"]).says(0);
    // What it is said to have is believed, where nobody says otherwise.
    let shows = "  s: {cmd: 'echo $CUDA_VISIBLE_DEVICES > o', outs: [o], target: here, resources: {gpu: 100}}\n";
    playbook(&sandbox, "{here: {host: localhost, gpus: 100}}", shows);
    sandbox.run(&["run"]).says(0);
    let seen = sandbox.read("o");
    assert!(
        seen.starts_with("0,1,2,") && seen.ends_with(",99\n"),
        "{seen}"
    );
    let said = with_devices(&sandbox, "4,5", &["run", "-B"]).says(2);
    assert!(
        said.contains("asks for 100 accelerators, and CUDA_VISIBLE_DEVICES names 2"),
        "{said}"
    );
    let said = with_devices(&sandbox, "", &["run", "-B"]).says(2);
    assert!(said.contains("CUDA_VISIBLE_DEVICES names none"), "{said}");
}

#[test]
fn a_declared_variable_is_what_it_is_declared_to_be() {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'echo $CUDA_VISIBLE_DEVICES > x', outs: [x], env: {CUDA_VISIBLE_DEVICES: '7'}, resources: {gpu: 1}}\n",
    );
    with_devices(&sandbox, "4,5", &["run"]).says(0);
    assert_eq!(sandbox.read("x"), "7\n");
}

#[test]
fn the_environment_of_a_target() {
    let sandbox = Sandbox::new();
    let with = |value: &str| {
        format!(
            "version: \"1.0\"\nname: t\nenv: {{A: top, B: top, C: top}}\ntargets: {{here: {{env: {{B: {value}, C: target}}}}}}\nstages:\n  a: {{cmd: 'echo $A $B $C {{{{ env.B }}}} > x', outs: [x], target: here, env: {{C: stage}}}}\n  b: {{cmd: 'echo $A $B $C > y', outs: [y]}}\n"
        )
    };
    sandbox.write("playbook.yaml", &with("target"));
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.read("x"), "top target stage target\n");
    assert_eq!(sandbox.read("y"), "top top top\n");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    // It is declared, so it decides.
    sandbox.write("playbook.yaml", &with("other"));
    assert_eq!(sandbox.ran(&[]), ["a"]);
    assert_eq!(sandbox.read("x"), "top other stage other\n");
    let log = sandbox.read("playbook.events.jsonl");
    assert!(log.contains("***") && !log.contains("other"), "{log}");
}

#[test]
fn what_a_local_target_cannot_have() {
    let sandbox = Sandbox::new();
    let stage = "  a: {cmd: echo > x, outs: [x], target: here}\n";
    playbook(&sandbox, "{here: {workdir: elsewhere}}", stage);
    let said = sandbox.run(&["run"]).says(2);
    assert!(said.contains("it cannot have a 'workdir'"), "{said}");
    playbook(&sandbox, "{here: {ssh_user: me, files: sync}}", stage);
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("'ssh_user' means nothing for target 'here'"),
        "{said}"
    );
    assert!(
        said.contains("'files' means nothing for target 'here'"),
        "{said}"
    );
    playbook(
        &sandbox,
        "{here: {memory_gb: 1, gpus: 1}}",
        "  a: {cmd: echo > y, outs: [y], target: here, resources: {memory_gb: 2, gpu: 2}}\n",
    );
    let said = sandbox.run(&["run"]).says(2);
    for more in [
        "asks for 2 GB of memory, and target 'here' has 1 GB",
        "asks for 2 accelerators, and target 'here' has 1",
    ] {
        assert!(said.contains(more), "{said}");
    }
}

#[test]
fn a_small_stage_goes_ahead_of_a_large_one_that_has_to_wait() {
    // The first ends only once the last has run; the one between them finds no room beside the first.
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: 'until [ -e c ]; do :; done; echo > x', outs: [x], resources: {cores: 3}}\n  b: {cmd: echo > y, outs: [y], resources: {cores: 2}}\n  c: {cmd: echo > c, outs: [c]}\n",
    );
    assert_eq!(sandbox.ran(&["-j4"]), ["a", "c", "b"]);
}
