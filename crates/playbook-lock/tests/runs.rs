//! Runs are read from the end of the event log, whatever else is in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test lays out files as a person would"
)]

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use indexmap::IndexMap;
use jiff::Timestamp;
use playbook_lock::history::{EventLog, FoundRun, Run, RunLog, RunOutcome, StageOutcome};
use playbook_types::name::StageName;
use playbook_types::record::decision::HitKind;
use playbook_types::record::event::{Event, EventKind, RunTotals};
use playbook_types::record::reason::InvalidationReason;
use uuid::Uuid;

fn stage(name: &str) -> StageName {
    StageName::parse(name).unwrap()
}

fn line(run: u128, second: i64, kind: EventKind) -> String {
    EventLog::line(&Event {
        ts: Timestamp::from_second(1_700_000_000 + second).unwrap(),
        run_id: id(run),
        kind,
    })
}

fn id(run: u128) -> Uuid {
    Uuid::from_u128(0x0192_f3c1_0000_7000_8000_0000_0000_0000 | run << 64)
}

fn begun(run: u128, second: i64) -> String {
    let kind = EventKind::RunStarted {
        playbook: format!("p{run}"),
        generator: "playbook 0.1.0".to_owned(),
        stages: 3,
        params: IndexMap::new(),
    };
    line(run, second, kind)
}

fn started(run: u128, second: i64, name: &str, attempt: u32) -> String {
    let kind = EventKind::StageStarted {
        stage: stage(name),
        target: "local".to_owned(),
        attempt,
        cache_key: None,
        command: format!("make {name}"),
        reasons: vec![InvalidationReason::NoLockFile],
        cache_miss_reason: "no lock file found (first run)".to_owned(),
    };
    line(run, second, kind)
}

fn completed(run: u128, second: i64, name: &str) -> String {
    let kind = EventKind::StageCompleted {
        stage: stage(name),
        duration_seconds: 2.5,
        outs: Vec::new(),
        changed: true,
        moved: Vec::new(),
        kept: Vec::new(),
        jobs: None,
        usage: None,
        nondeterministic: Vec::new(),
    };
    line(run, second, kind)
}

fn failed(run: u128, second: i64, name: &str, attempt: u32) -> String {
    let kind = EventKind::StageFailed {
        stage: stage(name),
        exit_code: Some(3),
        signal: None,
        error: "exit status 3".to_owned(),
        attempt,
        log: Some(format!("logs/{name}.{attempt}.log")),
        restored: Vec::new(),
        kept: Vec::new(),
        jobs: None,
        job: None,
        usage: None,
    };
    line(run, second, kind)
}

fn cached(run: u128, second: i64, name: &str) -> String {
    let kind = EventKind::StageCached {
        stage: stage(name),
        cache_key: None,
        reason: HitKind::Frozen,
    };
    line(run, second, kind)
}

fn ended(run: u128, second: i64) -> String {
    let totals = RunTotals {
        stages_run: 7,
        ..RunTotals::default()
    };
    line(run, second, EventKind::RunCompleted(totals))
}

/// One run of one stage, from this second on.
fn whole(run: u128, second: i64) -> String {
    [
        begun(run, second),
        started(run, second, "a", 1),
        completed(run, second + 3, "a"),
        ended(run, second + 4),
    ]
    .concat()
}

struct Log {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Log {
    fn of(bytes: impl AsRef<[u8]>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("p.events.jsonl");
        fs::write(&path, bytes).unwrap();
        Self {
            _directory: directory,
            path,
        }
    }

    fn open(&self) -> RunLog {
        RunLog::open(&self.path).unwrap()
    }

    fn runs(&self) -> Vec<Run> {
        self.open().runs(None).unwrap()
    }
}

fn ids(runs: &[Run]) -> Vec<Uuid> {
    runs.iter().map(|run| run.id).collect()
}

#[test]
fn runs_come_newest_first_with_what_they_said_at_their_ends() {
    let log = Log::of([whole(1, 0), whole(2, 100), whole(3, 200)].concat());
    let runs = log.runs();
    assert_eq!(ids(&runs), [id(3), id(2), id(1)]);
    let Run {
        started,
        ended,
        outcome,
        playbook,
        totals,
        selected,
        ..
    } = &runs[0];
    assert_eq!(started.as_second(), 1_700_000_200);
    assert_eq!(ended.unwrap().as_second(), 1_700_000_204);
    assert_eq!((*outcome, playbook.as_str()), (RunOutcome::Completed, "p3"));
    assert_eq!((totals.stages_run, *selected), (7, 3));
    assert_eq!(ids(&log.open().runs(Some(2)).unwrap()), [id(3), id(2)]);
    assert_eq!(log.open().runs(Some(0)).unwrap(), []);
}

#[test]
fn no_log_and_an_empty_one_have_no_runs() {
    let log = Log::of("");
    assert_eq!(log.runs(), []);
    fs::remove_file(&log.path).unwrap();
    assert_eq!(log.runs(), []);
    assert_eq!(log.open().find("last").unwrap(), FoundRun::None(Vec::new()));
}

#[test]
fn cut_anywhere_the_whole_lines_still_count() {
    let text = [whole(1, 0), whole(2, 100)].concat();
    let log = Log::of("");
    for cut in (0..text.len()).step_by(3) {
        fs::write(&log.path, &text.as_bytes()[..cut]).unwrap();
        let open = log.open();
        for run in open.runs(None).unwrap() {
            let before = text[..cut].lines().count();
            assert!(open.stages(&run).unwrap().stages.len() <= before);
            if run.id == id(1) && cut >= whole(1, 0).len() {
                assert_eq!(run.outcome, RunOutcome::Completed);
            }
        }
    }
}

#[test]
fn a_run_that_died_counts_what_its_lines_tell() {
    let log = Log::of(
        [
            begun(1, 0),
            cached(1, 0, "c"),
            started(1, 1, "a", 1),
            completed(1, 3, "a"),
            started(1, 4, "b", 1),
            "{\"ts\":\"2023".to_owned(),
        ]
        .concat(),
    );
    let open = log.open();
    let run = &log.runs()[0];
    assert_eq!((run.outcome, run.ended), (RunOutcome::Unfinished, None));
    assert_eq!((run.totals.stages_run, run.totals.stages_cached), (1, 1));
    assert!((run.totals.total_seconds - 4.0).abs() < 1e-9);
    let stages = open.stages(run).unwrap().stages;
    let outcomes: Vec<_> = stages.iter().map(|stage| stage.outcome).collect();
    assert_eq!(
        outcomes,
        [
            StageOutcome::Cached(HitKind::Frozen),
            StageOutcome::Ran,
            StageOutcome::Unfinished
        ]
    );
}

#[test]
fn a_stage_that_was_tried_again_is_one_stage() {
    let retry = EventKind::StageRetry {
        stage: stage("a"),
        attempt: 2,
        backoff_seconds: 1.0,
        error: "exit status 3".to_owned(),
        log: Some("logs/a.1.log".to_owned()),
        usage: None,
    };
    let lines = [
        begun(1, 0),
        started(1, 1, "a", 1),
        line(1, 2, retry),
        started(1, 3, "a", 2),
    ];
    let stage_of = |more: &str| {
        let log = Log::of(lines.concat() + more);
        let open = log.open();
        let mut stages = open.stages(&log.runs()[0]).unwrap().stages;
        assert_eq!(stages.len(), 1);
        stages.remove(0)
    };
    let under_way = stage_of("");
    assert_eq!(under_way.outcome, StageOutcome::Unfinished);
    assert_eq!((under_way.attempts, under_way.ended), (2, None));
    let first = &under_way.failed_tries[0];
    assert_eq!((first.attempt, first.error.as_str()), (1, "exit status 3"));
    assert_eq!(first.log.as_deref(), Some("logs/a.1.log"));
    let well = stage_of(&completed(1, 9, "a"));
    assert_eq!(
        (well.outcome, well.error, well.log),
        (StageOutcome::Ran, None, None)
    );
    assert_eq!(well.started.unwrap().as_second(), 1_700_000_001);
    let badly = stage_of(&failed(1, 9, "a", 2));
    assert_eq!(
        (badly.outcome, badly.exit_code, badly.log.as_deref()),
        (StageOutcome::Failed, Some(3), Some("logs/a.2.log"))
    );
}

#[test]
fn what_an_interrupted_run_ended_did_not_fail_by_itself() {
    let stopped = EventKind::StageFailed {
        stage: stage("a"),
        exit_code: None,
        signal: None,
        error: "interrupted".to_owned(),
        attempt: 1,
        log: None,
        restored: Vec::new(),
        kept: Vec::new(),
        jobs: None,
        job: None,
        usage: None,
    };
    let lines = [
        begun(1, 0),
        line(1, 1, stopped),
        failed(1, 1, "b", 1),
        line(1, 1, EventKind::RunInterrupted(RunTotals::default())),
    ];
    let log = Log::of(lines.concat());
    let runs = log.runs();
    assert_eq!(runs[0].outcome, RunOutcome::Interrupted);
    let stages = log.open().stages(&runs[0]).unwrap().stages;
    assert_eq!(stages[0].outcome, StageOutcome::Interrupted);
    assert_eq!(stages[1].outcome, StageOutcome::Failed);
}

#[test]
fn mixed_runs_are_told_apart_and_of_one_id_there_may_be_several() {
    let log = Log::of(
        [
            begun(1, 0),
            begun(2, 1),
            started(1, 2, "a", 1),
            cached(2, 2, "a"),
            ended(2, 3),
            completed(1, 4, "a"),
            ended(1, 5),
            whole(1, 50),
        ]
        .concat(),
    );
    let runs = log.runs();
    assert_eq!(ids(&runs), [id(1), id(2), id(1)]);
    let outcome = |nth: usize| {
        let stages = log.open().stages(&runs[nth]).unwrap().stages;
        assert_eq!(stages.len(), 1);
        stages[0].outcome
    };
    assert_eq!(outcome(1), StageOutcome::Cached(HitKind::Frozen));
    assert_eq!(outcome(2), StageOutcome::Ran);
}

#[test]
fn what_a_newer_version_wrote_spoils_nothing() {
    let newer = started(1, 1, "a", 1).replace(
        r#"[{"kind":"no_lock_file"}]"#,
        r#"[{"kind":"of_tomorrow","x":1},{"kind":"no_lock_file"}]"#,
    );
    let unknown = completed(1, 2, "a").replace("stage_completed", "stage_dreamt");
    let begun = begun(1, 0).replace(r#""params":{}"#, r#""params":{"a b{":null},"mood":"fine""#);
    let log = Log::of([begun, newer, unknown, "not JSON\n".to_owned(), ended(1, 3)].concat());
    let runs = log.runs();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].playbook, "p1");
    let told = log.open().stages(&runs[0]).unwrap();
    assert_eq!(told.unknown, 1);
    assert_eq!(told.stages[0].reasons, [InvalidationReason::NoLockFile]);
    assert_eq!(
        told.stages[0].why.as_deref(),
        Some("no lock file found (first run)")
    );
}

#[test]
fn a_run_whose_beginning_is_lost_is_where_its_lines_are() {
    let log = Log::of([started(1, 0, "a", 1), completed(1, 1, "a"), whole(2, 9)].concat());
    let runs = log.runs();
    assert_eq!(ids(&runs), [id(2), id(1)]);
    assert_eq!(runs[1].started.as_second(), 1_700_000_000);
    assert_eq!(runs[1].totals.stages_run, 1);
}

#[test]
fn a_run_is_found_by_place_and_by_the_beginning_of_its_id() {
    let log = Log::of([whole(1, 0), whole(2, 100), whole(0x10, 200)].concat());
    let open = log.open();
    let one = |name: &str| match open.find(name).unwrap() {
        FoundRun::One(run) => run.id,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(
        [one("last"), one("@1"), one("@3")],
        [id(0x10), id(0x10), id(1)]
    );
    assert_eq!(one(&id(2).to_string()), id(2));
    assert_eq!(one(&id(2).simple().to_string().to_uppercase()), id(2));
    let several = open.find("0192f3c1").unwrap();
    assert!(matches!(several, FoundRun::Several(runs) if ids(&runs) == [id(0x10), id(2), id(1)]));
    for none in ["", "@0", "@4", "@x", "f", "latest"] {
        let found = open.find(none).unwrap();
        assert!(
            matches!(found, FoundRun::None(runs) if runs.len() == 3),
            "{none}"
        );
    }
}

#[test]
fn for_the_last_run_the_beginning_of_the_log_is_not_read() {
    let log = Log::of("");
    // Nobody reads so much of nothing in the time a test has.
    let hole = 1 << 40;
    let mut file = fs::OpenOptions::new().write(true).open(&log.path).unwrap();
    file.seek(SeekFrom::Start(hole)).unwrap();
    let text = ["\n".to_owned(), whole(1, 0), whole(2, 9)].concat();
    file.write_all(text.as_bytes()).unwrap();
    let open = log.open();
    let last = open.runs(Some(2)).unwrap();
    assert_eq!(ids(&last), [id(2), id(1)]);
    assert_eq!(open.stages(&last[1]).unwrap().stages.len(), 1);
    assert!(matches!(open.find("@2").unwrap(), FoundRun::One(run) if run.id == id(1)));
}

#[test]
fn the_last_run_that_tried_a_stage_is_found() {
    let lines = [
        whole(1, 0),
        begun(2, 100),
        started(2, 101, "a", 1),
        failed(2, 102, "a", 1),
        started(2, 103, "a", 2),
        failed(2, 104, "a", 2),
        ended(2, 105),
        begun(3, 200),
        cached(3, 200, "a"),
        started(3, 200, "b", 1),
        completed(3, 200, "b"),
        ended(3, 200),
    ];
    let log = Log::of(lines.concat());
    let open = log.open();
    let last = |name: &str, before: Option<&Run>| open.last_tried(&stage(name), before).unwrap();
    let (run, tried) = last("a", None).unwrap();
    assert_eq!((run.id, tried.attempts), (id(2), 2));
    assert_eq!(tried.log.as_deref(), Some("logs/a.2.log"));
    assert_eq!(last("b", None).unwrap().0.id, id(3));
    assert_eq!(last("a", Some(&run)).unwrap().0.id, id(1));
    assert_eq!(last("c", None), None);
    // A run whose beginning is lost counts, too.
    let log = Log::of(lines[2..].concat());
    let found = log.open().last_tried(&stage("a"), None).unwrap().unwrap();
    assert_eq!((found.0.id, found.1.outcome), (id(2), StageOutcome::Failed));
}
