//! The failures themselves.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

use super::Point;

/// Where a process finds what is to go wrong in it.
const VARIABLE: &str = "PLAYBOOK_TEST_FAULTS";

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static FAIL_AT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Has the n-th operation of this thread fail, from 1, and counts anew. `None` lets all succeed.
pub fn fail_at(n: Option<usize>) {
    COUNT.set(0);
    FAIL_AT.set(n);
}

/// How many operations this thread has tried since.
pub fn count() -> usize {
    COUNT.get()
}

/// What happens to an operation.
pub(crate) enum Blow {
    /// Nothing.
    None,
    /// It fails. A write has written half of its bytes.
    Fail(io::Error),
    /// The process dies in the middle of it.
    DieHalfway,
    /// The process dies when it is done.
    DieAfter,
}

/// Counts an operation and says what happens to it.
pub(crate) fn strike(name: &'static str, path: &Path) -> Blow {
    COUNT.set(COUNT.get() + 1);
    if FAIL_AT.get() == Some(COUNT.get()) {
        return Blow::Fail(io::Error::from(io::ErrorKind::StorageFull));
    }
    match plan() {
        Some(plan) => plan.strike(name, path),
        None => Blow::None,
    }
}

/// An operation was carried out. The process dies if it was to die then.
pub(crate) fn struck(blow: &Blow) {
    if matches!(blow, Blow::DieAfter | Blow::DieHalfway) {
        die();
    }
}

/// Whether nothing is synced.
pub(crate) fn skips_sync() -> bool {
    plan().is_some_and(|plan| plan.no_sync)
}

static LATE: AtomicI64 = AtomicI64::new(0);

/// Has every reading of this process begin so many seconds later than it does, as far as stats are concerned.
pub fn read_late(seconds: i64) {
    LATE.store(seconds, Ordering::Relaxed);
}

/// How many seconds later than it is readings begin.
pub(crate) fn late() -> i64 {
    LATE.load(Ordering::Relaxed) + plan().map_or(0, |plan| plan.late)
}

pub(super) fn pass_point(point: Point) {
    if let Some(plan) = plan() {
        plan.pass(point);
    }
}

fn die() -> ! {
    loop {
        // Cannot fail: it is our own process.
        kill_process(getpid(), Signal::KILL).ok();
        std::thread::park();
    }
}

/// What is to go wrong in this process.
#[derive(Debug, Default)]
struct Faults {
    operations: AtomicUsize,
    passes: AtomicUsize,
    trace: Option<File>,
    fail: Option<(usize, Errno)>,
    fail_from: Option<(usize, Errno)>,
    kill: Option<usize>,
    kill_half: Option<usize>,
    kill_after: Option<usize>,
    kill_at: Option<(String, usize)>,
    no_sync: bool,
    late: i64,
}

fn plan() -> Option<&'static Faults> {
    static PLAN: OnceLock<Option<Faults>> = OnceLock::new();
    PLAN.get_or_init(|| Some(Faults::parse(&std::env::var(VARIABLE).ok()?)))
        .as_ref()
}

impl Faults {
    /// # Panics
    ///
    /// On a directive that is not one: a test that asks for nothing would prove nothing.
    #[expect(clippy::panic, reason = "only tests get here")]
    fn parse(text: &str) -> Self {
        let mut faults = Self::default();
        for directive in text.split(';').filter(|directive| !directive.is_empty()) {
            let known = faults.read(directive);
            known.unwrap_or_else(|| panic!("{VARIABLE}: '{directive}' is no directive"));
        }
        faults
    }

    fn read(&mut self, directive: &str) -> Option<()> {
        let (key, value) = directive.split_once('=').unwrap_or((directive, ""));
        match key {
            "trace" => self.trace = Some(trace_file(value)?),
            "fail" => self.fail = Some(numbered_errno(value)?),
            "fail-from" => self.fail_from = Some(numbered_errno(value)?),
            "kill" => self.kill = Some(value.parse().ok()?),
            "kill-half" => self.kill_half = Some(value.parse().ok()?),
            "kill-after" => self.kill_after = Some(value.parse().ok()?),
            "kill-at" => {
                let (point, nth) = value.split_once(':')?;
                let known = Point::ALL.iter().any(|known| known.name() == point);
                self.kill_at = known.then_some((point.to_owned(), nth.parse().ok()?));
                self.kill_at.as_ref()?;
            }
            "late" => self.late = value.parse().ok()?,
            "nosync" => self.no_sync = true,
            _ => return None,
        }
        Some(())
    }

    fn strike(&self, name: &str, path: &Path) -> Blow {
        let n = self.operations.fetch_add(1, Ordering::SeqCst) + 1;
        self.say(&format!("{n}\t{name}\t{}\n", path.display()));
        if self.kill == Some(n) {
            die();
        }
        if self.kill_half == Some(n) {
            return Blow::DieHalfway;
        }
        if self.kill_after == Some(n) {
            return Blow::DieAfter;
        }
        let once = self.fail.filter(|(at, _)| *at == n);
        let from = self.fail_from.filter(|(at, _)| *at <= n);
        match once.or(from) {
            Some((_, errno)) => Blow::Fail(errno.into()),
            None => Blow::None,
        }
    }

    fn pass(&self, point: Point) {
        self.say(&format!("-\t{}\t\n", point.name()));
        let Some((wanted, nth)) = &self.kill_at else {
            return;
        };
        if wanted == point.name() && self.passes.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
            die();
        }
    }

    fn say(&self, line: &str) {
        if let Some(mut trace) = self.trace.as_ref() {
            // A trace that cannot be written is missed by the test that reads it.
            trace.write_all(line.as_bytes()).ok();
        }
    }
}

// The trace of the seam cannot go through the seam.
fn trace_file(path: &str) -> Option<File> {
    OpenOptions::new().create(true).append(true).open(path).ok()
}

fn numbered_errno(text: &str) -> Option<(usize, Errno)> {
    let (n, name) = text.split_once(':')?;
    let errno = match name {
        "ENOSPC" => Errno::NOSPC,
        "EIO" => Errno::IO,
        "EROFS" => Errno::ROFS,
        "EACCES" => Errno::ACCESS,
        "EMFILE" => Errno::MFILE,
        _ => return None,
    };
    Some((n.parse().ok()?, errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives() {
        let faults = Faults::parse("fail=3:ENOSPC;kill-at=recorded:2;nosync");
        assert_eq!(faults.fail, Some((3, Errno::NOSPC)));
        assert_eq!(faults.kill_at, Some(("recorded".to_owned(), 2)));
        assert!(faults.no_sync);
        for wrong in [
            "fail=3",
            "fail=x:EIO",
            "kill-at=nowhere:1",
            "kill-at=recorded",
            "die",
        ] {
            assert!(Faults::default().read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_point_is_listed_once() {
        let mut names: Vec<_> = Point::ALL.iter().map(|point| point.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
