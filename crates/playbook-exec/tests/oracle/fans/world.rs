//! The world as the oracle of fan-outs has it: what every file says, and which jobs are done.
//!
//! `t0` makes something of a source, the next ones are split, each into what the one before it made, and the last one
//! collects it all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::{TestCaseError, prop_assert, prop_assert_eq};

use crate::Expected;
use crate::fans::edit::{BAD, Fan, NAMES, PARAMS};
use crate::files::{put, read_tree};
use crate::running::Run;

/// What stands below a directory.
pub(crate) type Tree = BTreeMap<String, String>;

/// What stands at the out of a fan-out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Out {
    /// The directory, even if nothing is in it.
    pub(crate) is_there: bool,
    /// A file in place of the directory.
    pub(crate) file: Option<String>,
    pub(crate) tree: Tree,
}

/// What a stage last ran on, and what it made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    inputs: String,
    /// Nothing if it failed.
    out: Option<String>,
    number: usize,
    /// Which run of the first stage this was after.
    after: Option<usize>,
}

/// One job as it is to be.
#[derive(Debug)]
struct Job {
    /// Everything that decides about it.
    key: String,
    /// By path below the directory that is split.
    inputs: Vec<String>,
    /// `None` if it fails.
    makes: Option<Tree>,
}

/// The jobs that a run is to run.
#[derive(Debug)]
struct Due {
    must: BTreeSet<String>,
    /// What the record is not certain to have.
    may: BTreeSet<String>,
    total: usize,
}

pub(crate) struct World<'d> {
    pub(crate) directory: &'d Path,
    pub(crate) fans: Vec<Fan>,
    pub(crate) files: BTreeMap<String, u8>,
    pub(crate) source: u8,
    pub(crate) extra: u8,
    pub(crate) params: [u8; PARAMS],
    pub(crate) made: Option<String>,
    pub(crate) outs: Vec<Out>,
    all: Option<String>,
    pub(crate) ran: Vec<Option<Ran>>,
    runs: usize,
    /// The jobs that are done, with what they made.
    done: Vec<BTreeMap<String, Tree>>,
    /// Everything any job ever made.
    ever: Vec<BTreeMap<String, Tree>>,
    /// The record of jobs may have less than is known here.
    pub(crate) is_damaged: Vec<bool>,
    pub(crate) records: Vec<Vec<Vec<u8>>>,
    due: BTreeMap<String, Due>,
    /// What the user wrote among outputs.
    mine: BTreeSet<String>,
    pub(crate) texts: usize,
    pub(crate) past: Vec<(String, Vec<Option<Ran>>)>,
}

pub(crate) fn text_of(says: u8) -> String {
    match says {
        BAD => "bad!\n".to_owned(),
        says => format!("in {says}\n"),
    }
}

impl<'d> World<'d> {
    pub(crate) fn new(directory: &'d Path, fans: Vec<Fan>, files: &[(usize, u8)]) -> Self {
        let count = fans.len();
        let mut world = Self {
            directory,
            fans,
            files: BTreeMap::new(),
            source: 0,
            extra: 0,
            params: [0; PARAMS],
            made: None,
            outs: vec![Out::default(); count],
            all: None,
            ran: vec![None; count + 2],
            runs: 0,
            done: vec![BTreeMap::new(); count],
            ever: vec![BTreeMap::new(); count],
            is_damaged: vec![false; count],
            records: vec![Vec::new(); count],
            due: BTreeMap::new(),
            mine: BTreeSet::new(),
            texts: 0,
            past: Vec::new(),
        };
        std::fs::create_dir(world.path("in")).unwrap();
        put(&world.path("s"), "s0\n");
        put(&world.path("x"), "x0\n");
        for (name, says) in files {
            world.put_input(NAMES[*name], *says);
        }
        world
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    pub(crate) fn put_input(&mut self, name: &str, says: u8) {
        let path = self.path("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        put(&path, &text_of(says));
        self.files.insert(name.to_owned(), says);
    }

    pub(crate) fn record(&self, fan: usize) -> PathBuf {
        self.path(&format!(".playbook/playbook/fanout/t{}.jobs", fan + 1))
    }

    /// What may be on record of a fan-out is everything that any job ever made.
    pub(crate) fn forget_when(&mut self, fan: usize) {
        self.is_damaged[fan] = true;
        self.done[fan].clone_from(&self.ever[fan]);
    }

    /// What the stage is split into.
    fn input_tree(&self, fan: usize) -> Tree {
        match fan {
            0 => {
                let files = self.files.iter();
                files
                    .map(|(name, says)| (name.clone(), text_of(*says)))
                    .collect()
            }
            fan => self.outs[fan - 1].tree.clone(),
        }
    }

    fn jobs(&self, i: usize) -> Vec<Job> {
        let fan = &self.fans[i];
        let is_text = |path: &str| path.rsplit_once('.').is_some_and(|(_, last)| last == "txt");
        let matches = |path: &str| match fan.glob {
            0 => true,
            1 => !path.contains('/') && is_text(path),
            2 => is_text(path),
            _ => path.starts_with("sub/"),
        };
        let files: Vec<(String, String)> = self
            .input_tree(i)
            .into_iter()
            .filter(|(path, _)| matches(path))
            .collect();
        let size = fan.size.unwrap_or(1).into();
        let param = fan.param.map(|i| self.params[i]);
        let after = fan.is_after.then(|| self.last_run(0));
        let common = format!(
            "{} {param:?} {} {:?} {:?} {after:?}",
            self.command(i),
            fan.env,
            self.extra_path(i),
            self.extra_text(i)
        );
        let job = |files: &[(String, String)]| {
            let all: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
            let output = |path: &str| match path.rsplit_once('.') {
                Some((stem, _)) if fan.has_ext => format!("{stem}.o"),
                _ => path.to_owned(),
            };
            let made: Tree = files
                .iter()
                .map(|(path, text)| (output(path), self.makes(i, &all, text)))
                .collect();
            let fails = all.iter().any(|text| text.contains("bad"));
            Job {
                key: format!("{common} {files:?} {:?}", made.keys()),
                inputs: files.iter().map(|(path, _)| path.clone()).collect(),
                makes: (!fails).then_some(made),
            }
        };
        files.chunks(size).map(job).collect()
    }

    fn last_run(&self, stage: usize) -> Option<usize> {
        self.ran[stage].as_ref().map(|ran| ran.number)
    }

    fn stands(&self, stage: usize, inputs: &str, out: Option<&String>, is_after: bool) -> bool {
        let Some(ran) = &self.ran[stage] else {
            return false;
        };
        let last = self.last_run(0);
        let none_since = !is_after || last.is_none() || last == ran.after;
        none_since && ran.inputs == inputs && ran.out.is_some() && ran.out.as_ref() == out
    }

    fn note(&mut self, stage: usize, inputs: String, out: Option<String>, is_after: bool) {
        self.runs += 1;
        self.ran[stage] = Some(Ran {
            inputs,
            out,
            number: self.runs,
            after: self.last_run(0).filter(|_| is_after),
        });
    }

    pub(crate) fn expect_all(&mut self, among: &BTreeSet<String>) -> Expected {
        self.due.clear();
        self.mine = mine(&read_tree(self.directory));
        let mut expected = Expected::default();
        let count = self.fans.len() + 2;
        for stage in (0..count).filter(|i| among.contains(&format!("t{i}"))) {
            let name = format!("t{stage}");
            let above = format!("t{}", stage.saturating_sub(1));
            let is_cut_off = stage > 1
                && (expected.failed.contains(&above) || expected.skipped.contains(&above));
            let runs = if is_cut_off {
                expected.skipped.insert(name);
                continue;
            } else if stage == 0 {
                self.run_first()
            } else if stage == count - 1 {
                self.run_last(stage)
            } else {
                self.run_fan(stage - 1)
            };
            if runs {
                let failed = self.ran[stage]
                    .as_ref()
                    .is_some_and(|ran| ran.out.is_none());
                if failed {
                    expected.failed.insert(name.clone());
                }
                expected.ran.insert(name);
            }
        }
        expected
    }

    fn run_first(&mut self) -> bool {
        let inputs = self.source.to_string();
        let stands = self.stands(0, &inputs, self.made.as_ref(), false);
        if !stands {
            let even = self.source.is_multiple_of(2);
            self.made = Some(if even { "even\n" } else { "odd\n" }.to_owned());
            self.note(0, inputs, self.made.clone(), false);
        }
        !stands
    }

    fn run_last(&mut self, stage: usize) -> bool {
        let inputs = self.collect();
        let stands = self.stands(stage, &inputs, self.all.as_ref(), false);
        if !stands {
            self.all = Some(inputs.clone());
            self.note(stage, inputs.clone(), Some(inputs), false);
        }
        !stands
    }

    fn run_fan(&mut self, i: usize) -> bool {
        let fan = self.fans[i].clone();
        let inputs = format!(
            "{} {:?} {} {:?} {:?} {:?}",
            self.command(i),
            fan.param.map(|i| self.params[i]),
            fan.env,
            (fan.size, fan.glob, fan.has_ext),
            self.input_tree(i),
            self.extra_text(i),
        );
        let out = Some(format!("{:?}", self.outs[i]));
        if fan.deterministic && self.stands(i + 1, &inputs, out.as_ref(), fan.is_after) {
            return false;
        }
        // After a failure it goes on.
        let has_failed = self.ran[i + 1]
            .as_ref()
            .is_some_and(|ran| ran.out.is_none());
        if !fan.deterministic && !has_failed {
            self.done[i].clear();
        }
        let jobs = self.jobs(i);
        let is_done = |job: &&Job| {
            let made = self.done[i].get(&job.key);
            let there =
                |(path, text): (&String, &String)| self.outs[i].tree.get(path) == Some(text);
            made.is_some_and(|made| made.iter().all(there))
        };
        let must = jobs.iter().filter(|job| !is_done(job));
        let must: BTreeSet<String> = must.flat_map(|job| job.inputs.clone()).collect();
        let may = if self.is_damaged[i] {
            jobs.iter().flat_map(|job| job.inputs.clone()).collect()
        } else {
            must.clone()
        };
        let total = jobs.len();
        self.due
            .insert(format!("t{}", i + 1), Due { must, may, total });
        let fails = jobs.iter().any(|job| job.makes.is_none());
        let out = &mut self.outs[i];
        (out.is_there, out.file) = (true, None);
        if !fails {
            out.tree.clear();
        }
        for job in jobs {
            if let Some(made) = job.makes {
                out.tree.extend(made.clone());
                self.done[i].insert(job.key.clone(), made.clone());
                self.ever[i].insert(job.key, made);
            }
        }
        let made = (!fails).then(|| format!("{out:?}"));
        self.note(i + 1, inputs, made, fan.is_after);
        true
    }

    /// Which jobs ran, and that everything says what it is to say.
    pub(crate) fn came_to(&mut self, run: &Run) -> Result<(), TestCaseError> {
        let log = self.directory.parent().unwrap().join("jobs");
        let lines = std::fs::read_to_string(&log).unwrap_or_default();
        put(&log, "");
        for (i, fan) in self.fans.iter().enumerate() {
            let name = format!("t{}", i + 1);
            let front = format!("{name} {}/", Self::dep(i));
            let ran: Vec<&str> = lines
                .lines()
                .filter_map(|line| line.strip_prefix(&front))
                .collect();
            let distinct: BTreeSet<String> = ran.iter().map(|input| (*input).to_owned()).collect();
            prop_assert_eq!(
                distinct.len(),
                ran.len(),
                "{} ran a job twice: {:?}",
                name,
                ran
            );
            let Some(due) = self.due.get(&name) else {
                prop_assert!(ran.is_empty(), "{} ran {:?}", name, ran);
                continue;
            };
            prop_assert!(
                due.must.is_subset(&distinct) && distinct.is_subset(&due.may),
                "{} ran {:?}, not {:?}",
                name,
                distinct,
                due
            );
            let counts = run.jobs[&name];
            prop_assert_eq!(counts.total, due.total, "jobs of {}", name);
            prop_assert_eq!(counts.run + counts.failed + counts.cached, due.total);
            if fan.size.is_none() {
                prop_assert_eq!(
                    counts.run + counts.failed,
                    ran.len(),
                    "{} told of its jobs",
                    name
                );
            }
            if let Some(told) = run.jobs_foretold.get(&name) {
                prop_assert_eq!(
                    *told,
                    (counts.total, counts.run + counts.failed),
                    "foretold of {}",
                    name
                );
            }
            let there = read_tree(&self.path(&format!("o{i}")));
            prop_assert_eq!(&there, &self.outs[i].tree, "what {} made", name);
        }
        let there = read_tree(self.directory);
        prop_assert_eq!(there.get("all"), self.all.as_ref());
        prop_assert_eq!(there.get("b"), self.made.as_ref());
        let lost: Vec<_> = self.mine.difference(&mine(&there)).cloned().collect();
        prop_assert!(lost.is_empty(), "lost of the user's: {:?}", lost);
        Ok(())
    }
}

/// What the user wrote, wherever it is now.
fn mine(tree: &Tree) -> BTreeSet<String> {
    let texts = tree.values().filter(|text| text.starts_with("mine"));
    texts.cloned().collect()
}
