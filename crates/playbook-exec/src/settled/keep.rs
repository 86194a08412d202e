//! Writing down what a run found.

use std::collections::BTreeSet;
use std::path::Path;

use blake3::Hash;
use indexmap::IndexMap;
use playbook_hash::disk::{DiskError, Durability, replace};
use playbook_hash::{DigestMemo, Evidence, IgnoreRules, Moment, StatKey, glance, is_racy};
use playbook_lock::{Folder, Layout, Source};
use playbook_types::digest::Digest;
use playbook_types::graph::StageId;
use playbook_types::model::policy::Validation;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::record::lock::{DataEntry, StageEntry};

use crate::plan::Plan;
use crate::schedule::Entries;
use crate::settled::image::{IGNORE, LOCK, PLAYBOOK, SOURCES, Writer};
use crate::settled::part::Standing;

/// What a run of a whole playbook came to.
#[derive(Clone, Copy)]
struct Found<'r> {
    plan: &'r Plan<'r>,
    memo: &'r DigestMemo,
    folder: &'r Folder,
    /// The entries of stages that ran.
    newer: &'r Entries,
}

/// Writes down which stages are up to date and what vouches for that, if all of the playbook was decided. `newer` are
/// the entries of stages that ran, which go into the lock through `folder`; nothing is written before they are there,
/// which `lock_is_saved` waits for.
pub(crate) fn remember(
    plan: &Plan<'_>,
    memo: &DigestMemo,
    (folder, newer): (&Folder, &Entries),
    lock_is_saved: &dyn Fn() -> bool,
) -> Result<(), DiskError> {
    let project = plan.project;
    let found = Found {
        plan,
        memo,
        folder,
        newer,
    };
    let state = project.state_dir();
    // What is kept is written at the end of most runs, so it is what a run that is killed there leaves half written.
    state.remove_half_written()?;
    let stages = found.stages();
    match stages.filter(|_| lock_is_saved()) {
        Some(stages) => {
            let bytes = found.encode(stages);
            project.keep_parsed()?;
            plan.base().keep_entries(project, folder, newer)?;
            replace(&state.settled(), &bytes, Durability::Fast)
        }
        None => Ok(()),
    }
}

/// Finds the stat that vouches for what is at a path.
type Vouch<'v> = &'v dyn Fn(&Path) -> Option<StatKey>;

/// The stages, and what vouches for what they read and make.
struct Stages {
    writer: Writer,
    evidence: Evidence,
    lock_hash: Hash,
}

/// A stage as it is written down.
struct Row<'a> {
    name: &'a str,
    always: bool,
    key: Option<Digest>,
    seconds: Option<f64>,
    needs: Vec<usize>,
    deps: Vec<usize>,
    outs: Vec<usize>,
}

/// The evidence as it grows, and where each path is in it.
struct Paths<'a> {
    /// How many are in front of the data.
    own: usize,
    numbers: IndexMap<&'a DataPath, (usize, Digest)>,
    /// Paths that were recorded with two digests: stages that both read them cannot both be up to date.
    torn: BTreeSet<usize>,
}

impl Found<'_> {
    /// All that can be told before the lock is saved; `None` if this is nothing to write down.
    fn stages(self) -> Option<Stages> {
        let plan = self.plan;
        let policy = plan.playbook_policy();
        let whole = plan.is_whole() && plan.forced.is_empty() && plan.project.is_as_written();
        let ordinary = policy.lock_file && policy.validation == Validation::Checksum;
        (whole && ordinary).then_some(())?;
        let path = plan.project.lock_path();
        let (lock_hash, layout) = match self.folder.written() {
            Some((hash, layout)) => (hash, layout.clone()),
            None => (plan.base().hash()?, plan.base().layout(&path)?),
        };
        let text_hash = plan.project.text_hash();
        let mut evidence = Evidence::default();
        let mut writer = Writer::new(text_hash.as_bytes(), lock_hash.as_bytes())?;
        writer.number(layout.head())?;
        writer.text(&plan.playbook().name)?;
        writer.text(&serde_json::to_string(plan.project.warnings()).ok()?)?;
        writer.text(&serde_json::to_string(plan.project.sources()).ok()?)?;
        match &plan.standing {
            None => self.all_stages(&mut writer, &layout, &mut evidence)?,
            Some(standing) => self.part(standing, &layout, (&mut writer, &mut evidence))?,
        }
        Some(Stages {
            writer,
            evidence,
            lock_hash,
        })
    }

    /// The bytes, once the lock is saved.
    fn encode(self, stages: Stages) -> Vec<u8> {
        let mut evidence = self.own_files(stages.lock_hash);
        evidence.append(&stages.evidence);
        stages.writer.finish(evidence.as_bytes())
    }

    /// The stats of the playbook, the lock, the ignore file and the playbook's other sources.
    fn own_files(self, lock_hash: Hash) -> Evidence {
        let plan = self.plan;
        let mut evidence = Evidence::default();
        let standing = plan.standing.as_ref();
        let root = plan.root_path();
        // Nothing is to be there, or what is there is vouched for by what is given.
        let mut own = |number: usize, shown: &Path, vouch: Option<Vouch<'_>>| {
            // What was written just now is another file than the one that was looked at.
            let same = number != LOCK || self.folder.written().is_none();
            let item = standing.and_then(|standing| standing.item(number));
            if let Some(item) = item.filter(|_| same) {
                return evidence.add_as_it_was(item);
            }
            match vouch.map(|vouch| vouch(&root.join(shown))) {
                Some(Some(stat)) => evidence.add(shown, &stat),
                Some(None) => evidence.add_unknown(shown),
                None => evidence.add_absence(shown),
            }
        };
        let reading = |hash: Hash| {
            let digest = Digest::from_bytes(*hash.as_bytes());
            move |path: &Path| vouched_by_reading(path, digest)
        };
        let project = plan.project;
        let playbook = Path::new(project.name().as_str());
        let (lock, ignore) = (project.lock_path(), plan.ignore.file());
        own(PLAYBOOK, playbook, Some(&reading(project.text_hash())));
        own(LOCK, relative(root, &lock), Some(&reading(lock_hash)));
        let rules = plan.ignore.file_digest();
        let rules = rules.map(|digest| move |path: &Path| vouched_by_reading(path, digest));
        let rules = rules.as_ref().map(|read| read as Vouch<'_>);
        own(IGNORE, relative(root, ignore), rules);
        for (n, source) in (SOURCES..).zip(project.sources()) {
            match source {
                Source::ParamsFile { path, digest } => {
                    let read = |path: &Path| vouched_by_reading(path, *digest);
                    own(n, Path::new(path.as_str()), Some(&read));
                }
                Source::Names { directory, digest } => {
                    let looked = |path: &Path| vouched_by_looking(path, *digest, &plan.ignore);
                    let looked: &dyn Fn(&Path) -> Option<StatKey> = &looked;
                    own(n, Path::new(directory.as_str()), digest.map(|_| looked));
                }
            }
        }
        evidence
    }

    /// Every stage, from the plan.
    fn all_stages(
        self,
        writer: &mut Writer,
        layout: &Layout,
        evidence: &mut Evidence,
    ) -> Option<()> {
        let plan = self.plan;
        let mut paths = Paths::behind(SOURCES + plan.project.sources().len());
        let rows = (0..plan.graph.len()).map(|i| self.row(StageId::new(i), &mut paths));
        let rows: Vec<Row<'_>> = rows.collect::<Option<_>>()?;
        (rows.len() == layout.len()).then_some(())?;
        writer.number(rows.len())?;
        for (row, length) in rows.iter().zip(layout.lengths()) {
            put(writer, row, length)?;
        }
        for id in plan.graph.order() {
            writer.number(id.index())?;
        }
        for (path, (number, recorded)) in &paths.numbers {
            let path = Path::new(path.as_str());
            let recorded = Some(*recorded).filter(|_| !paths.torn.contains(number));
            evidence.append(&self.vouched(path, recorded));
        }
        Some(())
    }

    /// The stages of a part as they are now, all others as they were.
    fn part(
        self,
        standing: &Standing<'_>,
        layout: &Layout,
        (writer, evidence): (&mut Writer, &mut Evidence),
    ) -> Option<()> {
        let plan = self.plan;
        let image = &standing.image;
        (image.stages.len() == layout.len()).then_some(())?;
        writer.number(image.stages.len())?;
        let mut decided = standing.decided.iter().enumerate().peekable();
        // What was looked at anew, with what is recorded of it now.
        let mut anew: Vec<Option<Option<Digest>>> = vec![None; image.items.len()];
        for ((n, stage), length) in image.stages.iter().enumerate().zip(layout.lengths()) {
            let mut row = Row {
                name: stage.name,
                always: stage.always,
                key: stage.cache_key,
                seconds: stage.seconds,
                needs: stage.needs.iter().collect(),
                deps: stage.deps.iter().collect(),
                outs: stage.outs.iter().collect(),
            };
            if let Some((i, _)) = decided.next_if(|(_, number)| **number == n) {
                let stage = plan.stage(StageId::new(i));
                let entry = self.entry(stage)?;
                (stage.name.as_str() == row.name).then_some(())?;
                (row.always, row.key, row.seconds) = standing_of(stage, entry, plan, i);
                let recorded = recorded(stage, entry)?;
                let numbers = row.deps.iter().chain(&row.outs);
                for (number, (path, digest)) in numbers.zip(recorded) {
                    let same = plan.root_path().join(image.items[*number].path())
                        == plan.root().resolve(path);
                    same.then_some(())?;
                    let known = anew[*number].get_or_insert(digest);
                    if *known != digest {
                        *known = None;
                    }
                }
            }
            put(writer, &row, length)?;
        }
        for n in &image.order {
            writer.number(*n)?;
        }
        for ((n, item), anew) in image.items.iter().enumerate().zip(&anew).skip(image.own()) {
            let Some(recorded) = anew else {
                evidence.add_as_it_was(item);
                continue;
            };
            let now = self.vouched(item.path(), *recorded);
            // A stage that stands recorded what was vouched for so far, and nothing else.
            if standing.item(n).is_none_or(|item| item.is(&now)) {
                evidence.append(&now);
            } else {
                evidence.add_unknown(item.path());
            }
        }
        Some(())
    }

    fn row<'a>(&'a self, id: StageId, paths: &mut Paths<'a>) -> Option<Row<'a>> {
        let plan = self.plan;
        let stage = plan.stage(id);
        let entry = self.entry(stage)?;
        let (always, key, seconds) = standing_of(stage, entry, plan, id.index());
        let mut numbers = Vec::new();
        for (path, digest) in recorded(stage, entry)? {
            numbers.push(paths.number(path, digest));
        }
        let outs = numbers.split_off(stage.deps.len());
        Some(Row {
            name: stage.name.as_str(),
            always,
            key,
            seconds,
            needs: plan.graph.needs(id).iter().map(|id| id.index()).collect(),
            deps: numbers,
            outs,
        })
    }

    /// What is on record of a stage now.
    fn entry(&self, stage: &Stage) -> Option<&StageEntry> {
        let recorded = || self.plan.lock()?.stages.get(&stage.name);
        self.newer.get(&stage.name).or_else(recorded)
    }

    /// What vouches for a path, if what stands there now is what was recorded, whatever was read on the way here. It
    /// is called what the playbook calls it: an absolute path does not move with the root.
    fn vouched(&self, given: &Path, recorded: Option<Digest>) -> Evidence {
        let plan = self.plan;
        let path = &plan.root_path().join(given);
        let root = if given.is_absolute() {
            Path::new("")
        } else {
            plan.root_path()
        };
        let mut evidence = Evidence::default();
        let found = if let Some(file) = self.memo.vouched(path) {
            evidence.add(given, &file.stat);
            Some(file.digest)
        } else {
            let memo = self.memo;
            memo.vouch_for_tree(path, &plan.ignore, root, &mut evidence)
        };
        if found.is_none() || found != recorded {
            evidence = Evidence::default();
            evidence.add_unknown(given);
        }
        evidence
    }
}

impl<'a> Paths<'a> {
    fn behind(own: usize) -> Self {
        Self {
            own,
            numbers: IndexMap::new(),
            torn: BTreeSet::new(),
        }
    }

    fn number(&mut self, path: &'a DataPath, recorded: Option<Digest>) -> usize {
        let next = self.numbers.len() + self.own;
        let unknown = playbook_hash::digest_command("");
        let digest = recorded.unwrap_or(unknown);
        let (number, known) = *self.numbers.entry(path).or_insert((next, digest));
        if known != digest || recorded.is_none() {
            self.torn.insert(number);
        }
        number
    }
}

/// What a stage reads and makes, as its entry recorded it; `None` if the entry is of other paths.
fn recorded<'a>(
    stage: &'a Stage,
    entry: &StageEntry,
) -> Option<Vec<(&'a DataPath, Option<Digest>)>> {
    // As a rule each stands where the playbook has it.
    let find = |n: usize, path: &'a DataPath, entries: &[DataEntry]| {
        let here = entries.get(n).filter(|entry| entry.path == *path);
        let entry = here.or_else(|| entries.iter().find(|entry| entry.path == *path));
        Some((path, entry?.hash))
    };
    let same = stage.deps.len() == entry.deps.len() && stage.outs.len() == entry.outs.len();
    let deps = stage.deps.iter().enumerate();
    let deps = deps.map(|(n, dep)| find(n, &dep.path, &entry.deps));
    let outs = stage.outs.iter().enumerate();
    let outs = outs.map(|(n, out)| find(n, &out.path, &entry.outs));
    deps.chain(outs).collect::<Option<_>>().filter(|_| same)
}

/// Whether a stage is decided each time whatever the stats say, its key, and how long it ran.
fn standing_of(
    stage: &Stage,
    entry: &StageEntry,
    plan: &Plan<'_>,
    index: usize,
) -> (bool, Option<Digest>, Option<f64>) {
    let resolved = plan.resolved[index].as_ref();
    let always_runs = resolved.is_none_or(|resolved| resolved.always_runs.is_some());
    let always = stage.frozen || always_runs || entry.cache_key.is_none();
    (always, entry.cache_key, entry.duration_seconds)
}

fn put(writer: &mut Writer, row: &Row<'_>, length: usize) -> Option<()> {
    writer.stage((row.name, row.key, row.seconds), row.always, length)?;
    writer.numbers(&row.needs)?;
    writer.numbers(&row.deps)?;
    writer.numbers(&row.outs)
}

/// The stat that vouches for a file's contents, if they are these.
fn vouched_by_reading(path: &Path, expected: Digest) -> Option<StatKey> {
    let began = Moment::now();
    // One that is too young, as the lock is after most runs, is not read in vain.
    let stat = StatKey::at(path)?;
    (!is_racy(&stat, began)).then_some(())?;
    let file = playbook_hash::digest_file(path).ok()?;
    let same = file.digest == expected;
    (same && !is_racy(&file.stat, began)).then_some(file.stat)
}

/// The stat that vouches for the names in a directory, if they are these.
fn vouched_by_looking(
    path: &Path,
    expected: Option<Digest>,
    rules: &IgnoreRules,
) -> Option<StatKey> {
    let found = glance(path, rules).ok()??;
    found.vouched.filter(|_| Some(found.digest) == expected)
}

fn relative<'p>(root: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(root).unwrap_or(path)
}
