//! `clean` and what fan-outs leave: records of jobs, and work directories of those that failed.

use std::fs;

use crate::support::Sandbox;

const RECORD: &str = ".playbook/playbook/fanout/up.jobs";
const LIST: &str = ".playbook/playbook/fanout/up.left";

/// Fails at files that do not hold `good`; every job leaves a line in `jobs`.
const UP: &str = "  up: {deps: [raw], outs: [done], cmd: 'echo {{input}} >> jobs; grep -q good {{input}}; cp {{input}} {{output}}', parallel: {strategy: per_file}}\n";
const OTHER: &str = "  other: {cmd: touch o, outs: [o]}\n";

/// Two of three jobs have failed.
fn failed() -> Sandbox {
    let sandbox = Sandbox::with_stages(UP);
    sandbox.write("raw/a", "good");
    sandbox.write("raw/b", "bad");
    sandbox.write("raw/c", "bad");
    sandbox.run(&["run", "-k", "-j1"]).says(1);
    sandbox
}

/// Work directories by what is in the state directory.
fn work_dirs(sandbox: &Sandbox) -> Vec<String> {
    let base = ".playbook/playbook/work";
    if !sandbox.exists(base) {
        return Vec::new();
    }
    let fronts = sandbox.names(base).into_iter();
    let dirs = fronts.flat_map(|front| {
        let rests = sandbox.names(&format!("{base}/{front}")).into_iter();
        rests.map(move |rest| format!("{base}/{front}/{rest}"))
    });
    dirs.collect()
}

/// With names for work directories instead of their keys, and without the caches' sizes.
fn plain(sandbox: &Sandbox, printed: &str) -> String {
    let mut printed = printed.to_owned();
    for (number, dir) in work_dirs(sandbox).iter().enumerate() {
        printed = printed.replace(dir, &format!("[{number}]"));
    }
    let lines = printed.split_inclusive('\n');
    lines.filter(|line| !line.contains("--cache")).collect()
}

#[test]
fn what_failed_jobs_left_goes_when_it_is_asked_for() {
    let sandbox = failed();
    let there = work_dirs(&sandbox);
    assert_eq!(there.len(), 2);
    let told = sandbox.run(&["clean", "-n"]).prints(0);
    insta::assert_snapshot!(plain(&sandbox, &told), @"
    nothing to remove
    can be removed as well:
      --kept        136 B  your files that were moved aside, and what failed stages and jobs left
      --jobs        302 B  which jobs of fan-outs are done; without it all of them run again
    ");
    let told = sandbox.run(&["clean", "--kept"]).prints(0);
    insta::assert_snapshot!(plain(&sandbox, &told), @"
    would go  what 2 failed jobs of 'up' left (136 B)
                [0]
                [1]
    136 B would go; nothing of that was removed
      hint: to remove it: the same command with --yes
    ");
    assert_eq!(work_dirs(&sandbox), there);

    insta::assert_snapshot!(sandbox.run(&["clean", "--kept", "--yes"]).prints(0).replace(&there[0], "[0]").replace(&there[1], "[1]"), @"
    removed  what 2 failed jobs of 'up' left (136 B)
                [0]
                [1]
    136 B removed
    ");
    assert_eq!(work_dirs(&sandbox), [""; 0]);
    assert_eq!(sandbox.names(".playbook/playbook/work"), [""; 0]);
    assert!(!sandbox.exists(LIST) && sandbox.exists(RECORD));
    // What is done stays done, and a job can still be looked at.
    sandbox.run(&["debug", "up", "raw/b"]).prints(0);
    sandbox.remove("jobs");
    sandbox.run(&["run", "-k", "-j1"]).says(1);
    assert_eq!(sandbox.read("jobs"), "raw/b\nraw/c\n");
}

#[test]
fn work_directories_on_no_list_go_as_well_and_those_elsewhere_if_they_are_on_one() {
    let sandbox = Sandbox::new();
    let playbook = |place: &str| {
        sandbox.write(
            "playbook.yaml",
            &format!("version: '1.0'\nname: t\npolicy: {{failure: collect_all, clean_on_success: false{place}}}\nstages:\n{UP}{OTHER}"),
        );
    };
    playbook("");
    sandbox.write("raw/a", "good");
    sandbox.write("raw/b", "bad");
    sandbox.run(&["run"]).says(1);
    let told = sandbox.run(&["clean", "--kept", "-n"]).prints(0);
    insta::assert_snapshot!(plain(&sandbox, &told), @"
    would go  what 1 failed job of 'up' left (68 B)
                [1]
    would go  what 1 other job left (68 B)
                [0]
    136 B would go; nothing of that was removed
    ");
    assert_eq!(
        sandbox
            .run(&["clean", "--kept", "--yes", "other"])
            .prints(0),
        "nothing to remove\n"
    );
    let told = sandbox.run(&["clean", "--kept", "--yes", "up"]).prints(0);
    assert!(told.contains("what 1 failed job of 'up' left"), "{told}");
    assert_eq!(work_dirs(&sandbox).len(), 1);
    sandbox.run(&["clean", "--kept", "--yes"]).prints(0);
    assert_eq!(work_dirs(&sandbox), [""; 0]);

    playbook(", work_dir: scratch");
    sandbox.write("raw/c", "also good");
    sandbox.write("scratch/mine/notes", "my own");
    sandbox.run(&["run"]).says(1);
    let dirs = || {
        let names = sandbox.names("scratch").into_iter();
        names
            .flat_map(|front| sandbox.names(&format!("scratch/{front}")))
            .count()
    };
    assert_eq!(dirs(), 3, "notes, one that failed, one that went well");
    sandbox.run(&["clean", "--kept", "--yes"]).prints(0);
    assert_eq!(dirs(), 2, "what is not on the list may be another's");
    assert_eq!(sandbox.read("scratch/mine/notes"), "my own");
}

#[test]
fn the_record_of_a_stage_goes_with_it_and_that_of_a_living_one_only_if_it_is_asked_for() {
    let sandbox = failed();
    sandbox.run(&["clean"]).prints(0);
    assert!(sandbox.exists(RECORD));
    let size = fs::metadata(sandbox.path(RECORD)).unwrap().len();
    assert!(size > 0);
    let told = sandbox.run(&["clean", "--jobs"]).prints(0);
    insta::assert_snapshot!(told, @"
    would go  .playbook/playbook/fanout/up.jobs, on record of the jobs of 'up': without it all of them run again (302 B)
    302 B would go; nothing of that was removed
      hint: to remove it: the same command with --yes
    ");
    assert!(told.contains(&format!("{size} B would go")), "{told}");
    assert!(sandbox.exists(RECORD));
    sandbox.run(&["clean", "--jobs", "--yes"]).prints(0);
    assert!(!sandbox.exists(RECORD));
    assert_eq!(work_dirs(&sandbox).len(), 2);
    sandbox.remove("jobs");
    sandbox.run(&["run", "-k", "-j1"]).says(1);
    assert_eq!(
        sandbox.read("jobs"),
        "raw/a\nraw/b\nraw/c\n",
        "all run again"
    );

    // The stage is gone: nothing will ever ask the record.
    sandbox.stages(OTHER);
    insta::assert_snapshot!(plain(&sandbox, &sandbox.run(&["clean", "-n"]).prints(0)), @"
    would go  .playbook/playbook/fanout/up.jobs, on record of jobs of 'up', which is no fan-out of the playbook any more (302 B)
    302 B would go; nothing of that was removed
    can be removed as well:
      --kept        140 B  your files that were moved aside, and what failed stages and jobs left
    ");
    assert!(sandbox.exists(RECORD));
    sandbox.run(&["clean"]).prints(0);
    assert!(!sandbox.exists(RECORD));
    assert!(sandbox.exists(LIST), "it leads to what the jobs left");
    let there = work_dirs(&sandbox);
    let told = sandbox.run(&["clean", "--kept", "--yes"]).prints(0);
    assert!(told.contains("what 2 failed jobs of 'up' left"), "{told}");
    assert!(there.iter().all(|dir| !sandbox.exists(dir)) && !sandbox.exists(LIST));

    // A list that leads nowhere goes with its stage.
    sandbox.write(LIST, "not a key\n");
    sandbox.run(&["clean"]).prints(0);
    assert!(!sandbox.exists(LIST));
}

#[test]
fn nothing_of_a_run_under_way_goes() {
    let sandbox = Sandbox::with_stages(
        "  up: {deps: [raw], outs: [done], cmd: 'echo started > told; read go < go; cp {{input}} {{work_dir}}/x; cp {{work_dir}}/x {{output}}', parallel: {strategy: per_file}}\n",
    );
    sandbox.write("raw/a", "1");
    let (told, go) = (sandbox.pipe("told"), sandbox.pipe("go"));
    let run = sandbox.live(&["run"]);
    assert_eq!(told.hear(), "started");
    for what in ["--kept", "--jobs"] {
        let said = sandbox.run(&["clean", what, "--yes"]).says(5);
        assert!(said.contains("nothing was removed"), "{said}");
    }
    go.tell("go");
    run.ended().says(0);
}

#[test]
fn a_failed_job_with_scratch_has_one_work_directory() {
    let stage = "  up: {deps: [raw], outs: [done], cmd: 'echo 1 > {{work_dir}}/half; false; echo {{input}} {{output}}', parallel: {strategy: per_file}}\n";
    let sandbox = Sandbox::with_stages(stage);
    sandbox.write("raw/a", "1");
    sandbox.run(&["run"]).says(1);
    assert_eq!(work_dirs(&sandbox).len(), 1);
    let told = sandbox.run(&["clean", "--kept", "-n"]).prints(0);
    let named = told.matches(&work_dirs(&sandbox)[0]).count();
    assert_eq!(named, 1, "{told}");
    sandbox.run(&["clean", "--kept", "--yes"]).prints(0);
    assert_eq!(work_dirs(&sandbox), Vec::<String>::new());
}
