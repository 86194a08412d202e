//! The world as the oracle has it: what every file says, and what each stage last ran on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::TestCaseError;

use crate::edit::{DIRECTORY, Edit, Kind, PARAMS, SOURCES, Stage, own_file};
use crate::files::{flip, is_link, link, put, put_in_secret, remove, rename, touch};
use crate::running::Run;
use crate::{Account, Expected};

/// Stands between the two files of a directory in the oracle's account.
const MARK: &str = "|";
const IGNORE: &str = ".playbookignore";
pub(crate) const LOCK: &str = "playbook.lock.yaml";

/// What a stage last ran on, and what it made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    inputs: String,
    out: String,
    /// Which run of any stage this was.
    number: usize,
    /// Which runs those were that it came after.
    after: BTreeMap<usize, Option<usize>>,
}

pub(crate) struct World<'d> {
    directory: &'d Path,
    stages: Vec<Stage>,
    sources: Vec<String>,
    /// A file in the directory among the sources that may be ignored.
    ignorable: u8,
    ignores: bool,
    params: Vec<u8>,
    /// What stands at each stage's out.
    outs: Vec<Option<String>>,
    ran: Vec<Option<Ran>>,
    runs: usize,
    reversed: bool,
    comments: usize,
    /// The locks of former moments, with what had run then.
    past: Vec<(String, Vec<Option<Ran>>)>,
}

impl<'d> World<'d> {
    pub(crate) fn new(directory: &'d Path, stages: Vec<Stage>) -> Self {
        let count = stages.len();
        let world = Self {
            directory,
            stages,
            sources: (0..SOURCES).map(|i| format!("source {i}\n")).collect(),
            ignorable: 0,
            ignores: false,
            params: vec![0; PARAMS],
            outs: vec![None; count],
            ran: vec![None; count],
            runs: 0,
            reversed: false,
            comments: 0,
            past: Vec::new(),
        };
        fs::create_dir(directory.join(format!("s{DIRECTORY}"))).unwrap();
        for i in 0..SOURCES {
            put(&world.source(i), &world.sources[i]);
        }
        put(&world.ignorable_path(), "0\n");
        world
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// The file that a source is; of the directory, one of its files.
    fn source(&self, i: usize) -> PathBuf {
        self.path(&if i == DIRECTORY {
            format!("s{i}/a")
        } else {
            format!("s{i}")
        })
    }

    fn ignorable_path(&self) -> PathBuf {
        self.path(&format!("s{DIRECTORY}/b.skip"))
    }

    fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.stages.len()).filter(|i| self.stages[*i].present)
    }

    fn are_present(&self, stages: &BTreeSet<usize>) -> Vec<usize> {
        let present = |i: &usize| self.stages[*i].present;
        stages.iter().copied().filter(present).collect()
    }

    /// Deps by name, in the order they are written.
    fn deps(&self, stage: usize) -> Vec<String> {
        let sources = self.stages[stage].sources.iter().map(|i| format!("s{i}"));
        let above = self.are_present(&self.stages[stage].stages);
        let above = above.into_iter().map(|i| format!("o{i}"));
        let mut deps: Vec<String> = sources.chain(above).collect();
        if self.reversed {
            deps.reverse();
        }
        deps
    }

    /// The same in an order that does not depend on how they are written.
    fn sorted_deps(&self, stage: usize) -> Vec<String> {
        let mut deps = self.deps(stage);
        deps.sort();
        deps
    }

    fn command(&self, stage: usize) -> String {
        let Stage {
            kind, salt, param, ..
        } = &self.stages[stage];
        let param = param
            .map(|i| format!(" {{{{params.p{i}}}}}"))
            .unwrap_or_default();
        let deps = self.sorted_deps(stage);
        let read: String = deps.iter().map(|dep| self.read_command(dep)).collect();
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

    fn read_command(&self, dep: &str) -> String {
        let index: usize = dep[1..].parse().unwrap();
        match dep.as_bytes()[0] {
            b's' if index == DIRECTORY => format!("cat {dep}/a; "),
            b'o' if self.stages[index].kind == Kind::Directory => {
                format!("cat {dep}/a {dep}/b; ")
            }
            _ => format!("cat {dep}; "),
        }
    }

    /// Everything that decides about a dep.
    fn contents(&self, dep: &str) -> String {
        let index: usize = dep[1..].parse().unwrap();
        match dep.as_bytes()[0] {
            b's' if index == DIRECTORY => {
                let ignorable = (!self.ignores).then_some(self.ignorable);
                format!("{}{MARK}{ignorable:?}", self.sources[index])
            }
            b's' => self.sources[index].clone(),
            _ => self.outs[index].clone().expect("a stage above has run"),
        }
    }

    /// What a command sees of a dep.
    fn seen(&self, dep: &str) -> String {
        let contents = self.contents(dep);
        match contents.split_once(MARK) {
            Some((seen, _)) if dep.starts_with('s') => seen.to_owned(),
            _ => contents.replace(MARK, ""),
        }
    }

    /// Everything that decides about a stage.
    fn inputs(&self, stage: usize) -> String {
        let deps = self.sorted_deps(stage).into_iter();
        let read: Vec<(String, String)> =
            deps.map(|dep| (dep.clone(), self.contents(&dep))).collect();
        let param = self.stages[stage].param.map(|i| self.params[i]);
        format!("{:?} {:?} {:?}", self.command(stage), read, param)
    }

    /// What a stage makes. A directory's text is its two files one after the other, with a mark between.
    fn makes(&self, stage: usize) -> String {
        let Stage {
            kind, salt, param, ..
        } = &self.stages[stage];
        let deps = self.sorted_deps(stage);
        let read: String = deps.iter().map(|dep| self.seen(dep)).collect();
        let param = param
            .map(|i| format!(" {}", self.params[i]))
            .unwrap_or_default();
        match kind {
            Kind::Copy => format!("{read}{salt}{param}\n"),
            Kind::Length => format!("{}\n", read.len()),
            Kind::Directory => format!("{read}{MARK}{salt}{param}\n"),
        }
    }

    fn edit_data(&mut self, edit: &Edit) {
        match *edit {
            Edit::Source(i, to) => put(&self.source(i), &self.says_now(i, to)),
            Edit::SourceInSecret(i, to) => put_in_secret(&self.source(i), &self.says_now(i, to)),
            Edit::SourceByRename(i, to) => {
                put(&self.path("new"), &self.says_now(i, to));
                rename(&self.path("new"), &self.source(i));
            }
            Edit::Touch(i) => touch(&self.source(i)),
            Edit::Replace(i) => {
                put(&self.path("new"), &self.sources[i]);
                rename(&self.path("new"), &self.source(i));
            }
            Edit::LinkSource(i) => self.link_source(i),
            Edit::DeleteOut(i) if !self.stages[i].frozen => {
                self.outs[i] = None;
                remove(&self.path(&format!("o{i}")));
            }
            Edit::Tamper(i) => self.tamper(i, |path, text| put(path, &format!("{text}more\n"))),
            Edit::TamperInSecret(i) => self.tamper(i, |path, text| {
                let other = if text.starts_with('#') { '%' } else { '#' };
                put_in_secret(path, &format!("{other}{}", &text[1..]));
            }),
            Edit::TouchOut(i) if self.outs[i].is_some() => touch(&self.path(&format!("o{i}"))),
            Edit::LinkOut(i) => self.link_out(i),
            _ => {}
        }
    }

    fn says_now(&mut self, source: usize, to: u8) -> String {
        self.sources[source] = format!("source {source} {to}\n");
        self.sources[source].clone()
    }

    fn link_source(&self, i: usize) {
        let (path, target) = (self.path(&format!("s{i}")), format!("linked{i}"));
        if is_link(&path) {
            remove(&path);
            rename(&self.path(&target), &path);
        } else {
            rename(&path, &self.path(&target));
            link(&target, &path);
        }
    }

    fn link_out(&self, i: usize) {
        let (path, target) = (self.path(&format!("o{i}")), format!("linked-out{i}"));
        if self.outs[i].is_some() && !is_link(&path) {
            remove(&self.path(&target));
            rename(&path, &self.path(&target));
            link(&target, &path);
        }
    }

    /// Puts an out in the place of the link to it: a stage does not run over somebody's link.
    fn unlink_out(&self, i: usize) {
        let path = self.path(&format!("o{i}"));
        if is_link(&path) {
            remove(&path);
            rename(&self.path(&format!("linked-out{i}")), &path);
        }
    }

    /// Has an out edited, or the last file of one that is a directory.
    fn tamper(&mut self, stage: usize, edit: impl Fn(&Path, &str)) {
        let Some(former) = self.outs[stage].clone() else {
            return;
        };
        let (front, file) = match former.rsplit_once(MARK) {
            Some((front, _)) => (format!("{front}{MARK}"), format!("o{stage}/b")),
            None => (String::new(), format!("o{stage}")),
        };
        let path = self.path(&file);
        edit(&path, &former[front.len()..]);
        let text = fs::read_to_string(&path).unwrap();
        self.outs[stage] = Some(front + &text);
    }

    fn check_out(&mut self, number: usize) {
        let Some((text, ran)) = self.past.get(number % self.past.len().max(1)) else {
            return;
        };
        put(&self.path(LOCK), text);
        self.ran.clone_from(ran);
    }

    /// The stages that a stage is ordered after, each with its last run.
    fn last_runs(&self, stage: usize) -> impl Iterator<Item = (usize, Option<usize>)> {
        let last = |i: usize| (i, self.ran[i].as_ref().map(|ran| ran.number));
        let after = self.are_present(&self.stages[stage].after);
        after.into_iter().map(last)
    }

    fn stands(&self, stage: usize, inputs: &str) -> bool {
        let Some(ran) = &self.ran[stage] else {
            return false;
        };
        let none_ran_since = self.last_runs(stage).all(|(other, last)| {
            let Some(last) = last else { return true };
            match ran.after.get(&other) {
                Some(followed) => *followed == Some(last),
                None => last < ran.number,
            }
        });
        self.stages[stage].deterministic
            && none_ran_since
            && ran.inputs == inputs
            && self.outs[stage].as_ref() == Some(&ran.out)
    }
}

fn number(name: &str) -> usize {
    name[1..].parse().unwrap()
}

impl Account for World<'_> {
    type Edit = Edit;

    fn edit(&mut self, edit: &Edit) {
        match *edit {
            Edit::Nothing => {}
            Edit::Param(i, to) => self.params[i] = to,
            Edit::Salt(i, to) => self.stages[i].salt = to,
            Edit::ToggleSource(stage, source) => {
                let sources = &mut self.stages[stage].sources;
                if !sources.remove(&source) {
                    sources.insert(source);
                }
            }
            Edit::TogglePresent(i) => self.stages[i].present ^= true,
            // One that has never run would never make what others read.
            Edit::ToggleFrozen(i) => self.stages[i].frozen ^= self.outs[i].is_some(),
            Edit::Reorder => self.reversed ^= true,
            Edit::Comment => self.comments += 1,
            Edit::CommentInLock => {
                if let Ok(text) = fs::read_to_string(self.path(LOCK)) {
                    put(&self.path(LOCK), &format!("# by hand\n{text}"));
                }
            }
            Edit::Checkout(number) => self.check_out(number),
            Edit::Damage(file, at) => flip(&self.path(own_file(file)), at),
            Edit::Forget(file) => remove(&self.path(own_file(file))),
            Edit::Ignorable(to) => {
                self.ignorable = to;
                put_in_secret(&self.ignorable_path(), &format!("{to}\n"));
            }
            Edit::ToggleIgnore => {
                self.ignores ^= true;
                if self.ignores {
                    put(&self.path(IGNORE), "*.skip\n");
                } else {
                    remove(&self.path(IGNORE));
                }
            }
            _ => self.edit_data(edit),
        }
    }

    fn stages(&self) -> Vec<String> {
        self.present().map(|i| format!("t{i}")).collect()
    }

    fn needed_by(&self, stage: &str) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        let mut open = vec![number(stage)];
        while let Some(i) = open.pop() {
            if needed.insert(i) {
                open.extend(self.are_present(&self.stages[i].stages));
                open.extend(self.are_present(&self.stages[i].after));
            }
        }
        needed.into_iter().map(|i| format!("t{i}")).collect()
    }

    fn playbook(&self) -> String {
        let mut text = "version: \"1.0\"\nname: oracle\nparams:\n".to_owned();
        for (i, value) in self.params.iter().enumerate() {
            writeln!(text, "  p{i}: {value}").unwrap();
        }
        writeln!(text, "# {}\nstages:", self.comments).unwrap();
        for i in self.present() {
            let command = serde_json::to_string(&self.command(i)).unwrap();
            let stage = &self.stages[i];
            let after = self.are_present(&stage.after);
            let after: Vec<String> = after.into_iter().map(|i| format!("t{i}")).collect();
            writeln!(
                text,
                "  t{i}: {{cmd: {command}, deps: [{}], outs: [o{i}], after: [{}], deterministic: {}, frozen: {}}}",
                self.deps(i).join(", "),
                after.join(", "),
                stage.deterministic,
                stage.frozen,
            )
            .unwrap();
        }
        text
    }

    fn expect(&mut self, among: &BTreeSet<String>) -> Expected {
        let mut runs = BTreeSet::new();
        for i in among
            .iter()
            .map(|name| number(name))
            .collect::<BTreeSet<_>>()
        {
            let inputs = self.inputs(i);
            if !self.stages[i].frozen && !self.stands(i, &inputs) {
                self.unlink_out(i);
                let out = self.makes(i);
                self.outs[i] = Some(out.clone());
                self.runs += 1;
                self.ran[i] = Some(Ran {
                    inputs,
                    out,
                    number: self.runs,
                    after: self.last_runs(i).collect(),
                });
                runs.insert(format!("t{i}"));
            }
        }
        // Entries of stages that are gone from the playbook go when the lock is next written.
        if !runs.is_empty() {
            for i in (0..self.stages.len()).filter(|i| !self.stages[*i].present) {
                self.ran[i] = None;
            }
        }
        Expected {
            ran: runs,
            ..Expected::default()
        }
    }

    fn came(&mut self, _: &Run) -> Result<(), TestCaseError> {
        Ok(())
    }

    fn remember_the_lock(&mut self) {
        if let Ok(text) = fs::read_to_string(self.path(LOCK)) {
            self.past.push((text, self.ran.clone()));
        }
    }
}
