//! While a run goes on its entries go into the lock, and those of others in it stay.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Mutex;
use std::time::Duration;

use playbook_exec::clock::SystemClock;
use playbook_exec::observer::Observer;
use playbook_exec::plan::{PlanOptions, plan};
use playbook_exec::{FOLD_EVERY, GRACE, Runtime, execute};
use playbook_hash::Trust;
use playbook_lock::{Project, load_lock_file};
use playbook_types::model::policy::FailurePolicy;
use playbook_types::record::event::{Event, EventKind};

/// Counts the entries in the lock whenever a stage starts. When the last one does, it first waits for some.
struct Counting<'a> {
    project: &'a Project,
    entries: Mutex<Vec<usize>>,
    waits: bool,
}

impl Counting<'_> {
    fn count(&self) -> usize {
        let lock = load_lock_file(&self.project.lock_path()).unwrap();
        lock.map_or(0, |lock| lock.stages.len())
    }
}

impl Observer for Counting<'_> {
    fn event(&self, event: &Event) {
        if let EventKind::StageStarted { stage, .. } = &event.kind {
            while self.waits && stage.as_str() == "s4" && self.count() == 0 {
                std::thread::yield_now();
            }
            self.entries.lock().unwrap().push(self.count());
        }
    }
}

/// The number of entries in the lock when each of four stages, one after the other, starts.
fn entries_meanwhile(fold_every: Duration) -> Vec<usize> {
    let dir = tempfile::tempdir().unwrap();
    let stage = |n: usize| {
        format!(
            "  s{n}: {{cmd: 'cat o{} > o{n}', deps: [o{}], outs: [o{n}]}}\n",
            n - 1,
            n - 1
        )
    };
    let stages: String = (1..=4).map(stage).collect();
    let text = format!("version: '1.0'\nname: t\nstages:\n{stages}");
    for (name, text) in [("playbook.yaml", &*text), ("o0", "1")] {
        #[expect(clippy::disallowed_methods, reason = "a test's own files")]
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let project = Project::open(&dir.path().join("playbook.yaml")).unwrap();
    project.state_dir().create().unwrap();
    let counting = Counting {
        project: &project,
        entries: Mutex::default(),
        waits: fold_every == Duration::ZERO,
    };
    let runtime = Runtime {
        clock: &SystemClock::new(),
        observer: &counting,
        jobs: 1,
        failure: FailurePolicy::StopOnFirst,
        trust: Trust::Stat,
        run_id: uuid::Uuid::now_v7(),
        overrides: indexmap::IndexMap::default(),
        owns_process: false,
        grace: GRACE,
        fold_every,
    };
    let plan = plan(&project, &PlanOptions::default()).unwrap();
    execute(&plan, &runtime).unwrap();
    let lock = load_lock_file(&project.lock_path()).unwrap().unwrap();
    assert_eq!(lock.stages.len(), 4, "whatever was folded meanwhile");
    assert!(!project.state_dir().journal().exists());
    counting.entries.into_inner().unwrap()
}

#[test]
fn entries_go_into_the_lock_while_the_run_goes_on() {
    let entries = entries_meanwhile(Duration::ZERO);
    assert!(entries.is_sorted() && entries[3] > 0, "{entries:?}");
    assert_eq!(entries_meanwhile(FOLD_EVERY), [0; 4]);
}
