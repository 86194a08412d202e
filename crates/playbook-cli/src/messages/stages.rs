//! Every way in which a stage can fail, for the tests of what people are told.

use std::time::Duration;

use playbook_exec::plan::StageFault;
use playbook_exec::{FailureCause, JobFailure, OutFault, SplitFault};
use playbook_hash::{HashError, SpecialKind};
use playbook_types::name::StageName;
use playbook_types::template::{TemplateError, TemplateErrorKind};
use rustix::io::Errno;

use crate::messages::all::{data, disk, file};

/// What stands in the way of a stage's jobs.
fn of_jobs() -> Vec<FailureCause> {
    let job = |cause| {
        Box::new(JobFailure {
            input: "raw/a.txt".to_owned(),
            id: "ab12cd34ef56".to_owned(),
            command: "cp raw/a.txt done/a.txt".to_owned(),
            cause,
            work_dir: None,
            log: None,
        })
    };
    let failed = |failed| FailureCause::Jobs {
        failed,
        total: 6452,
        first: job(FailureCause::Exit(3)),
    };
    let path = || "raw/a.txt".to_owned();
    let template = TemplateError {
        placeholder: "{{ input }}".to_owned(),
        offset: 3,
        kind: TemplateErrorKind::Nul,
    };
    vec![
        failed(1),
        failed(12),
        FailureCause::LeftOpen(Box::new(failed(1))),
        FailureCause::Command(template),
        FailureCause::Before(StageFault::Split(SplitFault::NotADirectory {
            dep: data("raw"),
        })),
        FailureCause::Before(StageFault::Split(SplitFault::Link { path: path() })),
        FailureCause::Before(StageFault::Split(SplitFault::NotText { path: path() })),
        FailureCause::Before(StageFault::Split(SplitFault::SameOutput {
            first: data("raw/a.md"),
            second: data("raw/a.txt"),
            output: data("done/a.out"),
        })),
        FailureCause::Before(StageFault::Split(SplitFault::NestedOutput {
            first: data("raw/a.md"),
            second: data("raw/a.out/b.txt"),
            output: data("done/a.out"),
        })),
    ]
}

/// Every way in which a stage can fail.
pub(super) fn of_stages() -> Vec<FailureCause> {
    let missing = |maker: Option<&str>| {
        FailureCause::Before(StageFault::MissingDep {
            path: data("in.csv"),
            maker: maker.map(|maker| StageName::parse(maker).unwrap()),
        })
    };
    vec![
        FailureCause::Exit(3),
        FailureCause::Signal { number: 9 },
        FailureCause::OutOfMemory {
            cause: Box::new(FailureCause::Exit(137)),
        },
        FailureCause::TimedOut {
            limit: Duration::from_secs(90),
        },
        FailureCause::Interrupted,
        FailureCause::OutsNotMade {
            outs: vec![data("x"), data("y")],
        },
        FailureCause::Outs(HashError::Special {
            path: file("x"),
            kind: SpecialKind::Socket,
        }),
        missing(None),
        missing(Some("fetch")),
        FailureCause::Before(StageFault::FrozenGate {
            gate: StageName::parse("train").unwrap(),
        }),
        FailureCause::Transaction(OutFault::MountPoint { out: data("x") }),
        FailureCause::NotRolledBack {
            cause: Box::new(FailureCause::Exit(1)),
            fault: Box::new(OutFault::Gone { out: data("x") }),
        },
        FailureCause::Log(Box::new(disk(
            "write",
            ".playbook/playbook/logs/x",
            Errno::NOSPC,
        ))),
        FailureCause::Start {
            message: "its working directory sub does not exist".to_owned(),
            source: None,
        },
    ]
    .into_iter()
    .chain(of_jobs())
    .collect()
}
