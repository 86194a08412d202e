//! One written stage, a stage for each file or item: wildcards, `matrix` and `foreach`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::Sandbox;

const TRANSCRIBE: &str = "  transcribe_{sample}:
    cmd: 'echo {sample} > {{ outs[0].path }}; cat {{ deps[0].path }} >> {{ outs[0].path }}'
    deps: ['raw/{sample}.wav']
    outs: ['out/{sample}.txt']
";
const ALL: &str =
    "  all: {cmd: 'cat {{ deps }} > all.txt', deps: ['out/{sample}.txt'], outs: [all.txt]}\n";

fn transcribing(more: &str, samples: &[&str]) -> Sandbox {
    let sandbox = Sandbox::with_stages(&format!("{TRANSCRIBE}{more}"));
    for sample in samples {
        sandbox.write(
            &format!("raw/{sample}.wav"),
            &format!("sound of {sample}\n"),
        );
    }
    sandbox
}

#[test]
fn a_hundred_files_make_a_hundred_stages() {
    let samples: Vec<String> = (0..100).map(|n| format!("s{n:02}")).collect();
    let sandbox = transcribing(ALL, &samples.iter().map(String::as_str).collect::<Vec<_>>());
    let mut ran = sandbox.ran(&[]);
    assert_eq!(ran.pop().unwrap(), "all");
    ran.sort();
    let expected: Vec<String> = samples
        .iter()
        .map(|it| format!("transcribe_{it}"))
        .collect();
    assert_eq!(ran, expected);
    let mut together = String::new();
    for it in &samples {
        together.extend([it, "\nsound of ", it, "\n"]);
    }
    assert_eq!(sandbox.read("all.txt"), together);
    assert!(sandbox.ran(&[]).is_empty());

    sandbox.write("raw/new.wav", "another\n");
    assert_eq!(sandbox.ran(&[]), ["transcribe_new", "all"]);
    assert!(sandbox.read("all.txt").starts_with("new\nanother\ns00\n"));

    sandbox.write("raw/s07.wav", "edited\n");
    assert_eq!(sandbox.ran(&[]), ["transcribe_s07", "all"]);
}

#[test]
fn what_a_stage_left_that_is_gone_is_named_once() {
    let sandbox = transcribing(ALL, &["a", "b", "c"]);
    sandbox.ran(&[]);
    sandbox.remove("raw/b.wav");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0));
    assert_eq!(sandbox.read("all.txt"), "a\nsound of a\nc\nsound of c\n");
    let again = sandbox.run(&["run"]).says(0);
    assert!(
        !again.contains("gone") && sandbox.exists("out/b.txt"),
        "{again}"
    );
}

#[test]
fn what_is_left_is_named_although_nothing_runs() {
    let sandbox = transcribing("", &["a", "b", "c", "d", "e", "f", "g"]);
    sandbox.ran(&[]);
    for sample in ["b", "c", "d", "e", "f", "g"] {
        sandbox.remove(&format!("raw/{sample}.wav"));
    }
    sandbox.remove("out/c.txt");
    let lock = sandbox.stamp("playbook.lock.yaml");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0));
    assert_eq!(sandbox.stamp("playbook.lock.yaml"), lock);
    let again = sandbox.run(&["run"]).says(0);
    assert!(!again.contains("gone"), "{again}");
    // It is its stage's again.
    sandbox.write("raw/b.wav", "sound of b\n");
    assert!(sandbox.ran(&[]).is_empty());
}

#[test]
fn what_lies_there_from_before_is_no_stage() {
    let chain = "  upper_{s}: {cmd: 'tr a-z A-Z < {{ deps[0].path }} > {{ outs[0].path }}', deps: ['out/{s}.txt'], outs: ['up/{s}.txt']}\n";
    let sandbox = transcribing(&format!("{chain}{ALL}"), &["a"]);
    sandbox.write("out/old.txt", "old\n");
    sandbox.write("up/old.txt", "old\n");
    assert_eq!(sandbox.ran(&[]), ["transcribe_a", "upper_a", "all"]);
    assert_eq!(sandbox.read("all.txt"), "a\nsound of a\n");
    assert_eq!(sandbox.read("up/a.txt"), "A\nSOUND OF A\n");
    // Early cutoff and changes go down the chain like anywhere.
    sandbox.write("raw/a.wav", "other\n");
    assert_eq!(sandbox.ran(&[]), ["transcribe_a", "upper_a", "all"]);
}

#[test]
fn several_wildcards_collected_by_one_of_them() {
    let sandbox = Sandbox::with_stages(
        "  align_{sample}_{ref}: {cmd: 'cat {{ deps }} > {{ outs }}; echo {sample}/{ref} >> {{ outs }}', deps: ['fq/{sample}.fq', 'ref/{ref}.fa'], outs: ['bam/{sample}.{ref}']}
  merge_{sample}: {cmd: 'cat {{ deps }} > {{ outs }}', deps: ['bam/{sample}.{any}'], outs: ['merged/{sample}']}\n",
    );
    for path in ["fq/a.fq", "fq/b.fq", "ref/x.fa", "ref/y.fa"] {
        sandbox.write(path, &format!("{path}\n"));
    }
    assert_eq!(sandbox.ran(&[]).len(), 6);
    assert_eq!(
        sandbox.read("merged/b"),
        "fq/b.fq\nref/x.fa\nb/x\nfq/b.fq\nref/y.fa\nb/y\n"
    );
    sandbox.write("ref/z.fa", "z\n");
    let mut ran = sandbox.ran(&[]);
    ran.sort();
    assert_eq!(ran, ["align_a_z", "align_b_z", "merge_a", "merge_b"]);
    sandbox.write("fq/b.fq", "other\n");
    let mut ran = sandbox.ran(&[]);
    ran.sort();
    assert_eq!(ran, ["align_b_x", "align_b_y", "align_b_z", "merge_b"]);
}

#[test]
fn names_of_files_are_only_names() {
    let names = [
        "my song",
        "$(touch INJECTED)",
        "a'b\"c",
        "-n",
        "*",
        "ünï",
        "a\nb",
        "{sample}",
        "x;y",
        "~",
        "#",
        "\\",
    ];
    let sandbox = transcribing("", &names);
    assert_eq!(sandbox.ran(&[]).len(), names.len());
    for name in names {
        // Which echo it is decides about backslashes; it is not what is tried here.
        if name != "\\" && name != "-n" {
            assert_eq!(
                sandbox.read(&format!("out/{name}.txt")),
                format!("{name}\nsound of {name}\n")
            );
        }
        assert!(sandbox.exists(&format!("out/{name}.txt")), "{name:?}");
    }
    assert!(!sandbox.exists("INJECTED"));
    assert!(sandbox.ran(&[]).is_empty());
    assert_eq!(sandbox.run(&["verify"]).code, Some(0));
    let listed = sandbox.run(&["list", "--names"]).prints(0);
    assert!(
        listed.lines().all(|name| name.starts_with("transcribe_")),
        "{listed}"
    );
    // A name stays what it is, whatever else comes and goes.
    let song = listed.lines().find(|name| name.contains("song")).unwrap();
    sandbox.write("raw/my_song.wav", "");
    sandbox.remove("raw/x;y.wav");
    assert_eq!(sandbox.ran(&["-s", song, "-B"]), [song]);
}

#[test]
fn a_name_that_is_no_text_is_told_of() {
    let sandbox = transcribing("", &["a"]);
    let odd = OsStr::from_bytes(b"caf\xe9.wav");
    fs::File::create(sandbox.path("raw").join(odd)).unwrap();
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0));
}

#[test]
fn without_a_match_there_is_nothing_to_run() {
    let sandbox = transcribing(ALL, &[]);
    sandbox.write("out/old.txt", "old\n");
    insta::assert_snapshot!(sandbox.run(&["run"]).says(0));
    assert!(!sandbox.exists("all.txt"));
    for args in [
        ["run", "all"],
        ["run", "transcribe_{sample}"],
        ["status", "all"],
    ] {
        assert_eq!(sandbox.run(&args).code, Some(0), "{args:?}");
    }
    insta::assert_snapshot!(sandbox.run(&["run", "transcribe_{smple}"]).says(2));
    insta::assert_snapshot!(sandbox.run(&["validate", "--strict"]).says(2));
}

#[test]
fn stages_are_selected_by_every_name_they_have() {
    let sandbox = transcribing(
        "  train: {cmd: 'echo {{ item }} > {{ outs }}', foreach: [u, v], outs: ['m/{{ item }}']}\n",
        &["a", "ab"],
    );
    let selected = |what: &str| {
        let mut names: Vec<String> = Vec::new();
        for line in sandbox
            .run(&["run", "-n", "--json", what])
            .prints(0)
            .lines()
        {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            names.push(line["stage"].as_str().unwrap().to_owned());
        }
        names.join(" ")
    };
    for (what, names) in [
        ("transcribe_a", "transcribe_a"),
        ("transcribe_{sample}", "transcribe_a transcribe_ab"),
        ("transcribe_*", "transcribe_a transcribe_ab"),
        ("out/ab.txt", "transcribe_ab"),
        ("train", "train@u train@v"),
        ("train@*", "train@u train@v"),
        ("train@v", "train@v"),
        ("+train", "train@u train@v"),
    ] {
        assert_eq!(selected(what), names, "{what}");
    }
}

#[test]
fn after_goes_by_written_names() {
    let sandbox = transcribing(
        "  one_{sample}: {cmd: 'echo x > {{ outs }}', deps: ['raw/{sample}.wav'], outs: ['one/{sample}'], after: ['transcribe_{sample}']}
  end: {cmd: 'echo x > end', outs: [end], after: ['transcribe_{sample}']}\n",
        &["a", "b"],
    )
    .real_clock();
    sandbox.ran(&[]);
    let mut ran = sandbox.ran(&["-B", "transcribe_a"]);
    ran.sort();
    assert_eq!(ran, ["transcribe_a"]);
    let mut ran = sandbox.ran(&[]);
    ran.sort();
    assert_eq!(ran, ["end", "one_a"]);
}

#[test]
fn a_matrix_and_its_params() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: '1.0'\nname: t\nparams: {models: [a, b c], lr: 1}\nstages:
  train:
    matrix: {model: '{{ params.models }}', seed: [1, 2]}
    cmd: 'echo {{ item.model }} {{ item.seed }} {{ key }} {{ params.lr }} > {{ outs }}'
    outs: ['m/{{ item.model }}/{{ item.seed }}']
  best: {cmd: 'cat {{ deps }} > best', deps: ['m/{model}/{seed}'], outs: [best]}\n",
    );
    let mut ran = sandbox.ran(&[]);
    assert_eq!(ran.pop().unwrap(), "best");
    assert_eq!(ran.len(), 4);
    assert_eq!(
        sandbox.read("best"),
        "a 1 a-1 1\na 2 a-2 1\nb c 1 b c-1 1\nb c 2 b c-2 1\n"
    );
    assert!(sandbox.ran(&[]).is_empty());
    // Other models for one run: what is known of the usual ones stays.
    let lock = sandbox.read("playbook.lock.yaml");
    let mut ran = sandbox.ran(&["--set", "models=[a, z]"]);
    ran.sort();
    assert_eq!(ran, ["best", "train@z-1", "train@z-2"]);
    assert_eq!(sandbox.ran(&[]), ["best"]);
    let names = |lock: &str| {
        let stages = lock.lines().filter(|line| line.starts_with("  train"));
        stages.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&sandbox.read("playbook.lock.yaml")), names(&lock));
    // A param that is not about which there are is about all of them.
    assert_eq!(sandbox.ran(&["--set", "lr=2"]).len(), 5);
}

#[test]
fn every_command_takes_them_for_stages() {
    let sandbox = transcribing(ALL, &["a", "b"]);
    insta::assert_snapshot!(sandbox.run(&["status"]).prints(0));
    sandbox.ran(&[]);
    insta::assert_snapshot!(sandbox.run(&["list"]).prints(0));
    insta::assert_snapshot!(sandbox.run(&["dag"]).prints(0));
    insta::assert_snapshot!(sandbox.run(&["why", "transcribe_b"]).prints(0));
    insta::assert_snapshot!(sandbox.run(&["lock"]).prints(0));
    insta::assert_snapshot!(sandbox.run(&["validate"]).says(0));
    assert_eq!(sandbox.run(&["verify"]).code, Some(0));
    assert!(sandbox.run(&["log", "show", "0192f3c1/transcribe_b"]).code == Some(0));
}

#[test]
fn a_mistake_in_a_hundred_stages_is_told_once() {
    let sandbox = Sandbox::with_stages(
        "  t_{s}: {cmd: 'x {{ params.nope }}', deps: ['raw/{s}'], outs: ['o/{s}']}\n",
    );
    for n in 0..100 {
        sandbox.write(&format!("raw/{n}"), "");
    }
    insta::assert_snapshot!(sandbox.run(&["run"]).says(2));
}
