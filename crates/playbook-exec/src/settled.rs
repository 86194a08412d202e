//! What a run found that had nothing to do, kept so that the next one finds it without working it out again.
//!
//! Whether there is anything to do depends on the playbook, the lock, the data and this program, and on nothing
//! else. A run that finds every stage up to date writes down the stats that vouch for all of these
//! ([`playbook_hash::Evidence`]); as long as each of them holds, the answer stands, and neither YAML is read
//! nor anything decided. A stat may save reading, never change an answer: whatever it cannot vouch for (a file or directory
//! that is too young, one on a network) is worked out as ever, and so is everything if the file is damaged, of
//! another program, or gone. Of a directory all names and all stats must hold, and the ignore file too.
//!
//! | bytes | what |
//! |---|---|
//! | 19 | `playbook settled 2` and a line break |
//! | 32 | the BLAKE3 of everything behind them |
//! | 32 | which program wrote it (version, size, times and inode of its file), under which start of the machine |
//! | 4 | the length of the text that follows |
//! | | the playbook's name as JSON, then a line per stage: name, cache key, recorded seconds |
//! | | the evidence |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use indexmap::IndexMap;
use playbook_hash::disk::{DiskError, Durability, Root, StateDir, replace};
use playbook_hash::{DigestMemo, Evidence, Moment, StatKey, boot_id, is_racy, still_holds};
use playbook_lock::run_lock::holder;
use playbook_lock::{GENERATOR, Project};
use playbook_types::digest::Digest;
use playbook_types::model::policy::Validation;
use playbook_types::name::StageName;
use playbook_types::parse::SourceName;
use playbook_types::path::DataPath;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{Event, EventKind, RunTotals};
use uuid::Uuid;

use crate::clock::Clock;
use crate::plan::Plan;

const MAGIC: &[u8; 19] = b"playbook settled 2\n";
const DIGEST: usize = 32;

/// A playbook in which every stage is up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The playbook's name.
    pub playbook: String,
    /// Its stages, in the order a run takes them.
    pub stages: Vec<SettledStage>,
}

/// A stage that is up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledStage {
    /// Its name.
    pub name: StageName,
    /// The key of its entry.
    pub cache_key: Option<Digest>,
    /// How long it ran when it did.
    pub seconds: Option<f64>,
}

impl Settled {
    /// The events of a run that finds this, and takes so long to.
    pub fn events(&self, run_id: Uuid, clock: &dyn Clock, took: Duration) -> Vec<Event> {
        let event = |kind| Event {
            ts: clock.now(),
            run_id,
            kind,
        };
        let started = EventKind::RunStarted {
            playbook: self.playbook.clone(),
            generator: GENERATOR.to_owned(),
            stages: self.stages.len(),
            params: IndexMap::new(),
        };
        let cached = self.stages.iter().map(|stage| EventKind::StageCached {
            stage: stage.name.clone(),
            cache_key: stage.cache_key,
            reason: HitKind::Hit,
        });
        let completed = EventKind::RunCompleted(RunTotals {
            stages_cached: self.stages.len(),
            total_seconds: took.as_secs_f64(),
            saved_seconds: self.stages.iter().filter_map(|stage| stage.seconds).sum(),
            ..RunTotals::default()
        });
        let all = std::iter::once(started).chain(cached).chain([completed]);
        all.map(event).collect()
    }
}

/// The answer that an earlier run left for the playbook at `file`, if it still stands.
pub fn settled(file: &Path) -> Option<Settled> {
    let directory = file.parent().filter(|dir| !dir.as_os_str().is_empty());
    let root = Root::new(directory.unwrap_or(Path::new(".")).to_owned()).ok()?;
    let name = SourceName::new(file.file_name()?.to_str()?);
    let state = StateDir::new(&root, name.stem());
    let bytes = std::fs::read(state.settled()).ok()?;
    let body = bytes.strip_prefix(MAGIC)?;
    let (digest, body) = body.split_first_chunk::<DIGEST>()?;
    let (program, body) = body.split_first_chunk::<DIGEST>()?;
    if *program != this_program()? || Project::twin(file).is_some_and(|twin| exists(&twin)) {
        return None;
    }
    let (length, body) = body.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (text, evidence) = body.split_at_checked(length)?;
    // A run that is under way is to be waited for, and one that died to be put right.
    let undisturbed = !exists(&state.journal()) && matches!(holder(&state.run_lock()), Ok(None));
    if !undisturbed || !still_holds(evidence, root.as_path()) {
        return None;
    }
    let whole = blake3::hash(&bytes[MAGIC.len() + DIGEST..]);
    (*whole.as_bytes() == *digest).then(|| decode(std::str::from_utf8(text).ok()?))?
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Writes down that every stage of the plan is up to date, if stats can vouch for that.
pub(crate) fn remember(plan: &Plan<'_>, memo: &DigestMemo) -> Result<(), DiskError> {
    match encode(plan, memo) {
        Some(bytes) => {
            let path = plan.project.state_dir().settled();
            replace(&path, &bytes, Durability::Fast)
        }
        None => Ok(()),
    }
}

fn encode(plan: &Plan<'_>, memo: &DigestMemo) -> Option<Vec<u8>> {
    let policy = plan.playbook_policy();
    let whole = plan.len() == plan.playbook().stages.len() && plan.forced.is_empty();
    let ordinary = policy.lock_file && policy.validation == Validation::Checksum;
    let silent = plan.project.warnings().0.is_empty() && plan.project.is_as_written();
    (whole && ordinary && silent).then_some(())?;
    let evidence = evidence(plan, memo)?;
    let text = text(plan)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; DIGEST]);
    bytes.extend(this_program()?);
    bytes.extend(u32::try_from(text.len()).ok()?.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(evidence.as_bytes());
    let body = MAGIC.len() + DIGEST;
    let digest = *blake3::hash(&bytes[body..]).as_bytes();
    bytes[MAGIC.len()..body].copy_from_slice(&digest);
    Some(bytes)
}

/// The stats of everything the answer depends on.
fn evidence(plan: &Plan<'_>, memo: &DigestMemo) -> Option<Evidence> {
    let mut evidence = Evidence::default();
    let root = plan.root_path();
    let playbook = root.join(plan.project.name().as_str());
    let own = [
        (&*playbook, plan.project.text_hash()),
        (&*plan.project.lock_path(), plan.base().hash()?),
    ];
    for (path, expected) in own {
        add_own(
            &mut evidence,
            root,
            path,
            Digest::from_bytes(*expected.as_bytes()),
        )?;
    }
    let mut paths: BTreeMap<&DataPath, Digest> = BTreeMap::new();
    for id in plan.order() {
        let stage = plan.stage(id);
        let entry = plan.lock()?.stages.get(&stage.name)?;
        (!stage.frozen && stage.deps.len() == entry.deps.len()).then_some(())?;
        for data in entry.deps.iter().chain(&entry.outs) {
            // Two stages that recorded one path differently cannot both be up to date.
            let recorded = data.hash?;
            (*paths.entry(&data.path).or_insert(recorded) == recorded).then_some(())?;
        }
    }
    let mut directories = false;
    for (path, recorded) in paths {
        let path = plan.root().resolve(path);
        // What stands there now must be what was recorded, whatever was read on the way here.
        if let Some(file) = memo.vouched(&path) {
            (file.digest == recorded).then_some(())?;
            add(&mut evidence, root, &path, &file.stat);
        } else {
            let found = memo.vouch_for_tree(&path, &plan.ignore, root, &mut evidence)?;
            (found == recorded).then_some(())?;
            directories = true;
        }
    }
    if directories {
        match plan.ignore.file_digest() {
            Some(expected) => add_own(&mut evidence, root, plan.ignore.file(), expected)?,
            None => evidence.add_absence(relative(root, plan.ignore.file())),
        }
    }
    Some(evidence)
}

/// Adds a file that the program itself has read, if it still is what was read then.
fn add_own(evidence: &mut Evidence, root: &Path, path: &Path, expected: Digest) -> Option<()> {
    let began = Moment::now();
    let file = playbook_hash::digest_file(path).ok()?;
    let same = file.digest == expected;
    (same && !is_racy(&file.stat, began)).then(|| add(evidence, root, path, &file.stat))
}

fn add(evidence: &mut Evidence, root: &Path, path: &Path, stat: &StatKey) {
    evidence.add(relative(root, path), stat);
}

fn relative<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

/// The playbook's name and its stages.
fn text(plan: &Plan<'_>) -> Option<String> {
    let mut text = serde_json::to_string(&plan.playbook().name).ok()?;
    text.push('\n');
    for id in plan.order() {
        let name = &plan.stage(id).name;
        let entry = plan.lock()?.stages.get(name)?;
        let key = entry.cache_key?;
        let seconds = entry.duration_seconds.unwrap_or(-1.0);
        writeln!(text, "{name}\t{key}\t{seconds:?}").ok()?;
    }
    Some(text)
}

fn decode(text: &str) -> Option<Settled> {
    let (name, stages) = text.split_once('\n')?;
    let stage = |line: &str| {
        let mut fields = line.split('\t');
        let name = StageName::parse(fields.next()?).ok()?;
        let cache_key = Some(fields.next()?.parse().ok()?);
        let seconds: f64 = fields.next()?.parse().ok()?;
        Some(SettledStage {
            name,
            cache_key,
            seconds: Some(seconds).filter(|seconds| *seconds >= 0.0),
        })
    };
    Some(Settled {
        playbook: serde_json::from_str(name).ok()?,
        stages: stages.lines().map(stage).collect::<Option<_>>()?,
    })
}

/// This program under this start of the machine. Another version, or another build of it, may answer otherwise; and
/// after a power cut a stat may have reached the disk without its data, so what was found before the machine
/// started says nothing. Nothing where the system does not tell.
fn this_program() -> Option<[u8; DIGEST]> {
    let file = std::env::current_exe().ok()?;
    let stat = rustix::fs::stat(&file).ok()?;
    let (size, inode) = (stat.st_size, stat.st_ino);
    let times = (
        stat.st_mtime,
        stat.st_mtime_nsec,
        stat.st_ctime,
        stat.st_ctime_nsec,
    );
    let boot = boot_id()?;
    let text = format!("{GENERATOR} {size} {inode} {times:?} {boot}");
    Some(*blake3::hash(text.as_bytes()).as_bytes())
}
