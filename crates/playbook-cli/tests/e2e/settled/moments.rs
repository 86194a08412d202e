//! What stats say of a run that is interrupted, waited for, moved or copied.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use playbook_lock::run_lock::{Contention, Holder, RunLock};
use rustix::process::Signal;

use super::same::{Way, forget, run, settled, shown, sorted, traced, way};
use crate::support::Sandbox;

/// Waits until whatever is written from now on is younger, by the clock of the file system, than all there is.
pub(super) fn let_time_pass(sandbox: &Sandbox) {
    let changed = |name: &str| {
        let meta = sandbox.path(name).metadata().unwrap();
        (meta.ctime(), meta.ctime_nsec())
    };
    sandbox.write("scratch", "");
    let now = changed("scratch");
    while changed("scratch") == now {
        sandbox.write("scratch", "");
    }
}

#[test]
fn an_interrupted_run_comes_to_the_same() {
    let ended = [true, false].map(|by_stats| {
        let sandbox = settled();
        let (up, hold) = (sandbox.pipe("up"), sandbox.pipe("hold"));
        let text = sandbox.read("playbook.yaml");
        let text = text.replace(
            "cat xd xe > xf",
            "echo up > up; read line < hold; cat xd xe > xf",
        );
        sandbox.write("playbook.yaml", &text);
        // The command is another one: it runs once with somebody to let it go.
        let first = sandbox.start(traced(&sandbox, &["run"]));
        up.hear();
        hold.tell("go on");
        first.ended().says(0);
        run(&sandbox, &[]).says(0);
        let_time_pass(&sandbox);
        sandbox.write("in3", "others\n");
        if !by_stats {
            forget(&sandbox);
        }
        let second = sandbox.start(traced(&sandbox, &["run", "--json"]));
        up.hear();
        second.signal(Signal::INT);
        let ended = second.ended();
        assert_eq!(way(&sandbox) == Way::Part, by_stats);
        let interrupted = shown(&sandbox, &ended);
        let third = sandbox.start(traced(&sandbox, &["run"]));
        up.hear();
        hold.tell("go on");
        let third = third.ended();
        (interrupted, shown(&sandbox, &third))
    });
    assert_eq!(ended[0], ended[1]);
}

#[test]
fn what_changes_while_another_run_is_waited_for_is_seen() {
    let sandbox = settled();
    let playbook = sandbox.path("playbook.yaml");
    let bytes = fs::read(&playbook).unwrap();
    fs::remove_file(&playbook).unwrap();
    sandbox.fifo("playbook.yaml");
    sandbox.write("in3", "others\n");
    let says = sandbox.pipe("says");
    let mut command = traced(&sandbox, &["run", "-j1"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let run = sandbox.start_wired({
        command.stderr(says.writer());
        command
    });
    // It has looked at the stats once it reads this. Somebody else begins before it does.
    let mut reader = fs::File::options().write(true).open(&playbook).unwrap();
    let holder = Holder {
        pid: std::process::id(),
        host: playbook_exec::host(),
        since: jiff::Timestamp::UNIX_EPOCH,
    };
    let lock = sandbox.path(".playbook/playbook/run.lock");
    let held = RunLock::acquire(&lock, &holder, Contention::Fail).unwrap();
    fs::remove_file(&playbook).unwrap();
    sandbox.write("playbook.yaml", str::from_utf8(&bytes).unwrap());
    reader.write_all(&bytes).unwrap();
    drop(reader);
    while !says.hear().starts_with("waiting for another run") {}
    sandbox.write("in1", "others\n");
    drop(held);
    assert_eq!(run.ended_quietly(), Some(0));
    assert_eq!(sandbox.read("xa"), "others\nshared\n");
}

#[test]
fn a_workspace_that_was_moved_or_copied_comes_to_the_same() {
    for copied in [false, true] {
        let ended = [true, false].map(|by_stats| {
            let sandbox = Sandbox::new();
            sandbox.write("ws/in", "1");
            sandbox.write("ws/there", "1");
            let there = sandbox.path("ws/there");
            let stages = format!(
                "  a: {{cmd: 'cp in x', deps: [in], outs: [x]}}\n  b: {{cmd: 'cp {0} y', deps: ['{0}'], outs: [y]}}\n",
                there.display()
            );
            let text = format!("version: '1.0'\nname: n\nstages:\n{stages}");
            sandbox.write("ws/playbook.yaml", &text);
            for _ in 0..2 {
                sandbox.finish(traced(&sandbox, &["run", "-f", "ws/playbook.yaml"])).says(0);
            }
            let how: &[&str] = if copied { &["cp", "-a"] } else { &["mv"] };
            let script = format!("{} ws other", how.join(" "));
            sandbox.finish(sandbox.shell(&script)).says(0);
            if !by_stats {
                fs::remove_file(sandbox.path("other/.playbook/playbook/settled")).unwrap();
            }
            let ended = sandbox.finish(traced(&sandbox, &["run", "-k", "-f", "other/playbook.yaml"]));
            (ended.code, sorted(&ended.stderr))
        });
        assert_eq!(ended[0], ended[1], "copied: {copied}");
        assert_eq!(ended[0].0, Some(i32::from(!copied)), "{ended:?}");
    }
}

#[test]
fn two_playbooks_in_one_directory_keep_to_themselves() {
    let ended = [true, false].map(|by_stats| {
        let sandbox = settled();
        let other = "version: '1.0'\nname: o\nstages: {g: {cmd: 'cp xg yg; cp in1 z', deps: [xg, in1], outs: [yg, z]}}\n";
        sandbox.write("other.yaml", other);
        for _ in 0..2 {
            run(&sandbox, &["other.yaml"]).says(0);
        }
        let_time_pass(&sandbox);
        sandbox.write("in1", "others\n");
        [&["playbook.yaml"][..], &["other.yaml"], &["playbook.yaml"]].map(|args| {
            if !by_stats {
                forget(&sandbox);
                fs::remove_file(sandbox.path(".playbook/other/settled")).ok();
            }
            let ended = run(&sandbox, args);
            (shown(&sandbox, &ended), sandbox.read("other.lock.yaml"))
        })
    });
    assert_eq!(ended[0], ended[1]);
}

#[test]
fn damaged_anywhere_it_comes_to_the_same() {
    let undamaged = settled();
    undamaged.write("in3", "others\n");
    let ended = run(&undamaged, &[]);
    assert_eq!(way(&undamaged), Way::Part);
    let expected = shown(&undamaged, &ended);
    let sandbox = settled();
    let own = [".playbook/playbook/settled", ".playbook/playbook/parsed"];
    let former: Vec<Vec<u8>> = own.map(|name| fs::read(sandbox.path(name)).unwrap()).into();
    let outs = [
        "xe",
        "xf",
        "xg",
        "playbook.lock.yaml",
        "playbook.events.jsonl",
    ];
    let (input, before) = (sandbox.read("in3"), outs.map(|name| sandbox.read(name)));
    let put = |name: &str, bytes: &[u8]| {
        let mut file = fs::File::create(sandbox.path(name)).unwrap();
        file.write_all(bytes).unwrap();
    };
    let mut parts = 0;
    for (which, whole) in former.iter().enumerate() {
        for at in (0..whole.len()).step_by(41) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            for bytes in [&flipped[..], &whole[..at]] {
                sandbox.write("in3", &input);
                for (name, text) in outs.iter().zip(&before) {
                    sandbox.write(name, text);
                }
                for (name, bytes) in own.iter().zip(&former) {
                    put(name, bytes);
                }
                put(own[which], bytes);
                sandbox.write("in3", "others\n");
                let ended = run(&sandbox, &[]);
                // Of the kept playbook only the stages that are decided are read.
                parts += usize::from(which == 0 && way(&sandbox) == Way::Part);
                assert_eq!(shown(&sandbox, &ended), expected, "{} at {at}", own[which]);
            }
        }
    }
    assert_eq!(parts, 0, "nothing damaged is believed");
}

#[test]
fn what_was_damaged_is_made_anew() {
    let sandbox = settled();
    for name in ["settled", "parsed"] {
        let name = format!(".playbook/playbook/{name}");
        let mut bytes = fs::read(sandbox.path(&name)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::remove_file(sandbox.path(&name)).unwrap();
        std::io::Write::write_all(&mut fs::File::create(sandbox.path(&name)).unwrap(), &bytes)
            .unwrap();
        sandbox.write("in1", &format!("{name}\n"));
        run(&sandbox, &[]).says(0);
        assert_eq!(way(&sandbox), Way::Whole, "{name}");
        let_time_pass(&sandbox);
        sandbox.write("in3", &format!("{name}\n"));
        run(&sandbox, &[]).says(0);
        assert_eq!(way(&sandbox), Way::Part, "{name}");
        let_time_pass(&sandbox);
    }
}
