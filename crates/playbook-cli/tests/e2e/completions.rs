//! `completions`, tried in the shells themselves where they are.

use std::process::Command;

use crate::support::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        r#"version: "1.0"
name: t
params: {lr: 0.1, model: {size: 3}}
stages:
  prepare: {cmd: "x {{params.lr}}", deps: [in], outs: [out/data.csv], description: "Makes the data\e[31m"}
  train: {cmd: "x {{params.model.size}}", deps: [out/data.csv], outs: [out/model.bin]}
  tr_all: {cmd: x, deps: [out/model.bin], outs: [all]}
"#,
    );
    std::fs::create_dir(sandbox.path("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_playbook"), sandbox.path("bin/playbook"))
        .unwrap();
    sandbox
}

/// The words that are offered for the last one.
fn words(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let at = (words.len() - 1).to_string();
    let args = [&["completions", "bash", "--at", &at, "--"], words].concat();
    let ended = sandbox.run(&args);
    assert_eq!(ended.stderr, "", "{words:?}");
    ended.prints(0).lines().map(str::to_owned).collect()
}

/// A shell with the program on its path, or `None` if it is not here.
fn shell(sandbox: &Sandbox, name: &str, script: &str) -> Option<Command> {
    let path = std::env::var_os("PATH")?;
    let here = std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    if !here {
        let told = format!("SKIPPED: there is no {name}\n");
        std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).ok();
        return None;
    }
    let mut all = vec![sandbox.path("bin")];
    all.extend(std::env::split_paths(&path));
    #[expect(clippy::disallowed_methods, reason = "a test starts the shell itself")]
    let mut command = Command::new(name);
    command
        .args(["-c", script])
        .current_dir(sandbox.root())
        .env_clear();
    command
        .env("PATH", std::env::join_paths(all).unwrap())
        .env("HOME", sandbox.root())
        .env("LC_ALL", "C");
    Some(command)
}

/// What a shell prints; it must have nothing to complain about.
fn printed(sandbox: &Sandbox, name: &str, script: &str) -> Option<String> {
    let ended = sandbox.finish(shell(sandbox, name, script)?);
    assert_eq!(ended.stderr, "", "{script}");
    Some(ended.prints(0))
}

#[test]
fn stages_and_states_are_offered_where_a_stage_may_stand() {
    let sandbox = sandbox();
    let all = ["prepare", "train", "tr_all", "state:failed", "state:stale"];
    for command in ["run", "status", "why", "dag"] {
        assert_eq!(
            words(&sandbox, &["playbook", command, ""]),
            all,
            "{command}"
        );
    }
    assert_eq!(
        words(&sandbox, &["playbook", "run", "tr"]),
        ["train", "tr_all"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "train", "pre"]),
        ["prepare"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "+tr"]),
        ["+train", "+tr_all"]
    );
    assert_eq!(words(&sandbox, &["playbook", "run", "train+"]), ["train+"]);
    assert_eq!(
        words(&sandbox, &["playbook", "run", "state:f"]),
        ["state:failed"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "--stages", "tr"]),
        ["train", "tr_all"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "-s", "prepare,tr"]),
        ["prepare,train", "prepare,tr_all"]
    );
}

#[test]
fn runs_are_offered_newest_first_and_their_stages_behind_a_slash() {
    let sandbox = sandbox();
    let show = |word: &str| words(&sandbox, &["playbook", "log", "show", word]);
    assert_eq!(show(""), ["last"]);
    for run in [
        "019c66a0-0000",
        "0192f3c1-0000",
        "019c66a0-ffff",
        "mine",
        "12-34",
    ] {
        sandbox.write(&format!(".playbook/playbook/logs/{run}/train.1.log"), "");
    }
    assert_eq!(
        show(""),
        ["last", "019c66a0-ffff", "019c66a0-0000", "0192f3c1-0000"]
    );
    assert_eq!(show("019c"), ["019c66a0-ffff", "019c66a0-0000"]);
    assert_eq!(
        show("0192f3c1-0000/tr"),
        ["0192f3c1-0000/train", "0192f3c1-0000/tr_all"]
    );
    assert_eq!(show("play"), ["playbook.yaml"]);
    let report = ["playbook", "report", "0192"];
    assert_eq!(words(&sandbox, &report), ["0192f3c1-0000"]);
    let args = [
        "completions",
        "zsh",
        "--at",
        "2",
        "--",
        "playbook",
        "report",
        "0192",
    ];
    let told = sandbox.run(&args).prints(0);
    assert_eq!(told, "0192f3c1-0000\t2024-11-03 20:39:24 UTC\n");
    // One who types need not be told that the playbook is wrong, and its runs are still there.
    sandbox.write("playbook.yaml", "stages: [");
    assert_eq!(words(&sandbox, &report), ["0192f3c1-0000"]);
    assert_eq!(show("last/"), [""; 0]);
}

#[test]
fn outs_and_playbooks_are_offered_where_no_stage_fits() {
    let sandbox = sandbox();
    sandbox.write("sub/other.yaml", "");
    sandbox.write("sub/notes.txt", "");
    assert_eq!(
        words(&sandbox, &["playbook", "run", "out/"]),
        ["out/data.csv", "out/model.bin"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "sub/"]),
        ["sub/other.yaml"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "list", "play"]),
        ["playbook.yaml"]
    );
}

#[test]
fn params_options_and_their_values_are_offered() {
    let sandbox = sandbox();
    assert_eq!(
        words(&sandbox, &["playbook", "run", "--set", ""]),
        ["lr=", "model.size="]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "-p", "mo"]),
        ["model.size="]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "--color", ""]),
        ["auto", "always", "never"]
    );
    assert_eq!(
        words(&sandbox, &["playbook", "run", "--dry"]),
        ["--dry-run"]
    );
    assert_eq!(words(&sandbox, &["playbook", "sta"]), ["status"]);
    // The name and not its alias, unless that was begun.
    assert!(words(&sandbox, &["playbook", ""]).contains(&"why".to_owned()));
    assert_eq!(words(&sandbox, &["playbook", "exp"]), ["explain"]);
}

#[test]
fn the_playbook_that_the_line_names_is_the_one_that_is_asked() {
    let sandbox = sandbox();
    sandbox.write(
        "other.yaml",
        "version: \"1.0\"\nname: o\nstages: {else: {cmd: x, outs: [o]}}\n",
    );
    for line in [
        &["playbook", "run", "-f", "other.yaml", "e"][..],
        &["playbook", "-fother.yaml", "run", "e"],
        &["playbook", "--file=other.yaml", "run", "e"],
        &["playbook", "run", "other.yaml", "e"],
    ] {
        assert_eq!(words(&sandbox, line), ["else"], "{line:?}");
    }
}

#[test]
fn a_broken_playbook_or_none_says_nothing() {
    let sandbox = sandbox();
    sandbox.write("playbook.yaml", "stages: [");
    assert_eq!(words(&sandbox, &["playbook", "run", "tr"]), [""; 0]);
    sandbox.remove("playbook.yaml");
    assert_eq!(words(&sandbox, &["playbook", "run", "tr"]), [""; 0]);
    assert_eq!(
        words(&sandbox, &["playbook", "run", "-f", "no.yaml", "tr"]),
        [""; 0]
    );
    assert_eq!(words(&sandbox, &["playbook", "nonsense", "tr"]), [""; 0]);
    assert_eq!(sandbox.names("."), ["bin"]);
}

/// What bash would put in place of the word under the cursor; the words are as bash takes the line apart.
fn in_bash(sandbox: &Sandbox, line: &str, words: &[&str]) -> Option<Vec<String>> {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source <(playbook completions bash)\n\
         complete -p playbook >/dev/null\n\
         COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n\
         COMP_LINE='{line}' COMP_POINT={} COMP_WORDS=({}) COMP_CWORD={}\n\
         _playbook_complete playbook\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        line.len(),
        words.join(" "),
        words.len() - 1,
    );
    let printed = printed(sandbox, "bash", &script)?;
    Some(printed.lines().map(str::to_owned).collect())
}

#[test]
fn bash_is_given_what_stands_behind_the_last_place_where_it_takes_words_apart() {
    let sandbox = sandbox();
    for (line, words, expected) in [
        (
            "playbook run tr",
            &["playbook", "run", "tr"][..],
            &["train", "tr_all"][..],
        ),
        (
            "playbook run train pre",
            &["playbook", "run", "train", "pre"],
            &["prepare"],
        ),
        (
            "playbook run state:",
            &["playbook", "run", "state", ":"],
            &["failed", "stale"],
        ),
        (
            "playbook run state:f",
            &["playbook", "run", "state", ":", "f"],
            &["failed"],
        ),
        (
            "playbook run --stages=tr",
            &["playbook", "run", "--stages", "=", "tr"],
            &["train", "tr_all"],
        ),
        (
            "playbook run --set l",
            &["playbook", "run", "--set", "l"],
            &["lr="],
        ),
        (
            "playbook run --set lr=1 pre",
            &["playbook", "run", "--set", "lr", "=", "1", "pre"],
            &["prepare"],
        ),
        (
            "playbook run  ",
            &["playbook", "run", ""],
            &["prepare", "train", "tr_all", "state:failed", "state:stale"],
        ),
    ] {
        let Some(found) = in_bash(&sandbox, line, words) else {
            return;
        };
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn fish_is_given_the_words_with_their_descriptions() {
    let sandbox = sandbox();
    let script = "playbook completions fish | source; complete -C 'playbook run pre'; complete -C 'playbook run state:'; complete -C 'playbook run -p lr'";
    let Some(printed) = printed(&sandbox, "fish", script) else {
        return;
    };
    assert_eq!(
        printed,
        "prepare\tMakes the data\n\
         state:failed\tStages whose last run failed or was cut off\n\
         state:stale\tStages that would run\n\
         lr=\n"
    );
}

#[test]
fn zsh_reads_the_script() {
    let sandbox = sandbox();
    let script = "autoload -Uz compinit && compinit -u -D && source <(playbook completions zsh) && print $_comps[playbook]";
    let Some(printed) = printed(&sandbox, "zsh", script) else {
        return;
    };
    assert_eq!(printed, "_playbook\n");
}

#[test]
fn a_shell_without_a_script_is_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    assert!(
        sandbox
            .run(&["completions", "tcsh"])
            .says(2)
            .contains("[possible values: bash, zsh, fish]")
    );
}
