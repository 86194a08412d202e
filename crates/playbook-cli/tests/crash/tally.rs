//! How long a test goes on, from which seed, and what it found.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Instant;

use crate::rng::Rng;
use crate::watch::{Verdict, checks};

/// How many kills were asked for; `None` for the short version.
pub(crate) fn asked_kills() -> Option<usize> {
    let text = std::env::var("PLAYBOOK_CRASH_KILLS").ok()?;
    Some(text.parse().unwrap())
}

/// All of these in the long version, so many at most in the short one.
pub(crate) fn sample<T: Clone>(rng: &mut Rng, all: &[T], short: usize) -> Vec<T> {
    match asked_kills() {
        Some(_) => all.to_vec(),
        None => rng.sample(all, short),
    }
}

/// The seed that was asked for, or a new one.
fn seed() -> u64 {
    match std::env::var("PLAYBOOK_CRASH_SEED") {
        Ok(text) => text.parse().unwrap(),
        // Its keys are random.
        Err(_) => RandomState::new().build_hasher().finish() >> 32,
    }
}

/// What a test has found.
pub(crate) struct Tally {
    test: &'static str,
    seed: u64,
    began: Instant,
    pub(crate) kills: usize,
    scenarios: usize,
    violations: Vec<String>,
}

impl Tally {
    pub(crate) fn new(test: &'static str) -> Self {
        Self {
            test,
            seed: seed(),
            began: Instant::now(),
            kills: 0,
            scenarios: 0,
            violations: Vec::new(),
        }
    }

    /// Choices for this test alone.
    pub(crate) fn rng(&self) -> Rng {
        Rng::new(self.seed)
    }

    /// Choices of the nth scenario: whatever came before, it can be had alone.
    pub(crate) fn nth_rng(&self, nth: usize) -> Rng {
        Rng::new(self.seed.wrapping_add(nth as u64 * 0x1000_0000))
    }

    /// Notes how a scenario ended.
    pub(crate) fn note(&mut self, scenario: &str, verdict: Verdict) {
        self.scenarios += 1;
        if let Err(what) = verdict {
            self.violations.push(format!("{scenario}: {what}"));
        }
    }

    /// Says what was done, and fails if anything was violated.
    pub(crate) fn finish(self) {
        let Self {
            test,
            seed,
            began,
            kills,
            scenarios,
            violations,
        } = self;
        let seconds = began.elapsed().as_secs_f64();
        say(&format!(
            "{test}: {scenarios} scenarios, {kills} kills, {} checks of the invariants, {} violations, {seconds:.1} s, seed {seed}",
            checks(),
            violations.len()
        ));
        assert!(
            violations.is_empty(),
            "{} violations; again with PLAYBOOK_CRASH_SEED={seed}\n\n{}",
            violations.len(),
            violations.join("\n\n")
        );
    }
}

#[expect(clippy::print_stderr, reason = "the figures of a long run")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
