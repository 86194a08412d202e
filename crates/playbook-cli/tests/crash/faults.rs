//! Every operation on the disk fails once, in every way: nothing is lost, and a person is told.

use crate::operations::{operations, operations_in};
use crate::pipeline::Pipeline;
use crate::points::with_a_past;
use crate::random::finish;
use crate::run::{Fate, Ran, run};
use crate::sandbox::Sandbox;
use crate::tally::{Tally, sample, say};
use crate::watch::{Verdict, Watch, ensure};

/// Scenarios in the short version beside every operation failing once for want of space.
const SHORT: usize = 12;

/// The errors, and what a person reads of them.
const ERRNOS: [(&str, &str); 5] = [
    ("ENOSPC", "No space left on device"),
    ("EIO", "Input/output error"),
    ("EROFS", "Read-only file system"),
    ("EACCES", "Permission denied"),
    ("EMFILE", "Too many open files"),
];

/// Where a run is killed before the one whose operations fail while it recovers; none for a run that has nothing to
/// recover.
const FIRST: [Option<&str>; 3] = [
    None,
    Some("kill-at=group-noted:2"),
    Some("kill-at=recorded:2"),
];

/// What goes wrong in a scenario.
#[derive(Debug, Clone, Copy)]
struct Fault {
    first: Option<&'static str>,
    how: &'static str,
    n: usize,
    errno: (&'static str, &'static str),
}

#[test]
fn whatever_operation_fails_nothing_is_lost_and_a_person_is_told() {
    let mut tally = Tally::new("faults");
    let template = Sandbox::new(&Pipeline::small());
    let past = with_a_past(&template);
    let mut chosen = Vec::new();
    let mut others = Vec::new();
    for first in FIRST {
        let count = operations(&past, first).len();
        say(&format!("operations of a run after {first:?}: {count}"));
        let every = |how, errno| {
            let fault = move |n| Fault {
                first,
                how,
                n,
                errno,
            };
            (1..=count).map(fault)
        };
        for errno in ERRNOS {
            others.extend(every("fail", errno));
        }
        for errno in [ERRNOS[0], ERRNOS[2]] {
            others.extend(every("fail-from", errno));
        }
        if first.is_none() {
            chosen.extend(others.drain(..count));
        }
    }
    chosen.extend(sample(&mut tally.rng(), &others, SHORT));
    for fault in chosen {
        let sandbox = template.copy();
        let mut watch = past.of_copy(&sandbox);
        let (struck, verdict) = struck_by(&mut watch, fault);
        let Fault {
            first,
            how,
            n,
            errno,
        } = fault;
        let scenario = format!("{first:?}, then {how}={n}:{} ({struck})", errno.0);
        tally.note(&scenario, verdict);
    }
    tally.finish();
}

/// The operation that was struck, and whether all went as it should.
fn struck_by(watch: &mut Watch<'_>, fault: Fault) -> (String, Verdict) {
    let Fault {
        first,
        how,
        n,
        errno,
    } = fault;
    if let Some(first) = first {
        let ran = run(watch.sandbox, &Fate::Faults(first.to_owned()), &["-j1"]);
        if let Err(what) = watch.after(&ran) {
            return (first.to_owned(), Err(what));
        }
    }
    let trace = watch.sandbox.beside("trace");
    let faults = format!("{how}={n}:{};trace={}", errno.0, trace.display());
    let ran = run(watch.sandbox, &Fate::Faults(faults), &["-j1"]);
    let trace = std::fs::read_to_string(trace).unwrap_or_default();
    let done = operations_in(&trace);
    let Some(operation) = done.get(n - 1) else {
        // It ended sooner than the one that was counted.
        return ("none".to_owned(), watch.after(&ran));
    };
    // What is lost weighs more than what is not said.
    let verdict = watch
        .after(&ran)
        .and_then(|()| finish(watch))
        .and_then(|()| is_told(&ran, errno.1));
    (operation.clone(), verdict)
}

/// What went wrong, and what to do about it. The exit status says that the surroundings are to blame.
fn is_told(ran: &Ran, errno: &str) -> Verdict {
    let Ran { code, stderr, .. } = ran;
    let told = stderr.split_once(errno);
    ensure!(
        told.is_some(),
        "nobody is told '{errno}' (exit {code:?}): {stderr}"
    );
    ensure!(*code == Some(6), "it ended with {code:?}: {stderr}");
    let advised = told.is_some_and(|(_, rest)| rest.contains("hint:"));
    ensure!(advised, "nobody is told what to do: {stderr}");
    Ok(())
}
