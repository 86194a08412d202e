//! Rules 1 to 8: what the lock alone decides.

use jiff::Timestamp;
use playbook_types::name::StageName;
use playbook_types::record::decision::{CacheDecision, Reasons};
use playbook_types::record::lock::{EntryStatus, StageEntry};
use playbook_types::record::reason::{AlwaysCause, InvalidationReason};

/// What is known of a stage before anything it reads is digested.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The user asked for it to run.
    pub forced: bool,
    /// It never runs unless forced.
    pub frozen: bool,
    /// Why it runs each time, if it does.
    pub always_runs: Option<AlwaysCause>,
    /// Stages it needs that were forced in this run.
    pub forced_upstream: Vec<&'a StageName>,
    /// The stages it is ordered after, and when each last ended.
    pub after: Vec<(&'a StageName, Option<Timestamp>)>,
    /// What the lock knows of it.
    pub lock: LockState<'a>,
}

/// What the lock knows of a stage.
#[derive(Debug, Clone, Copy)]
pub enum LockState<'a> {
    /// There is no lock.
    NoLock,
    /// There is one, without this stage.
    NotInLock,
    /// Its entry.
    Entry(&'a StageEntry),
}

/// What a step of the decision came to.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// It is decided.
    Decided(CacheDecision),
    /// The next step must compare with this entry.
    Compare(&'a StageEntry),
}

impl Verdict<'_> {
    pub(super) fn miss(reason: InvalidationReason) -> Self {
        Self::Decided(CacheDecision::Miss(Reasons::from(reason)))
    }
}

/// Applies rules 1 to 8.
pub fn standing<'a>(known: &Standing<'a>) -> Verdict<'a> {
    if known.forced {
        return Verdict::miss(InvalidationReason::Forced);
    }
    if known.frozen {
        return Verdict::Decided(CacheDecision::Hit);
    }
    if let Some(reasons) = Reasons::new(reruns(known)) {
        return Verdict::Decided(CacheDecision::Miss(reasons));
    }
    let entry = match known.lock {
        LockState::NoLock if known.always_runs == Some(AlwaysCause::NothingRecorded) => {
            let cause = known.always_runs;
            return Verdict::miss(InvalidationReason::AlwaysRuns { cause });
        }
        LockState::NoLock => return Verdict::miss(InvalidationReason::NoLockFile),
        LockState::NotInLock => return Verdict::miss(InvalidationReason::StageNotInLock),
        LockState::Entry(entry) => entry,
    };
    if entry.status != EntryStatus::Completed {
        // An entry still says `running` when its run was interrupted or died.
        let status = match &entry.status {
            EntryStatus::Running => "interrupted".to_owned(),
            other => other.to_string(),
        };
        return Verdict::miss(InvalidationReason::PreviousRunIncomplete { status });
    }
    if entry.cache_key.is_none() {
        return Verdict::Decided(CacheDecision::Miss(without_key(entry)));
    }
    if known.always_runs.is_some() {
        let cause = known.always_runs;
        return Verdict::miss(InvalidationReason::AlwaysRuns { cause });
    }
    Verdict::Compare(entry)
}

fn without_key(entry: &StageEntry) -> Reasons {
    let moved = entry
        .moved
        .iter()
        .map(|path| InvalidationReason::DepMoved { path: path.clone() });
    Reasons::new(moved.collect())
        .unwrap_or_else(|| Reasons::from(InvalidationReason::StageNotInLock))
}

/// Rule 3: stages it needs that were forced, and stages it is ordered after that ran since.
fn reruns(known: &Standing<'_>) -> Vec<InvalidationReason> {
    let mut stages = known.forced_upstream.clone();
    if let LockState::Entry(entry) = known.lock {
        let ran_since = known
            .after
            .iter()
            .filter(|(stage, ended)| ran_since(entry, stage, *ended));
        stages.extend(ran_since.map(|(stage, _)| *stage));
    }
    stages.dedup();
    stages
        .into_iter()
        .map(|stage| InvalidationReason::UpstreamRerun {
            stage: stage.clone(),
        })
        .collect()
}

fn ran_since(entry: &StageEntry, stage: &StageName, ended: Option<Timestamp>) -> bool {
    let Some(ended) = ended else { return false };
    match entry.after.iter().find(|after| after.stage == *stage) {
        Some(followed) => followed.completed_at != Some(ended),
        // The order is new in the playbook: only a run that ended after this stage began counts.
        None => entry.started_at.is_none_or(|started| ended > started),
    }
}
