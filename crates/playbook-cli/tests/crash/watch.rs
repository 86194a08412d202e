//! What must hold, whenever a run was killed and when the last one was not.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::jobs::Jobs;
use crate::made::{is_made, nothing_is_left_over, old_is_there};
use crate::parts::is_below;
use crate::pipeline::{Expected, Files, Pipeline};
use crate::rng::Rng;
use crate::run::{Ran, Read, look};
use crate::sandbox::Sandbox;
use crate::stage::{Out, Stage};

/// What does not hold.
pub(crate) type Verdict = Result<(), String>;

/// Fails the scenario, not the test: others may find more.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}
pub(crate) use ensure;

thread_local! {
    static CHECKS: Cell<u64> = const { Cell::new(0) };
}

/// How often the invariants were checked on this thread.
pub(crate) fn checks() -> u64 {
    CHECKS.get()
}

/// What a test knows of one sandbox and what happened in it.
pub(crate) struct Watch<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pipeline: Pipeline,
    /// What the stages have to make now.
    expected: Expected,
    jobs: Jobs,
    /// What stages of these names made before, where nobody else has touched it.
    old: BTreeMap<String, Files>,
    /// Contents of the user's own.
    mine: BTreeSet<Vec<u8>>,
    edits: usize,
    /// Stages that were announced as completed, with the run.
    announced: BTreeMap<String, u32>,
    /// Half lines that a kill left at the end of the event log.
    torn: BTreeSet<String>,
    /// What `status` last said, by stage, if nothing was changed since.
    foretold: BTreeMap<String, Foretold>,
    /// What happened.
    trail: Vec<String>,
}

impl<'a> Watch<'a> {
    /// Of a sandbox in which nothing has run.
    pub(crate) fn new(sandbox: &'a Sandbox, pipeline: &Pipeline) -> Self {
        let expected = pipeline.expected();
        Self {
            sandbox,
            jobs: Jobs::new(&expected.jobs),
            expected,
            pipeline: pipeline.clone(),
            old: BTreeMap::new(),
            mine: BTreeSet::new(),
            edits: 0,
            announced: BTreeMap::new(),
            torn: BTreeSet::new(),
            foretold: BTreeMap::new(),
            trail: Vec::new(),
        }
    }

    /// The same for a copy of the sandbox.
    pub(crate) fn of_copy<'b>(&self, sandbox: &'b Sandbox) -> Watch<'b> {
        Watch {
            sandbox,
            pipeline: self.pipeline.clone(),
            expected: self.expected.clone(),
            jobs: self.jobs.clone(),
            old: self.old.clone(),
            mine: self.mine.clone(),
            edits: self.edits,
            announced: self.announced.clone(),
            torn: self.torn.clone(),
            foretold: self.foretold.clone(),
            trail: self.trail.clone(),
        }
    }

    /// Notes something for whoever has to find out why.
    pub(crate) fn happened(&mut self, what: String) {
        self.trail.push(what);
    }

    /// A verdict with what happened before.
    pub(crate) fn with_trail(&self, verdict: Verdict) -> Verdict {
        verdict.map_err(|what| format!("{what}\n  {}", self.trail.join("\n  ")))
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// All is made, and now the playbook or what it reads is changed.
    pub(crate) fn next_generation(&mut self, pipeline: &Pipeline) {
        self.happened("the next generation".to_owned());
        let expected = pipeline.expected();
        let made = std::mem::replace(&mut self.expected, expected).made;
        let names = self.pipeline.stages.iter().map(|stage| stage.name.clone());
        self.old = names.zip(made).collect();
        self.pipeline = pipeline.clone();
        let jobs = &self.expected.jobs;
        self.jobs.next_generation(jobs, self.sandbox.last_run());
        self.announced.clear();
        self.foretold.clear();
        self.sandbox.write_playbook(pipeline);
        for entry in fs::read_dir(self.sandbox.path("ok")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    /// The playbook or what stages read is changed while a run that was killed is not yet put right.
    pub(crate) fn change(&mut self, pipeline: &Pipeline) {
        self.pipeline = pipeline.clone();
        self.expected = pipeline.expected();
        let jobs = &self.expected.jobs;
        self.jobs.change(jobs, self.sandbox.last_run());
        self.forget();
        self.sandbox.write_playbook(pipeline);
    }

    /// What was made and announced before counts no more.
    pub(crate) fn forget(&mut self) {
        self.announced.clear();
        self.foretold.clear();
        self.old.clear();
    }

    /// What a stage has to make.
    pub(crate) fn expected(&self, stage: usize) -> &Files {
        &self.expected.made[stage]
    }

    /// The bytes of a file are gone, also if they were the user's.
    pub(crate) fn lose(&mut self, path: &str) {
        let bytes = fs::read(self.sandbox.path(path)).unwrap();
        self.mine.remove(&bytes);
        self.sandbox.write(path, b"");
    }

    /// The user edits an out that was made before this generation.
    pub(crate) fn edit(&mut self, rng: &mut Rng, (stage, out): (usize, usize)) {
        let Stage { name, outs, .. } = &self.pipeline.stages[stage];
        let path = outs[out].path().to_owned();
        let edited = match &outs[out] {
            Out::File(path) => path.clone(),
            Out::Directory(path) => format!("{path}/mine"),
            Out::Tree(path) => {
                let files = self.sandbox.files();
                let there = files.keys().filter(|file| is_below(file, path));
                let there: Vec<&String> = there.collect();
                if rng.one_in(2) || there.is_empty() {
                    format!("{path}/mine")
                } else {
                    there[rng.below(there.len())].clone()
                }
            }
        };
        if let Some(old) = self.old.get_mut(name) {
            old.retain(|file, _| !is_below(file, &path));
        }
        self.jobs.touched(&edited, self.sandbox.last_run());
        if let Some(before) = self.sandbox.read(&edited) {
            // Of two edits of one file the second is what the user wants.
            self.mine.remove(before.as_bytes());
        }
        let text = format!("edited by hand: {path}, edit {}\n", self.edits);
        self.edits += 1;
        self.happened(format!("{edited} is edited by hand"));
        self.sandbox.write(&edited, text.as_bytes());
        self.mine.insert(text.into_bytes());
        self.foretold.clear();
    }

    /// The user edits an out that was made in this generation. Who reads it can be no hit until it is made anew.
    pub(crate) fn edit_made(&mut self, rng: &mut Rng, at: (usize, usize)) {
        self.edit(rng, at);
        self.forget();
    }

    /// What must hold after every run, however it ended.
    pub(crate) fn after(&mut self, ran: &Ran) -> Verdict {
        CHECKS.set(CHECKS.get() + 1);
        self.happened(format!(
            "run {} ended with {:?} and completed {:?}",
            ran.number,
            ran.code,
            ran.stages("stage_completed")
        ));
        ensure!(ran.junk.is_empty(), "printed {:?}", ran.junk);
        ensure!(
            ran.survivors.is_empty(),
            "when run {} had recovered there still were {:?}",
            ran.number,
            ran.survivors
        );
        ensure!(
            !ran.stderr.contains("panicked"),
            "run {} panicked: {}",
            ran.number,
            ran.stderr
        );
        if let Some(live) = &ran.live {
            self.is_true(live)?;
        }
        self.did_as_foretold(ran)?;
        for stage in ran.stages("stage_completed") {
            self.announced.entry(stage).or_insert(ran.number);
        }
        self.lock_is_whole()?;
        self.events_are_whole()?;
        self.counts_are_in_order()?;
        self.jobs.after(self.sandbox, ran)?;
        self.nothing_of_mine_is_lost()?;
        self.status_is_true()
    }

    /// A run does what `status` said it would, also where it had to recover first.
    fn did_as_foretold(&self, ran: &Ran) -> Verdict {
        let started = ran.stages("stage_started");
        for (stage, Foretold { decision, jobs }) in &self.foretold {
            let starts = started.contains(stage);
            let began = self.jobs.started_in(self.sandbox, stage, ran.number);
            ensure!(
                jobs.is_none_or(|jobs| began <= jobs && (began == jobs || ran.code != Some(0))),
                "status said that of {stage} {jobs:?} jobs would run, and run {} started {began}",
                ran.number
            );
            ensure!(
                !starts || decision != "hit",
                "status called {stage} a hit, and run {} started it",
                ran.number
            );
            ensure!(
                starts || decision != "miss" || ran.code != Some(0),
                "status called {stage} a miss, and run {} did not start it",
                ran.number
            );
        }
        Ok(())
    }

    fn lock_is_whole(&self) -> Verdict {
        let Some(text) = self.sandbox.read("playbook.lock.yaml") else {
            return Ok(());
        };
        let lock: Result<Value, _> = serde_yaml_ng::from_str(&text);
        let whole = lock.as_ref().is_ok_and(|lock| lock["stages"].is_object());
        ensure!(whole, "the lock is torn ({lock:?}):\n{text}");
        Ok(())
    }

    /// Every line is JSON, but for those that a kill cut off.
    fn events_are_whole(&mut self) -> Verdict {
        let Some(text) = self.sandbox.read("playbook.events.jsonl") else {
            return Ok(());
        };
        for line in text.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else {
                self.torn.insert(line.to_owned());
                continue;
            };
            let whole = serde_json::from_str::<Value>(line).is_ok();
            let known = self.torn.contains(line);
            ensure!(whole || known, "a torn line in the event log: {line}");
        }
        Ok(())
    }

    /// Runs do not overlap, no run starts anything twice, and what was announced is not done again.
    fn counts_are_in_order(&self) -> Verdict {
        let alone = self
            .pipeline
            .stages
            .iter()
            .filter(|stage| stage.fan.is_none());
        let alone = alone.map(|stage| (&stage.name, &stage.name));
        let jobs = self.expected.jobs.iter();
        let jobs = jobs.flat_map(|job| job.counts.iter().map(|count| (&job.stage, count)));
        for (stage, count) in alone.chain(jobs) {
            let Some(text) = self.sandbox.read(&format!("counts/{count}")) else {
                continue;
            };
            let mut last = (0, "end");
            for line in text.lines() {
                let (what, run) = line.split_once(' ').unwrap_or((line, ""));
                let run: u32 = run.parse().unwrap_or(0);
                let next = match last {
                    (before, _) if run > before => what == "start",
                    (before, "start") if run == before => what == "end",
                    _ => false,
                };
                ensure!(next, "{count}: '{line}' after {last:?} in\n{text}");
                last = (run, what);
                let done = self.announced.get(stage);
                ensure!(
                    done.is_none_or(|done| run <= *done || what != "start"),
                    "{stage} was announced as completed by run {done:?}, and {count} started again:\n{text}"
                );
            }
        }
        Ok(())
    }

    /// What the user wrote is somewhere.
    pub(crate) fn nothing_of_mine_is_lost(&self) -> Verdict {
        if self.mine.is_empty() {
            return Ok(());
        }
        let there: BTreeSet<Vec<u8>> = self.sandbox.files().into_values().collect();
        for text in &self.mine {
            ensure!(
                there.contains(text),
                "lost: {:?}",
                String::from_utf8_lossy(text)
            );
        }
        Ok(())
    }

    /// `status` works although it cannot write, and calls a hit only what is whole.
    fn status_is_true(&mut self) -> Verdict {
        let trace = self.sandbox.beside("status.trace");
        let faults = format!("fail-from=1:EROFS;trace={}", trace.display());
        self.writable(0o555);
        let mut status = look(self.sandbox, &["status", "--json"], Some(&faults));
        // A child that the dead run forked holds the run lock until it becomes a shell.
        for _ in 0..1000 {
            if !status.lines.iter().any(|line| line["running"].is_object()) {
                break;
            }
            status = look(self.sandbox, &["status", "--json"], Some(&faults));
        }
        let plan = look(self.sandbox, &["run", "-n", "--json"], Some(&faults));
        self.writable(0o755);
        let touched = fs::read_to_string(&trace).unwrap_or_default();
        // What it had to read it may remember, if files are old enough by then.
        let mut touched = touched
            .lines()
            .filter(|line| !line.ends_with("/.playbook/stat-cache"));
        let written = touched.next();
        ensure!(written.is_none(), "status wants to write: {written:?}");
        self.is_true(&status)?;
        ensure!(
            plan.lines == status.lines,
            "status says {status:?}, and run -n {plan:?}"
        );
        self.foretold = foretold(&status);
        let files = self.sandbox.files();
        for line in status.lines.iter().filter(|line| line["decision"] != "hit") {
            let name = line["stage"].as_str().unwrap();
            self.old_is_there(&files, name)
                .map_err(|what| format!("{what}; status says {line}"))?;
            ensure!(
                !self.announced.contains_key(name),
                "{name} was announced as completed, and status says {line}"
            );
        }
        Ok(())
    }

    /// What it calls a hit is whole.
    fn is_true(&self, status: &Read) -> Verdict {
        ensure!(
            status.code == Some(0) && status.stderr.is_empty(),
            "status ended with {status:?}"
        );
        ensure!(
            status.lines.len() == self.pipeline.stages.len(),
            "status leaves stages out: {:?}",
            status.lines
        );
        let files = self.sandbox.files();
        for line in status.lines.iter().filter(|line| line["decision"] == "hit") {
            let name = line["stage"].as_str().unwrap();
            self.is_made(&files, self.pipeline.stage(name))?;
        }
        Ok(())
    }

    fn writable(&self, mode: u32) {
        fs::set_permissions(self.sandbox.root(), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn is_made(&self, files: &Files, at: usize) -> Verdict {
        is_made(files, &self.pipeline.stages[at], &self.expected.made[at])
    }

    fn old_is_there(&self, files: &Files, name: &str) -> Verdict {
        let at = self.pipeline.stage(name);
        let old = self.old.get(name);
        old.map_or(Ok(()), |old| {
            let expected = &self.expected.made[at];
            old_is_there(files, &self.pipeline.stages[at], old, expected)
        })
    }

    /// Old outs that wait aside without a record of it are put away by hand.
    pub(crate) fn put_asides_away(&self) {
        for (path, bytes) in self.sandbox.files() {
            let aside = path
                .split('/')
                .any(|part| part.starts_with(".playbook-aside-"));
            if aside {
                self.sandbox
                    .write(&format!("found/{path}").replace(".playbook", "was"), &bytes);
                fs::remove_file(self.sandbox.path(&path)).unwrap();
            }
        }
    }

    /// What must hold when a run has made everything.
    pub(crate) fn all_is_made(&self, ran: &Ran) -> Verdict {
        CHECKS.set(CHECKS.get() + 1);
        ensure!(
            ran.code == Some(0),
            "the last run ended with {:?}: {}",
            ran.code,
            ran.stderr
        );
        let files = self.sandbox.files();
        for at in 0..self.pipeline.stages.len() {
            self.is_made(&files, at)?;
        }
        nothing_is_left_over(self.sandbox, &files, &self.pipeline.stages)?;
        // A run that executes nothing leaves the event log as it was, torn or not.
        let executed = !ran.stages("stage_started").is_empty();
        let events = files.get("playbook.events.jsonl");
        ensure!(
            !executed || events.is_some_and(|bytes| bytes.ends_with(b"\n")),
            "the event log ends torn"
        );
        let status = look(self.sandbox, &["status", "--json"], None);
        let hits = status.lines.iter().filter(|line| line["decision"] == "hit");
        ensure!(
            hits.count() == self.pipeline.stages.len(),
            "not everything is a hit after the last run: {status:?}"
        );
        Ok(())
    }
}

/// What `status` says of a stage.
#[derive(Debug, Clone)]
struct Foretold {
    decision: String,
    /// How many jobs it would run, if that is certain.
    jobs: Option<usize>,
}

fn foretold(status: &Read) -> BTreeMap<String, Foretold> {
    let lines = status.lines.iter();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = lines.map(|line| {
        let decision = word(&line["decision"]);
        let certain = decision == "miss" && line["waits_for"] == serde_json::json!([]);
        let jobs = line["jobs"]["to_run"].as_u64().filter(|_| certain);
        let jobs = jobs.map(|jobs| usize::try_from(jobs).unwrap());
        (word(&line["stage"]), Foretold { decision, jobs })
    });
    said.collect()
}
