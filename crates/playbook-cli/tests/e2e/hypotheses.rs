//! What one would try first to prove the program wrong.

use serde_json::Value;

use crate::support::{Sandbox, started};

/// Five stages in a row, of which the third does this.
fn five(third: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let rest = "  s4: {cmd: 'echo ran >> s4.ran; cp c d', deps: [c], outs: [d]}\n  s5: {cmd: 'echo ran >> s5.ran; cp d e', deps: [d], outs: [e]}\n";
    sandbox.write(
        "playbook.yaml",
        &format!(
            "version: '1.0'\nname: five\nparams: {{lr: 0.1, depth: 2}}\nstages:\n  s1: {{cmd: cp in a, deps: [in], outs: [a]}}\n  s2: {{cmd: 'cat a > b; echo {{{{params.lr}}}} >> b', deps: [a], outs: [b]}}\n  s3: {{cmd: '{third}', deps: [b], outs: [c]}}\n{rest}"
        ),
    );
    sandbox.write("in", "1\n");
    sandbox
}

#[test]
fn after_a_failure_in_the_middle_of_five_the_later_two_never_start() {
    for jobs in ["-j1", "-j4"] {
        let sandbox = five("exit 7");
        let printed = sandbox.run(&["run", "--json", jobs]).prints(1);
        assert_eq!(started(&printed), ["s1", "s2", "s3"]);
        assert!(!sandbox.exists("s4.ran") && !sandbox.exists("s5.ran"));
        // What was done stays done.
        let text = sandbox.read("playbook.yaml").replace("exit 7", "cp b c");
        sandbox.write("playbook.yaml", &text);
        assert_eq!(sandbox.ran(&[jobs]), ["s3", "s4", "s5"]);
    }
}

#[test]
fn a_new_stage_leaves_every_other_cached_wherever_it_stands() {
    let sandbox = five("cp b c");
    sandbox.ran(&[]);
    let text = sandbox.read("playbook.yaml");
    let new = "  new: {cmd: cp in n, deps: [in], outs: [n]}\n";
    sandbox.write(
        "playbook.yaml",
        &text.replace("  s1:", &format!("{new}  s1:")),
    );
    assert_eq!(sandbox.ran(&[]), ["new"]);
    sandbox.write("playbook.yaml", &format!("{text}{new}"));
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    sandbox.write("playbook.yaml", &text);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn a_changed_param_is_named_with_what_it_was_and_only_what_uses_it_runs() {
    let sandbox = five("wc -l < b > c");
    sandbox.ran(&[]);
    insta::assert_snapshot!(sandbox.run(&["run", "--set", "lr=0.2"]).says(0), @"
    warning: no stage uses the param 'depth'
      --> playbook.yaml:3:19
    3 | params: {lr: 0.1, depth: 2}
      |                   ^^^^^
      hint: use it as {{ params.depth }} in a 'cmd', name it in a stage's 'params', or remove it
    cached s1
    run    s2  param lr: 0.1 → 0.2
    done   s2  0.00 s
    run    s3  b changed
    done   s3  0.00 s, made the same as last time
    cached s4
    cached s5
    2 run · 3 cached · 0 failed in 0.00 s (saved 0.00 s)
    ");
    assert_eq!(
        sandbox.ran(&["--set", "depth=3", "--set", "lr=0.2"]),
        Vec::<String>::new()
    );
}

#[test]
fn tries_come_to_an_end() {
    let sandbox = five("echo try >> tries; exit 1");
    let text = sandbox.read("playbook.yaml");
    let retry = "outs: [c], retry: {limit: 4, backoff: {initial: 1ms}}";
    sandbox.write("playbook.yaml", &text.replace("outs: [c]", retry));
    let printed = sandbox.run(&["run", "--json"]).prints(1);
    assert_eq!(sandbox.read("tries").lines().count(), 5);
    assert_eq!(printed.matches("\"event\":\"stage_retry\"").count(), 4);
    assert_eq!(printed.matches("\"event\":\"stage_failed\"").count(), 1);
}

#[test]
fn a_gate_in_the_middle_of_five_stops_them_and_leaves_its_report() {
    let sandbox = five("wc -l < b > c; test $(cat c) -lt 2");
    let text = sandbox.read("playbook.yaml");
    let gate = "outs: [c], gate: true";
    sandbox.write("playbook.yaml", &text.replace("outs: [c]", gate));
    let printed = sandbox.run(&["run", "--json", "-k"]).prints(1);
    assert_eq!(started(&printed), ["s1", "s2", "s3"]);
    assert!(
        printed.contains(r#""event":"gate_failed","stage":"s3","report":"c""#),
        "{printed}"
    );
    assert_eq!(sandbox.read("c").trim(), "2");
}

/// The most stages that were under way at once, from `run --json`.
fn most_at_once(printed: &str) -> usize {
    let (mut now, mut most) = (0, 0);
    for line in printed.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        match event["event"].as_str().unwrap() {
            "stage_started" => now += 1,
            "stage_completed" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// Takes one of two places, and fails where both are taken; `work` is done there.
fn in_one_of_two_places(work: &str) -> String {
    format!("p=one; mkdir $p 2> /dev/null || {{ p=two; mkdir $p; }}; {work}; rmdir $p")
}

#[test]
fn of_jobs_of_four_cores_two_run_at_a_time_on_eight() {
    let top = "version: '1.0'\nname: wide\ntargets: {eight: {cores: 8}}\nstages:\n";
    // Stages: the first two end only if they run at the same time.
    let stage = |n: usize| {
        let meet = match n {
            0 => "touch b0; until [ -e b1 ]; do :; done; ",
            1 => "touch b1; until [ -e b0 ]; do :; done; ",
            _ => "",
        };
        let cmd = in_one_of_two_places(&format!("{meet}echo > o{n}"));
        format!("  s{n}: {{cmd: '{cmd}', outs: [o{n}], target: eight, resources: {{cores: 4}}}}\n")
    };
    let sandbox = Sandbox::new();
    let stages: String = (0..12).map(stage).collect();
    sandbox.write("playbook.yaml", &format!("{top}{stages}"));
    let printed = sandbox.run(&["run", "--json", "-j16"]).prints(0);
    assert_eq!(started(&printed).len(), 12);
    assert_eq!(most_at_once(&printed), 2);
    // Jobs of a fan-out, likewise.
    let meet = "case {{input_stem}} in 00) touch b0; until [ -e b1 ]; do :; done;; 01) touch b1; until [ -e b0 ]; do :; done;; esac";
    let cmd = in_one_of_two_places(&format!("{meet}; cp {{{{input}}}} {{{{output}}}}"));
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        &format!("{top}  up:\n    cmd: '{cmd}'\n    deps: [raw]\n    outs: [done]\n    target: eight\n    resources: {{cores: 4}}\n    parallel: {{strategy: per_file}}\n"),
    );
    for n in 0..12 {
        sandbox.write(&format!("raw/{n:02}"), "");
    }
    sandbox.run(&["run", "-j16"]).says(0);
    assert_eq!(sandbox.names("done").len(), 12);
}

/// A fan-out over forty files, of which those from the twentieth on wait to be told to go on.
fn half_of_forty(settings: &str) -> Sandbox {
    let sandbox = Sandbox::with_stages(&format!(
        "  up:\n    cmd: 'echo {{{{input_stem}}}} >> jobs; case {{{{input_stem}}}} in [01]?) ;; *) if [ ! -e again ]; then echo half > {{{{output}}}}; echo up > news; read x < hold; fi;; esac; tr a-z A-Z < {{{{input}}}} > {{{{output}}}}'\n    deps: [raw]\n    outs: [done]\n    parallel: {{strategy: per_file{settings}}}\n"
    ));
    for n in 0..40 {
        sandbox.write(&format!("raw/{n:02}.txt"), &format!("text of {n}\n"));
    }
    sandbox.real_clock()
}

/// Which jobs began since this was last asked.
fn jobs(sandbox: &Sandbox) -> Vec<u32> {
    let text = sandbox.read("jobs");
    sandbox.remove("jobs");
    let mut jobs: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
    jobs.sort_unstable();
    jobs
}

#[test]
fn a_fan_out_killed_at_half_goes_on_with_exactly_the_rest() {
    let sandbox = half_of_forty("");
    let (news, _hold) = (sandbox.pipe("news"), sandbox.pipe("hold"));
    let mut run = sandbox.live(&["run", "-j4"]);
    // All four at work wait: what came before them is done.
    for _ in 0..4 {
        assert_eq!(news.hear(), "up");
    }
    run.die();
    assert_eq!(jobs(&sandbox), (0..24).collect::<Vec<_>>());
    sandbox.write("again", "");
    let printed = sandbox.run(&["run", "--json", "-j4"]).prints(0);
    assert_eq!(jobs(&sandbox), (20..40).collect::<Vec<_>>());
    let completed = printed
        .lines()
        .find(|line| line.contains("stage_completed"));
    let completed: Value = serde_json::from_str(completed.unwrap()).unwrap();
    let count = |name: &str| completed["jobs"][name].as_u64();
    assert_eq!(
        ["total", "run", "failed", "cached"].map(count),
        [Some(40), Some(20), Some(0), Some(20)]
    );
    for n in 0..40 {
        assert_eq!(
            sandbox.read(&format!("done/{n:02}.txt")),
            format!("TEXT OF {n}\n")
        );
    }
    assert_eq!(sandbox.names("done").len(), 40);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}

#[test]
fn one_worker_and_sixteen_make_the_same_and_are_no_reason_to_run() {
    let outs = |sandbox: &Sandbox| {
        let lock: Value = serde_yaml_ng::from_str(&sandbox.read("playbook.lock.yaml")).unwrap();
        let entry = &lock["stages"]["up"];
        (entry["outs"].clone(), entry["cache_key"].clone())
    };
    let mut made = Vec::new();
    for workers in [1, 16] {
        let sandbox = half_of_forty(&format!(", max_workers: {workers}"));
        sandbox.write("again", "");
        assert_eq!(sandbox.ran(&["-j16"]), ["up"]);
        assert_eq!(jobs(&sandbox).len(), 40);
        made.push(outs(&sandbox));
        let text = sandbox.read("playbook.yaml");
        let other = format!("max_workers: {}", 17 - workers);
        let text = text.replace(&format!("max_workers: {workers}"), &other);
        sandbox.write("playbook.yaml", &text);
        assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
    }
    assert_eq!(made[0], made[1]);
    assert!(
        made[0].0[0]["hash"]
            .as_str()
            .unwrap()
            .starts_with("blake3:")
    );
}

#[test]
fn a_wildcard_over_a_hundred_files_makes_a_hundred_stages_with_their_paths() {
    let sandbox = Sandbox::with_stages(
        "  sum_{site}_{day}:\n    cmd: 'cksum < {{ deps[0].path }} > {{ outs[0].path }}; echo {site} {day} >> {{ outs[0].path }}'\n    deps: ['raw/{site}/{day}.csv', fixed]\n    outs: ['sums/{day}/{site}.txt']\n",
    );
    sandbox.write("fixed", "");
    let all: Vec<(String, String)> = (0..100)
        .map(|n| (format!("site{}", n / 10), format!("day-{:02}", n % 10)))
        .collect();
    for (site, day) in &all {
        sandbox.write(&format!("raw/{site}/{day}.csv"), &format!("{site} {day}\n"));
    }
    // None of these is a match.
    for other in [
        "raw/site0/.hidden.csv",
        "raw/day-00.csv",
        "raw/site0/deep/x.csv",
        "raw/site0/day-00.csv.bak",
    ] {
        sandbox.write(other, "");
    }
    let mut ran = sandbox.ran(&["-j4"]);
    ran.sort();
    let names: Vec<String> = all
        .iter()
        .map(|(site, day)| format!("sum_{site}_{day}"))
        .collect();
    assert_eq!(ran, names);
    let lock: Value = serde_yaml_ng::from_str(&sandbox.read("playbook.lock.yaml")).unwrap();
    for ((site, day), name) in all.iter().zip(&names) {
        let entry = &lock["stages"][name];
        let paths = |field: &str| {
            let all = entry[field].as_array().unwrap();
            all.iter()
                .map(|it| it["path"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            paths("deps"),
            [format!("raw/{site}/{day}.csv"), "fixed".to_owned()]
        );
        assert_eq!(paths("outs"), [format!("sums/{day}/{site}.txt")]);
        let made = sandbox.read(&format!("sums/{day}/{site}.txt"));
        assert!(made.ends_with(&format!("\n{site} {day}\n")), "{made}");
    }
    assert_eq!(sandbox.names("sums").len(), 10);
    assert_eq!(sandbox.ran(&[]), Vec::<String>::new());
}
