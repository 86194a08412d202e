//! What runs is exactly what an independent oracle says, over random graphs and random edits; and what
//! was foretold comes true.
//!
//! The oracle keeps its own account of every file's contents and of what each stage last ran on. It
//! shares no code with the program beyond reading events.
//!
//! `PLAYBOOK_ORACLE_CASES` sets how many random histories are tried.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use indexmap::IndexMap;
use playbook_exec::clock::SystemClock;
use playbook_exec::observer::Recording;
use playbook_exec::plan::{Fate, PlanOptions, plan};
use playbook_exec::{FOLD_EVERY, GRACE, Outcome, Runtime, execute};
use playbook_hash::Trust;
use playbook_lock::Project;
use playbook_types::model::policy::FailurePolicy;
use playbook_types::record::event::EventKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

const SOURCES: usize = 3;
const PARAMS: usize = 2;

/// How a stage makes its out from what it reads.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Everything it reads, then its salt and its param.
    Copy,
    /// Only how long what it reads is: many changes make the same out.
    Length,
    /// A directory with two files.
    Directory,
}

/// A stage of the random playbook.
#[derive(Debug, Clone)]
struct Stage {
    kind: Kind,
    /// Sources it reads.
    sources: BTreeSet<usize>,
    /// Earlier stages whose outs it reads.
    stages: BTreeSet<usize>,
    salt: u8,
    param: Option<usize>,
    /// It stands in the playbook.
    present: bool,
}

/// One change between two runs.
#[derive(Debug, Clone)]
enum Edit {
    Nothing,
    /// A source gets these contents.
    Source(usize, u8),
    /// A source's time changes, its contents do not.
    Touch(usize),
    /// A source is replaced by a file of the same contents.
    Replace(usize),
    Param(usize, u8),
    Salt(usize, u8),
    /// An out disappears.
    DeleteOut(usize),
    /// An out is edited.
    Tamper(usize),
    /// An out's time changes.
    TouchOut(usize),
    /// A stage reads one source more or less.
    ToggleSource(usize, usize),
    /// A stage leaves the playbook or comes back.
    TogglePresent(usize),
    /// The deps of a stage are written in the other order.
    Reorder,
}

fn any_stage(index: usize) -> impl Strategy<Value = Stage> {
    let kind =
        prop_oneof![3 => Just(Kind::Copy), 2 => Just(Kind::Length), 1 => Just(Kind::Directory)];
    let sources = prop::collection::btree_set(0..SOURCES, 0..=2);
    let stages = prop::collection::btree_set(0..index.max(1), 0..=2);
    let param = prop::option::weighted(0.4, 0..PARAMS);
    (kind, sources, stages, 0..3_u8, param).prop_map(move |(kind, sources, stages, salt, param)| {
        Stage {
            kind,
            sources,
            stages: if index == 0 { BTreeSet::new() } else { stages },
            salt,
            param,
            present: true,
        }
    })
}

fn any_edit(stages: usize) -> impl Strategy<Value = Edit> {
    prop_oneof![
        2 => Just(Edit::Nothing),
        4 => (0..SOURCES, 0..4_u8).prop_map(|(source, to)| Edit::Source(source, to)),
        1 => (0..SOURCES).prop_map(Edit::Touch),
        1 => (0..SOURCES).prop_map(Edit::Replace),
        2 => (0..PARAMS, 0..3_u8).prop_map(|(param, to)| Edit::Param(param, to)),
        2 => (0..stages, 0..3_u8).prop_map(|(stage, to)| Edit::Salt(stage, to)),
        2 => (0..stages).prop_map(Edit::DeleteOut),
        2 => (0..stages).prop_map(Edit::Tamper),
        1 => (0..stages).prop_map(Edit::TouchOut),
        1 => (0..stages, 0..SOURCES).prop_map(|(stage, source)| Edit::ToggleSource(stage, source)),
        1 => (0..stages).prop_map(Edit::TogglePresent),
        1 => Just(Edit::Reorder),
    ]
}

fn any_history() -> impl Strategy<Value = (Vec<Stage>, Vec<Vec<Edit>>)> {
    (2..6_usize).prop_flat_map(|count| {
        let stages: Vec<_> = (0..count).map(any_stage).collect();
        let edits = prop::collection::vec(prop::collection::vec(any_edit(count), 1..=2), 4..=7);
        (stages, edits)
    })
}

/// What a stage last ran on, and what it made.
#[derive(Debug, Clone, PartialEq)]
struct Ran {
    inputs: String,
    out: String,
}

/// The world as the oracle has it.
struct World<'d> {
    directory: &'d Path,
    stages: Vec<Stage>,
    sources: Vec<String>,
    params: Vec<u8>,
    /// What stands at each stage's out.
    outs: Vec<Option<String>>,
    ran: Vec<Option<Ran>>,
    reversed: bool,
}

impl<'d> World<'d> {
    fn new(directory: &'d Path, stages: Vec<Stage>) -> Self {
        let count = stages.len();
        let world = Self {
            directory,
            stages,
            sources: (0..SOURCES).map(|i| format!("source {i}\n")).collect(),
            params: vec![0; PARAMS],
            outs: vec![None; count],
            ran: vec![None; count],
            reversed: false,
        };
        for i in 0..SOURCES {
            world.put(&format!("s{i}"), &world.sources[i]);
        }
        world
    }

    fn put(&self, path: &str, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "a test's own files")]
        fs::write(self.directory.join(path), text).unwrap();
    }

    fn present(&self, stage: usize) -> bool {
        self.stages[stage].present
    }

    /// Deps by name, in the order they are written.
    fn deps(&self, stage: usize) -> Vec<String> {
        let sources = self.stages[stage].sources.iter().map(|i| format!("s{i}"));
        let above = self.stages[stage]
            .stages
            .iter()
            .filter(|i| self.present(**i))
            .map(|i| Self::out_path(*i));
        let mut deps: Vec<String> = sources.chain(above).collect();
        if self.reversed {
            deps.reverse();
        }
        deps
    }

    fn out_path(stage: usize) -> String {
        format!("o{stage}")
    }

    fn command(&self, stage: usize) -> String {
        let Stage {
            kind, salt, param, ..
        } = &self.stages[stage];
        let param = param
            .map(|i| format!(" {{{{params.p{i}}}}}"))
            .unwrap_or_default();
        // Sorted, so that the order of deps is no part of the command.
        let mut deps = self.deps(stage);
        deps.sort();
        let read: String = deps
            .iter()
            .map(|dep| {
                if self.is_directory(dep) {
                    format!("cat {dep}/a {dep}/b; ")
                } else {
                    format!("cat {dep}; ")
                }
            })
            .collect();
        match kind {
            Kind::Copy => format!("{{ {read}echo {salt}{param}; }} > o{stage}"),
            Kind::Length => {
                format!("{{ {read}true {salt}{param}; }} | wc -c | tr -d ' ' > o{stage}")
            }
            Kind::Directory => format!(
                "mkdir o{stage}; {{ {read}true; }} > o{stage}/a; echo {salt}{param} > o{stage}/b"
            ),
        }
    }

    fn is_directory(&self, dep: &str) -> bool {
        dep.strip_prefix('o')
            .is_some_and(|i| self.stages[i.parse::<usize>().unwrap()].kind == Kind::Directory)
    }

    fn playbook(&self) -> String {
        let mut text = "version: \"1.0\"\nname: oracle\nparams:\n".to_owned();
        for (i, value) in self.params.iter().enumerate() {
            writeln!(text, "  p{i}: {value}").unwrap();
        }
        text.push_str("stages:\n");
        for i in (0..self.stages.len()).filter(|i| self.present(*i)) {
            let command = serde_json::to_string(&self.command(i)).unwrap();
            writeln!(
                text,
                "  t{i}: {{cmd: {command}, deps: [{}], outs: [o{i}]}}",
                self.deps(i).join(", ")
            )
            .unwrap();
        }
        text
    }

    /// Contents of a dep.
    fn contents(&self, dep: &str) -> String {
        let index: usize = dep[1..].parse().unwrap();
        match dep.as_bytes()[0] {
            b's' => self.sources[index].clone(),
            _ => self.outs[index].clone().expect("a stage above has run"),
        }
    }

    /// Everything that decides about a stage.
    fn inputs(&self, stage: usize) -> String {
        let mut deps = self.deps(stage);
        deps.sort();
        let read: Vec<(String, String)> = deps
            .into_iter()
            .map(|dep| (dep.clone(), self.contents(&dep)))
            .collect();
        let param = self.stages[stage].param.map(|i| self.params[i]);
        format!("{:?} {:?} {:?}", self.command(stage), read, param)
    }

    /// What a stage makes. A directory's text is its two files one after the other, with a mark between.
    fn makes(&self, stage: usize) -> String {
        let Stage {
            kind, salt, param, ..
        } = &self.stages[stage];
        let mut deps = self.deps(stage);
        deps.sort();
        let read: String = deps
            .iter()
            .map(|dep| self.contents(dep).replace(MARK, ""))
            .collect();
        let param = param
            .map(|i| format!(" {}", self.params[i]))
            .unwrap_or_default();
        match kind {
            Kind::Copy => format!("{read}{salt}{param}\n"),
            Kind::Length => format!("{}\n", read.len()),
            Kind::Directory => format!("{read}{MARK}{salt}{param}\n"),
        }
    }

    /// Applies an edit to the disk and to the account.
    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Nothing => {}
            Edit::Source(i, to) => {
                self.sources[*i] = format!("source {i} {to}\n");
                self.put(&format!("s{i}"), &self.sources[*i]);
            }
            Edit::Touch(i) => touch(&self.directory.join(format!("s{i}"))),
            Edit::Replace(i) => {
                self.put("new", &self.sources[*i]);
                #[expect(clippy::disallowed_methods, reason = "a test's own files")]
                fs::rename(
                    self.directory.join("new"),
                    self.directory.join(format!("s{i}")),
                )
                .unwrap();
            }
            Edit::Param(i, to) => self.params[*i] = *to,
            Edit::Salt(i, to) => self.stages[*i].salt = *to,
            Edit::DeleteOut(i) => self.delete(*i),
            Edit::Tamper(i) => self.tamper(*i),
            Edit::TouchOut(i) => {
                let path = self.directory.join(Self::out_path(*i));
                if path.exists() {
                    touch(&path);
                }
            }
            Edit::ToggleSource(stage, source) => {
                let sources = &mut self.stages[*stage].sources;
                if !sources.remove(source) {
                    sources.insert(*source);
                }
            }
            Edit::TogglePresent(i) => self.stages[*i].present ^= true,
            Edit::Reorder => self.reversed ^= true,
        }
    }

    fn delete(&mut self, stage: usize) {
        let path = self.directory.join(Self::out_path(stage));
        if self.outs[stage].take().is_some() {
            if path.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            }
            .unwrap();
        }
    }

    fn tamper(&mut self, stage: usize) {
        let Some(text) = &mut self.outs[stage] else {
            return;
        };
        text.push_str("tampered\n");
        let path = if self.stages[stage].kind == Kind::Directory {
            format!("o{stage}/b")
        } else {
            format!("o{stage}")
        };
        let whole = text.rsplit(MARK).next().unwrap().to_owned();
        self.put(&path, &whole);
    }

    /// Which stages must run now, in the playbook's order; their outs are brought up to date in the account.
    fn expect(&mut self) -> BTreeSet<String> {
        let mut runs = BTreeSet::new();
        for i in (0..self.stages.len()).filter(|i| self.stages[*i].present) {
            let inputs = self.inputs(i);
            let stands = self.ran[i]
                .as_ref()
                .is_some_and(|ran| ran.inputs == inputs && self.outs[i].as_ref() == Some(&ran.out));
            if !stands {
                let out = self.makes(i);
                self.outs[i] = Some(out.clone());
                self.ran[i] = Some(Ran { inputs, out });
                runs.insert(format!("t{i}"));
            }
        }
        // Entries of stages that are gone from the playbook go when the lock is next written.
        if !runs.is_empty() {
            for i in (0..self.stages.len()).filter(|i| !self.stages[*i].present) {
                self.ran[i] = None;
            }
        }
        runs
    }
}

/// Stands between the two files of a directory in the oracle's account.
const MARK: &str = "|";

fn touch(path: &Path) {
    let later = fs::metadata(path).unwrap().modified().unwrap() + std::time::Duration::from_mins(1);
    let file = fs::File::open(path).unwrap();
    file.set_modified(later).unwrap();
}

fn run(directory: &Path) -> (Vec<(String, Fate)>, BTreeSet<String>) {
    let project = Project::open(&directory.join("playbook.yaml")).unwrap();
    project.state_dir().create().unwrap();
    let plan = plan(&project, &PlanOptions::default()).unwrap();
    let foretold = plan
        .foretell(Trust::Stat)
        .into_iter()
        .map(|told| (told.stage.to_string(), told.fate))
        .collect();
    let recording = Recording::default();
    let runtime = Runtime {
        clock: &SystemClock::new(),
        observer: &recording,
        jobs: 2,
        failure: FailurePolicy::StopOnFirst,
        trust: Trust::Stat,
        run_id: Uuid::now_v7(),
        overrides: IndexMap::new(),
        owns_process: false,
        grace: GRACE,
        fold_every: FOLD_EVERY,
    };
    let summary = execute(&plan, &runtime).unwrap();
    assert_eq!(
        summary.outcome,
        Outcome::Completed,
        "{:?}",
        summary.failures
    );
    let started = recording
        .events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::StageStarted { stage, .. } => Some(stage.to_string()),
            _ => None,
        });
    (foretold, started.collect())
}

fn check(stages: &[Stage], edits: &[Vec<Edit>]) -> Result<usize, TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::new(directory.path(), stages.to_vec());
    let mut checked = 0;
    for step in std::iter::once(&Vec::new()).chain(edits) {
        for edit in step {
            world.edit(edit);
        }
        if world.stages.iter().all(|stage| !stage.present) {
            continue;
        }
        world.put("playbook.yaml", &world.playbook());
        let expected = world.expect();
        let (foretold, ran) = run(directory.path());
        prop_assert_eq!(&ran, &expected, "after {:?} of\n{}", step, world.playbook());
        for (stage, fate) in &foretold {
            match fate {
                Fate::Hit(_) => {
                    prop_assert!(!ran.contains(stage), "{} was foretold a hit and ran", stage);
                }
                Fate::Miss(reasons) => {
                    prop_assert!(
                        ran.contains(stage),
                        "{} was foretold to run ({}) and did not",
                        stage,
                        reasons.sentence()
                    );
                }
                Fate::Maybe(waits_for) => {
                    prop_assert!(
                        waits_for.iter().any(|stage| ran.contains(stage.as_str())
                            || is_maybe(&foretold, stage.as_str()))
                    );
                }
                Fate::Running { .. } => prop_assert!(false, "nothing runs"),
                Fate::Fault(fault) => prop_assert!(false, "{} cannot be decided: {}", stage, fault),
            }
        }
        let after: BTreeMap<&str, bool> = foretold
            .iter()
            .map(|(stage, fate)| (stage.as_str(), fate.is_hit()))
            .collect();
        prop_assert_eq!(
            after.len(),
            world.stages.iter().filter(|stage| stage.present).count()
        );
        checked += 1;
    }
    Ok(checked)
}

fn is_maybe(foretold: &[(String, Fate)], stage: &str) -> bool {
    foretold
        .iter()
        .any(|(name, fate)| name == stage && matches!(fate, Fate::Maybe(_)))
}

#[test]
fn what_runs_is_what_the_oracle_says() {
    let cases = std::env::var("PLAYBOOK_ORACLE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(150);
    let config = Config {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&any_history(), |(stages, edits)| {
            checked.set(checked.get() + check(&stages, &edits)?);
            Ok(())
        })
        .unwrap();
    println!("{} runs compared", checked.get());
}
