//! Fan-out: one stage, a job for each file of a directory.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use playbook_hash::disk;
use serde_json::Value;

use crate::support::Sandbox;

/// Upper-cases each file; every job leaves a line in `jobs`.
const UP: &str = "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{input}} >> jobs; tr a-z A-Z < {{input}} > {{output}}'\n    parallel: {strategy: per_file, glob: '**/*.txt'}\n";

fn inputs(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        sandbox.write(&format!("raw/{name}"), &format!("text of {name}\n"));
    }
}

/// The jobs that have run since this was last asked, in the order of their names.
fn jobs(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.path("jobs")).unwrap_or_default();
    if !text.is_empty() {
        sandbox.remove("jobs");
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn event(printed: &str, kind: &str) -> Value {
    let events = printed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut found = events.filter(|event| event["event"] == kind);
    found.next().unwrap()
}

fn counts(printed: &str) -> [u64; 4] {
    let jobs = &event(printed, "stage_completed")["jobs"];
    ["total", "run", "failed", "cached"].map(|name| jobs[name].as_u64().unwrap())
}

#[test]
fn each_file_is_a_job_and_only_what_changed_runs_again() {
    let sandbox = Sandbox::with_stages(&format!(
        "{UP}  all: {{cmd: 'cat done/*.txt done/sub/*.txt > all', deps: [done], outs: [all]}}\n"
    ));
    inputs(&sandbox, &["a.txt", "b.txt", "sub/c.txt", "no.md"]);
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0));
    assert_eq!(jobs(&sandbox), ["raw/a.txt", "raw/b.txt", "raw/sub/c.txt"]);
    assert_eq!(sandbox.names("done"), ["a.txt", "b.txt", "sub"]);
    assert_eq!(sandbox.read("done/sub/c.txt"), "TEXT OF SUB/C.TXT\n");
    let lock = sandbox.read("playbook.lock.yaml");
    assert!(
        lock.contains("    split:\n      strategy: per_file\n      glob: '**/*.txt'\n"),
        "{lock}"
    );

    let before = sandbox.stamp("playbook.lock.yaml");
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    assert_eq!(sandbox.stamp("playbook.lock.yaml"), before);
    assert_eq!(jobs(&sandbox), Vec::<String>::new());

    // A file that no job reads makes the directory another one, and no job run.
    sandbox.write("raw/no.md", "other");
    let printed = sandbox.run(&["run", "--json"]).prints(0);
    assert_eq!(counts(&printed), [3, 0, 0, 3]);
    assert_eq!(jobs(&sandbox), Vec::<String>::new());

    sandbox.write("raw/b.txt", "changed");
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("done   up   0.00 s, 1 of 3 jobs\n"), "{said}");
    assert_eq!(jobs(&sandbox), ["raw/b.txt"]);
    assert_eq!(sandbox.read("done/b.txt"), "CHANGED");

    inputs(&sandbox, &["new/d.txt"]);
    assert_eq!(sandbox.ran(&[]), ["up", "all"]);
    assert_eq!(jobs(&sandbox), ["raw/new/d.txt"]);
}

#[test]
fn an_input_that_is_gone_takes_its_output_along() {
    let sandbox = Sandbox::with_stages(UP);
    inputs(&sandbox, &["a.txt", "b.txt", "c.txt", "deep/er/d.txt"]);
    sandbox.run(&["run"]).says(0);
    jobs(&sandbox);
    sandbox.remove("raw/b.txt");
    fs::remove_dir_all(sandbox.path("raw/deep")).unwrap();
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.names("done"), ["a.txt", "c.txt"]);
    assert_eq!(jobs(&sandbox), Vec::<String>::new());
    assert!(!sandbox.exists(".playbook/playbook/kept"));

    // What is not as it was made is a person's, and is kept.
    sandbox.write("done/c.txt", "corrected by hand");
    sandbox.remove("raw/c.txt");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("done/c.txt as it was is not what a recorded run of stage 'up' made; in case you need it, it was moved to .playbook/playbook/kept/"),
        "{said}"
    );
    assert_eq!(sandbox.names("done"), ["a.txt"]);
    let kept = ".playbook/playbook/kept/0192f3c1-0000/up/done/c.txt";
    let kept = if sandbox.exists(kept) {
        kept
    } else {
        panic!("{said}")
    };
    assert_eq!(sandbox.read(kept), "corrected by hand");
}

#[test]
fn files_of_others_among_the_outputs_are_kept_and_edited_outputs_made_anew() {
    let sandbox = Sandbox::with_stages(UP);
    inputs(&sandbox, &["a.txt", "b.txt", "c.txt"]);
    sandbox.write("done/mine/notes", "my own");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("done/mine/notes as it was is not what a recorded run of stage"),
        "{said}"
    );
    assert_eq!(sandbox.names("done"), ["a.txt", "b.txt", "c.txt"]);
    jobs(&sandbox);

    sandbox.write("done/b.txt", "edited");
    let said = sandbox.run(&["run"]).says(0);
    assert!(
        said.contains("done/ was modified since it was made: 1 file changed"),
        "{said}"
    );
    assert!(
        said.contains("done/b.txt as it was is not what a recorded run of stage"),
        "{said}"
    );
    assert_eq!(jobs(&sandbox), ["raw/b.txt"]);
    sandbox.remove("done/c.txt");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), ["raw/c.txt"]);
}

#[test]
fn what_decides_about_jobs_is_what_decides_about_stages() {
    let stages = |more: &str, cmd: &str| {
        format!(
            "  up:\n    deps: [raw, model]\n    outs: [done]\n    params: [level]\n    cmd: '{cmd}'\n    parallel: {{strategy: per_file{more}}}\n"
        )
    };
    let cmd = "echo {{input}} >> jobs; cp {{input}} {{output}}";
    let sandbox = Sandbox::new();
    let write = |level: u32, stages: &str| {
        sandbox.write(
            "playbook.yaml",
            &format!("version: \"1.0\"\nname: t\nparams: {{level: {level}}}\nstages:\n{stages}"),
        );
    };
    inputs(&sandbox, &["a.txt", "b.txt"]);
    sandbox.write("model", "1");
    let ran = |expected: usize, what: &str| {
        sandbox.run(&["run"]).says(0);
        assert_eq!(jobs(&sandbox).len(), expected, "{what}");
    };
    write(1, &stages("", cmd));
    ran(2, "the first time");
    write(2, &stages("", cmd));
    ran(2, "another param");
    sandbox.write("model", "2");
    ran(2, "another dep");
    write(2, &stages(", max_workers: 1", cmd));
    ran(0, "the number of workers");
    write(
        2,
        &stages("", "echo {{ input }} >> jobs; cp {{ input }} {{ output }}"),
    );
    ran(0, "spaces between the braces");
    write(2, &stages(", glob: '*'", cmd));
    ran(0, "another glob that matches the same");
    let said = sandbox.run(&["run", "--force"]).says(0);
    assert!(said.contains("forced"), "{said}");
    assert_eq!(jobs(&sandbox).len(), 2, "forced");
    write(2, &stages(", ext: out", cmd));
    let printed = sandbox.run(&["run", "--json"]).prints(0);
    assert_eq!(
        event(&printed, "stage_started")["reasons"][0]["kind"],
        "split_changed"
    );
    assert_eq!(jobs(&sandbox).len(), 2, "other outputs");
    assert_eq!(sandbox.names("done"), ["a.out", "b.out"]);
}

#[test]
fn chunks_get_lists() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{inputs}} >> jobs; for f in {{outputs}}; do echo \"$f\" > \"$f\"; done'\n    parallel: {strategy: chunked, chunk_size: 2, ext: o}\n",
    );
    inputs(&sandbox, &["a 1.txt", "b.txt", "c.txt", "d/e.txt", "f.txt"]);
    let printed = sandbox.run(&["run", "--json", "-j1"]).prints(0);
    assert_eq!(counts(&printed), [3, 3, 0, 0]);
    assert_eq!(
        jobs(&sandbox),
        [
            "raw/a 1.txt raw/b.txt",
            "raw/c.txt raw/d/e.txt",
            "raw/f.txt"
        ]
    );
    assert_eq!(sandbox.read("done/d/e.o"), "done/d/e.o\n");
    sandbox.write("raw/c.txt", "changed");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), ["raw/c.txt raw/d/e.txt"]);
}

#[test]
fn names_are_put_into_commands_like_all_values() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    wdir: work\n    deps: [raw]\n    outs: [done]\n    cmd: 'mkdir {{work_dir}}/x; cp {{input}} {{work_dir}}/x/t; cp {{work_dir}}/x/t {{output}}; printf \"%s\\n\" {{input_stem}} {{input_dir}} >> {{output}}'\n    parallel: {strategy: per_file, ext: out}\n",
    );
    fs::create_dir(sandbox.path("work")).unwrap();
    let odd = [
        "it's; touch hacked.txt",
        "two\nlines.txt",
        "-dash.txt",
        "$(touch hacked).txt",
        "tail.tar.gz",
        ".hidden",
        "ünï.txt",
    ];
    inputs(&sandbox, &odd);
    sandbox.run(&["run"]).says(0);
    let mut expected = vec![
        "it's; touch hacked.out",
        "two\nlines.out",
        "-dash.out",
        "$(touch hacked).out",
        "tail.tar.out",
        ".hidden.out",
        "ünï.out",
    ];
    expected.sort_unstable();
    assert_eq!(sandbox.names("done"), expected);
    assert_eq!(
        sandbox.read("done/two\nlines.out"),
        "text of two\nlines.txt\ntwo\nlines\n../raw\n"
    );
    assert!(!sandbox.exists("work/hacked") && !sandbox.exists("hacked"));
    assert!(
        !sandbox.exists(".playbook/playbook/work")
            || sandbox.names(".playbook/playbook/work").is_empty(),
        "scratch directories go"
    );
}

#[test]
fn what_cannot_be_split_is_refused_before_anything_runs() {
    let sandbox = Sandbox::with_stages(
        "  up: {deps: [raw], outs: [done], cmd: 'touch ran; cp {{input}} {{output}}', parallel: {strategy: per_file, ext: out}}\n",
    );
    let mut all = String::new();
    let mut refused = |what: &str| {
        let told = sandbox.run(&["status"]).prints(0);
        assert_eq!(sandbox.run(&["run", "-n"]).prints(0), told);
        let why = sandbox.run(&["why", "up"]).prints(0);
        let said = sandbox.run(&["run"]).says(1);
        if what != "an out that is a link" {
            let fault = said.split_once("failed: ").unwrap().1.lines().next();
            let fault = fault.unwrap();
            assert!(told.contains(&format!("error  up  {fault}\n")), "{told}");
            assert!(why.contains(&format!("cannot run: {fault}\n")), "{why}");
        }
        assert!(!sandbox.exists("ran"), "{what}: {said}");
        writeln!(all, "{what}\n{said}").unwrap();
    };
    sandbox.write("raw", "a file");
    refused("a file");
    sandbox.remove("raw");
    inputs(&sandbox, &["a.md", "a.txt"]);
    refused("two files, one output");
    sandbox.remove("raw/a.md");
    std::os::unix::fs::symlink("a.txt", sandbox.path("raw/link")).unwrap();
    refused("a link");
    sandbox.remove("raw/link");
    let odd = sandbox
        .path("raw")
        .join(std::ffi::OsStr::from_bytes(b"not\xfftext"));
    disk::rename(&sandbox.path("raw/a.txt"), &odd).unwrap();
    refused("a name that is not text");
    disk::rename(&odd, &sandbox.path("raw/a.txt")).unwrap();
    std::os::unix::fs::symlink("elsewhere", sandbox.path("done")).unwrap();
    refused("an out that is a link");
    insta::assert_snapshot!(all);
    sandbox.remove("done");
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.names("done"), ["a.out"]);
}

#[test]
fn a_refused_split_is_foretold_only_of_what_is_there_already() {
    let stages = |from: &str| {
        format!(
            "  from: {{cmd: 'mkdir raw; {from}', outs: [raw]}}\n  up: {{deps: [raw], outs: [done], cmd: 'cp {{{{input}}}} {{{{output}}}}', parallel: {{strategy: per_file, ext: out}}}}\n  all: {{cmd: 'cat done/* > all', deps: [done], outs: [all]}}\n"
        )
    };
    let sandbox = Sandbox::with_stages(&stages("touch raw/a.md raw/a.txt"));
    sandbox.run(&["run"]).says(1);
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    cached from
    error  up    raw/a.md and raw/a.txt would both be made into done/a.out; rename one, or leave it out with 'glob'
    run    all   not in the lock file (new stage)
    1 to run · 1 cached · 1 cannot run
    ");
    let row = sandbox.run(&["status", "--json"]).prints(0);
    let row: Value = serde_json::from_str(row.lines().nth(1).unwrap()).unwrap();
    assert!(
        row["error"]
            .as_str()
            .unwrap()
            .contains("both be made into done/a.out")
    );
    // The stage before will make another directory.
    sandbox.stages(&stages("touch raw/a.md raw/b.txt"));
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0), @"
    run    from  command changed
    run    up    previous run did not complete (failed)
    run    all   not in the lock file (new stage)
    3 to run
    ");
    sandbox.run(&["run"]).says(0);
}

#[test]
fn a_failed_job_is_told_of_and_leaves_what_there_is_to_look_at() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo seen; echo half > {{output}}; echo trouble >&2; grep -q good {{input}}; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n  all: {cmd: 'cat done/* > all', deps: [done], outs: [all]}\n",
    );
    sandbox.write("raw/a.txt", "good");
    sandbox.write("raw/b.txt", "bad");
    sandbox.write("raw/c.txt", "good");
    let said = sandbox.run(&["run", "-j1"]).says(1);
    insta::assert_snapshot!(said);
    // The first is done, the second left nothing among the outputs, the third did not begin.
    assert_eq!(sandbox.names("done"), ["a.txt"]);
    let line = said.lines().find(|line| line.contains("work:")).unwrap();
    let work = line.trim().trim_start_matches("work:").trim();
    assert_eq!(
        sandbox.names(work),
        ["command.sh", "exit_code", "stderr", "stdout"]
    );
    let of = |name: &str| sandbox.read(&format!("{work}/{name}"));
    assert_eq!(
        (of("stdout"), of("stderr"), of("exit_code")),
        (
            "seen\n".to_owned(),
            "trouble\n".to_owned(),
            "1\n".to_owned()
        )
    );
    assert!(of("command.sh").contains("grep -q good raw/b.txt"));

    sandbox.write("raw/b.txt", "good");
    let printed = sandbox.run(&["run", "--json"]).prints(0);
    assert_eq!(counts(&printed), [3, 2, 0, 1]);
    assert!(!sandbox.exists(work), "it goes when the stage runs again");
}

#[test]
fn after_a_failure_other_jobs_run_if_the_policy_says_so() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{input}} >> jobs; grep -q good {{input}}; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n  all: {cmd: 'cat done/* > all', deps: [done], outs: [all]}\n",
    );
    for (name, text) in [("a", "bad"), ("b", "good"), ("c", "bad"), ("d", "good")] {
        sandbox.write(&format!("raw/{name}"), text);
    }
    let printed = sandbox.run(&["run", "--json", "-k", "-j2"]).prints(1);
    let failed = event(&printed, "stage_failed");
    assert_eq!(failed["jobs"]["failed"], 2, "{failed}");
    assert_eq!(failed["jobs"]["run"], 2, "{failed}");
    assert_eq!(event(&printed, "stage_skipped")["stage"], "all");
    assert_eq!(jobs(&sandbox).len(), 4);
    assert_eq!(sandbox.names("done"), ["b", "d"]);
    // What was done is done.
    let said = sandbox.run(&["run", "-k"]).says(1);
    assert_eq!(jobs(&sandbox), ["raw/a", "raw/c"], "{said}");
}

#[test]
fn an_old_output_comes_back_when_its_job_fails() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo half > {{output}}; grep -q good {{input}}; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n",
    );
    sandbox.write("raw/a", "good 1");
    sandbox.write("raw/b", "good 1");
    sandbox.run(&["run"]).says(0);
    sandbox.write("raw/a", "bad");
    sandbox.write("raw/b", "good 2");
    sandbox.run(&["run", "-k"]).says(1);
    assert_eq!(
        (sandbox.read("done/a"), sandbox.read("done/b")),
        ("good 1".to_owned(), "good 2".to_owned())
    );
    assert_eq!(sandbox.names("done"), ["a", "b"], "nothing is aside");
}

#[test]
fn jobs_have_their_own_tries_and_their_own_time() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{input}} >> jobs; if [ {{input}} = raw/flaky ] && [ ! -e tried ]; then touch tried; exit 75; fi; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n    retry: {limit: 1, backoff: {initial: 1ms}}\n",
    );
    inputs(&sandbox, &["a", "flaky", "z"]);
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), ["raw/a", "raw/flaky", "raw/flaky", "raw/z"]);

    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'if [ {{input}} = raw/slow ]; then cat pipe; fi; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n    resources: {timeout: 200ms}\n",
    );
    sandbox.fifo("pipe");
    inputs(&sandbox, &["a", "slow", "z"]);
    let mut command = sandbox.command(&["run", "-k"]);
    command.env("PLAYBOOK_TEST_GRACE_MS", "100");
    let said = sandbox.finish(command).says(1);
    assert!(
        said.contains("job raw/slow: timed out after 0.2 s (1 of 3 jobs failed)"),
        "{said}"
    );
    assert_eq!(sandbox.names("done"), ["a", "z"]);
}

#[test]
fn how_many_jobs_run_at_once_changes_nothing_that_is_made() {
    let mut locks = Vec::new();
    for workers in [1, 16] {
        let sandbox = Sandbox::with_stages(&format!(
            "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'cksum < {{{{input}}}} > {{{{output}}}}'\n    parallel: {{strategy: per_file, max_workers: {workers}}}\n"
        ));
        for n in 0..40 {
            sandbox.write(&format!("raw/{n}"), &format!("{n}"));
        }
        sandbox.run(&["run", "-j16"]).says(0);
        locks.push(sandbox.read("playbook.lock.yaml"));
    }
    assert_eq!(locks[0], locks[1]);
}

/// The first job waits until the second is there, so both run at once; more than `max_workers` never do.
#[test]
fn jobs_share_the_slots_of_the_run() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'mkdir now/{{input_stem}}; ls now | wc -l >> most; case {{input_stem}} in a) read x < p;; b) echo go > p;; esac; rmdir now/{{input_stem}}; cp {{input}} {{output}}'\n    parallel: {strategy: per_file, max_workers: 2}\n",
    );
    sandbox.fifo("p");
    fs::create_dir(sandbox.path("now")).unwrap();
    inputs(&sandbox, &["a", "b", "c", "d", "e", "f"]);
    sandbox.run(&["run", "-j8"]).says(0);
    let most = sandbox.read("most");
    assert!(
        most.lines()
            .all(|line| line.trim().parse::<u32>().unwrap() <= 2),
        "{most}"
    );
}

/// The other stage is there to begin while the fan-out is at its first job; that one ends only when it is told to.
#[test]
fn a_stage_that_waits_gets_its_turn_between_two_jobs() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{input}} >> order; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n  other: {cmd: 'echo other >> order; touch o', outs: [o]}\n",
    );
    for n in 10..40 {
        sandbox.write(&format!("raw/{n}"), "x");
    }
    sandbox.run(&["run", "-j1"]).says(0);
    let order = sandbox.read("order");
    let at = order.lines().position(|line| line == "other").unwrap();
    assert!(at < 30, "it had to wait for all jobs:\n{order}");
    assert_eq!(order.lines().count(), 31);
}

#[test]
fn without_a_file_that_matches_there_is_nothing_to_do() {
    let sandbox = Sandbox::with_stages(UP);
    inputs(&sandbox, &["a.md"]);
    let said = sandbox.run(&["run"]).says(0);
    assert!(said.contains("no jobs: no file matches"), "{said}");
    assert_eq!(sandbox.names("done"), Vec::<String>::new());
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_record_that_is_lost_or_damaged_costs_time_only() {
    let sandbox = Sandbox::with_stages(UP);
    inputs(&sandbox, &["a.txt", "b.txt", "c.txt"]);
    sandbox.run(&["run"]).says(0);
    jobs(&sandbox);
    let record = ".playbook/playbook/fanout/up.jobs";
    let whole = sandbox.read(record);
    sandbox.write(record, &format!("{}garbage", &whole[..whole.len() / 2]));
    assert_eq!(
        sandbox.ran(&[]),
        Vec::<String>::new(),
        "the lock is what proves it"
    );
    sandbox.write("raw/a.txt", "changed");
    sandbox.run(&["run"]).says(0);
    let ran = jobs(&sandbox);
    assert!(
        ran.contains(&"raw/a.txt".to_owned()) && ran.len() < 4,
        "{ran:?}"
    );
    assert!(
        !sandbox.exists(".playbook/playbook/kept"),
        "all of it was the stage's own"
    );
    sandbox.remove(record);
    sandbox.write("raw/b.txt", "changed");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox).len(), 3);
    assert!(!sandbox.exists(".playbook/playbook/kept"));
}

#[test]
fn an_output_may_be_a_directory() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{input}} >> jobs; mkdir {{output}}; cp {{input}} {{output}}/1; cp {{input}} {{output}}/2'\n    parallel: {strategy: per_file, ext: d}\n",
    );
    inputs(&sandbox, &["a", "b"]);
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.names("done/a.d"), ["1", "2"]);
    jobs(&sandbox);
    sandbox.write("raw/a", "changed");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), ["raw/a"]);
    sandbox.remove("raw/b");
    sandbox.run(&["run"]).says(0);
    assert_eq!(sandbox.names("done"), ["a.d"]);
    assert!(!sandbox.exists(".playbook/playbook/kept"));
}

#[test]
fn a_job_that_does_not_make_its_output_failed() {
    let sandbox = Sandbox::with_stages(
        "  up: {deps: [raw], outs: [done], cmd: 'true {{input}}', parallel: {strategy: per_file}}\n",
    );
    inputs(&sandbox, &["a"]);
    let said = sandbox.run(&["run"]).says(1);
    assert!(
        said.contains("job raw/a: the command succeeded but did not make done/a"),
        "{said}"
    );
}

/// Killed while the fifth of eight jobs runs, half of its output written.
#[test]
fn killed_in_the_middle_the_next_run_does_exactly_the_rest() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    cmd: 'echo {{input}} >> jobs; if [ {{input}} = raw/4 ] && [ ! -e again ]; then echo half > {{output}}; read x < hold; fi; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n",
    )
    .real_clock();
    let all = ["0", "1", "2", "3", "4", "5", "6", "7"];
    inputs(&sandbox, &all);
    sandbox.fifo("hold");
    let mut run = sandbox.command(&["run", "-q", "-j1"]).spawn().unwrap();
    // This waits until the job opens it, too.
    let hold = fs::OpenOptions::new()
        .write(true)
        .open(sandbox.path("hold"))
        .unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(
        jobs(&sandbox),
        ["raw/0", "raw/1", "raw/2", "raw/3", "raw/4"]
    );
    sandbox.write("again", "");
    let told = sandbox.run(&["status"]).prints(0);
    assert!(told.contains(", 4 of 8 jobs\n"), "{told}");
    let printed = sandbox.run(&["run", "--json"]).prints(0);
    assert_eq!(counts(&printed), [8, 4, 0, 4]);
    assert_eq!(jobs(&sandbox), ["raw/4", "raw/5", "raw/6", "raw/7"]);
    assert_eq!(sandbox.names("done"), all);
    assert_eq!(sandbox.read("done/4"), "text of 4\n");
    drop(hold);
}

#[test]
fn one_job_is_looked_at_by_itself() {
    let sandbox = Sandbox::with_stages(
        "  up:\n    deps: [raw]\n    outs: [done]\n    env: {WORD: secret}\n    cmd: 'echo trouble with \"$WORD\" >&2; grep -q good {{input}}; cp {{input}} {{output}}'\n    parallel: {strategy: per_file}\n  plain: {cmd: touch p, outs: [p]}\n",
    );
    sandbox.write("raw/a.txt", "good");
    sandbox.write("raw/b c.txt", "bad");
    insta::assert_snapshot!("status_before", sandbox.run(&["status"]).prints(0));
    sandbox.run(&["run", "-k"]).says(1);
    let by_path = sandbox.run(&["debug", "up", "raw/b c.txt"]).prints(0);
    insta::assert_snapshot!(
        "debug_job",
        by_path.replace(&sandbox.root().display().to_string(), "[ROOT]")
    );
    let printed = sandbox
        .run(&["debug", "up", "raw/b c.txt", "--json"])
        .prints(0);
    let job: Value = serde_json::from_str(&printed).unwrap();
    let id = job["job"]["id"].as_str().unwrap();
    assert_eq!(job["job"]["exit_code"], 1);
    assert_eq!(sandbox.run(&["debug", "up", id]).prints(0), by_path);
    let mut shell = sandbox.command(&["debug", "--shell", "up", id]);
    shell
        .env("SHELL", "/bin/sh")
        .stdin(std::process::Stdio::null());
    sandbox.finish(shell).says(0);
    for (args, told) in [
        (
            &["debug", "up", "raw/none"][..],
            "has no job that reads 'raw/none'",
        ),
        (&["debug", "plain", "raw/a.txt"], "one stage at a time"),
        (&["debug", "--shell", "up"], "which job of 'up'"),
    ] {
        let said = sandbox.run(args).says(2);
        assert!(said.contains(told), "{said}");
    }
    let told = sandbox.run(&["why", "up"]).prints(0);
    assert!(
        told.contains("1 of 2 jobs would run: raw/b c.txt\n"),
        "{told}"
    );
}

#[test]
fn what_is_told_after_a_failure_is_what_becomes_of_the_outs() {
    let sandbox = Sandbox::with_stages(
        "  up: {cmd: 'test {{ input_stem }} != b && cp {{ input }} {{ output }}', deps: [raw], outs: [done], parallel: {strategy: per_file}}\n",
    );
    for name in ["a", "b"] {
        sandbox.write(&format!("raw/{name}.txt"), name);
    }
    assert_eq!(sandbox.run(&["run", "-j1"]).code, Some(1));
    let told = sandbox.run(&["why", "up"]).prints(0);
    assert!(
        told.contains("What its jobs had made by then stands:"),
        "{told}"
    );
    assert!(
        told.contains("whatever in done/ is not made by a job"),
        "{told}"
    );
    let told = sandbox.run(&["debug", "up"]).prints(0);
    assert!(
        told.contains("--only up          run the jobs that are not done"),
        "{told}"
    );
    sandbox.write("done/mine.txt", "mine");
    sandbox.stages("  up: {cmd: 'cp {{ input }} {{ output }}', deps: [raw], outs: [done], parallel: {strategy: per_file}}\n");
    sandbox.run(&["run", "-j1"]).says(0);
    assert_eq!(sandbox.names("done"), ["a.txt", "b.txt"]);
    let kept = crate::support::tree(&sandbox.path(".playbook"));
    assert!(format!("{kept:?}").contains("mine.txt"), "{kept:?}");
}

#[test]
fn a_stage_before_it_that_will_run_counts_when_its_jobs_are_foretold() {
    let before = "  before: {cmd: 'cat s > b', deps: [s], outs: [b]}\n";
    let up = UP.replace("    deps:", "    after: [before]\n    deps:");
    let sandbox = Sandbox::with_stages(&format!("{before}{up}")).real_clock();
    inputs(&sandbox, &["a.txt", "b.txt"]);
    sandbox.write("s", "1");
    sandbox.run(&["run"]).says(0);
    jobs(&sandbox);

    sandbox.write("s", "2");
    let told = sandbox.run(&["run", "-n"]).prints(0);
    assert!(told.contains(", 2 of 2 jobs"), "{told}");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), ["raw/a.txt", "raw/b.txt"]);
}

#[test]
fn one_that_is_not_deterministic_runs_all_jobs_unless_it_goes_on_after_a_failure() {
    let command = UP.replace(
        "'echo {{input}}",
        "'test ! -e fail || test {{input}} != raw/b.txt; echo {{input}}",
    );
    let sandbox = Sandbox::with_stages(&format!("{command}    deterministic: false\n"));
    inputs(&sandbox, &["a.txt", "b.txt"]);
    let both = ["raw/a.txt", "raw/b.txt"];
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), both);
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), both);

    // Whatever the record of jobs says, there is no run whose work could be gone on with.
    sandbox.remove("playbook.lock.yaml");
    let told = sandbox.run(&["run", "-n"]).prints(0);
    assert!(told.contains(", 2 of 2 jobs"), "{told}");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), both);

    sandbox.write("fail", "");
    sandbox.run(&["run", "-j1"]).says(1);
    assert_eq!(jobs(&sandbox), both[..1]);
    sandbox.remove("fail");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), both[1..]);
}

#[test]
fn one_that_is_not_deterministic_goes_on_only_with_what_a_run_that_failed_has_done() {
    let sandbox = Sandbox::with_stages(&format!("{UP}    deterministic: false\n"));
    inputs(&sandbox, &["a.txt", "b.txt"]);
    let both = ["raw/a.txt", "raw/b.txt"];
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), both);

    // A run that fails before it comes to any job has nothing to go on with.
    std::os::unix::fs::symlink("a.txt", sandbox.path("raw/c.txt")).unwrap();
    sandbox.run(&["run"]).says(1);
    sandbox.remove("raw/c.txt");
    let told = sandbox.run(&["run", "-n"]).prints(0);
    assert!(told.contains(", 2 of 2 jobs"), "{told}");
    sandbox.run(&["run"]).says(0);
    assert_eq!(jobs(&sandbox), both);
}
