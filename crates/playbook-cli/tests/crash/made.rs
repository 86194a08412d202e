//! What stands at the outs of a stage, and what is left over beside them.

use crate::parts::{asides_of, below, text_of};
use crate::pipeline::Files;
use crate::sandbox::Sandbox;
use crate::stage::{Out, Stage};
use crate::watch::{Verdict, ensure};

/// The outs of a stage are exactly what they should be.
pub(crate) fn is_made(files: &Files, stage: &Stage, expected: &Files) -> Verdict {
    for out in &stage.outs {
        let found = below(files, out.path());
        let wanted = below(expected, out.path());
        ensure!(
            found == wanted,
            "{} counts as made, and it is {} where {} should be",
            out.path(),
            text_of(&found),
            text_of(&wanted)
        );
    }
    Ok(())
}

/// What a stage made before is at its place, or waits beside it.
pub(crate) fn old_is_there(files: &Files, stage: &Stage, old: &Files, expected: &Files) -> Verdict {
    for (nth, out) in stage.outs.iter().enumerate() {
        if let Out::Tree(path) = out {
            of_jobs_is_there(files, (&stage.name, path), old, expected)?;
            continue;
        }
        let wanted = below(old, out.path());
        if wanted.is_empty() {
            continue;
        }
        let asides = asides_of(files, out.path(), &format!("-{}-{nth}", stage.name));
        let somewhere = std::iter::once(out.path().to_owned())
            .chain(asides)
            .any(|path| below(files, &path) == wanted);
        ensure!(
            somewhere,
            "the old {} is gone, and the new one is not recorded",
            out.path()
        );
    }
    Ok(())
}

/// Each job has a transaction of its own: what it made before, or makes now, is there. What no job makes any more may be gone.
fn of_jobs_is_there(
    files: &Files,
    (stage, out): (&str, &str),
    old: &Files,
    expected: &Files,
) -> Verdict {
    for (path, new) in expected {
        let Some(old) = old.get(path).filter(|_| path.starts_with(out)) else {
            continue;
        };
        let there = files
            .get(path)
            .is_some_and(|bytes| [old, new].contains(&bytes));
        let (directory, _) = path.rsplit_once('/').unwrap();
        let waits = |file: &str| {
            let name = file.strip_prefix(directory).unwrap_or_default();
            name.starts_with("/.playbook-aside-") && name.contains(&format!("-{stage}.job"))
        };
        let aside = files
            .iter()
            .any(|(file, bytes)| waits(file) && bytes == old);
        ensure!(
            there || aside,
            "the old {path} is gone, and the new one is not there"
        );
    }
    Ok(())
}

/// No name of ours, no journal, no process, nothing of what these stages left that is there until they have run.
pub(crate) fn nothing_is_left_over(sandbox: &Sandbox, files: &Files, stages: &[Stage]) -> Verdict {
    let ours = |path: &&String| {
        let mut parts = path.split('/');
        parts.any(|part| part.starts_with(".playbook-"))
    };
    let left: Vec<&String> = files.keys().filter(ours).collect();
    ensure!(left.is_empty(), "left over: {left:?}");
    let failed = stages.iter().map(|stage| format!("failed/{}/", stage.name));
    let passing: Vec<String> = failed.chain(["journal".into(), "work/".into()]).collect();
    let passes = |path: &&String| {
        let rest = path.strip_prefix(".playbook/playbook/");
        rest.is_some_and(|rest| passing.iter().any(|name| rest.starts_with(name)))
    };
    // What a stage left that is gone from the playbook waits for its return.
    let lists = files.iter().filter(|(path, _)| {
        let name = path.strip_prefix(".playbook/playbook/fanout/");
        let stage = name
            .and_then(|name| name.rsplit_once('.'))
            .map(|(stage, _)| stage);
        stage.is_some_and(|stage| stages.iter().all(|here| here.name != stage))
    });
    let listed: String = lists
        .map(|(_, bytes)| String::from_utf8_lossy(bytes))
        .collect();
    let waits = |path: &&String| {
        let key = path.strip_prefix(".playbook/playbook/work/");
        let key = key.map(|key| {
            key.replacen('/', "", 1)
                .split('/')
                .next()
                .unwrap()
                .to_owned()
        });
        key.is_some_and(|key| listed.contains(&key))
    };
    let left = files.keys().filter(passes).filter(|path| !waits(path));
    let left: Vec<&String> = left.collect();
    ensure!(left.is_empty(), "still in the state directory: {left:?}");
    let alive = sandbox.alive();
    ensure!(alive.is_empty(), "still alive: {alive:?}");
    Ok(())
}
