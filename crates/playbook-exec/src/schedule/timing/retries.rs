//! Stages that are tried again: which failures count, how long is waited, and who waits.
//!
//! A stage that waits takes no room. When its time has come it is the next whose turn it is, before stages that have not
//! begun. If the run stops meanwhile, what it failed of last is what it failed of.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use playbook_hash::Fingerprint;
use playbook_types::graph::StageId;
use playbook_types::model::retry::{Backoff, Retry, RetryPolicy};
use playbook_types::record::decision::Reasons;

use crate::schedule::settle::Failure;
use crate::stage::FailureCause;

/// What a try is made of.
#[derive(Debug, Clone)]
pub(in crate::schedule) struct Try {
    pub(in crate::schedule) reasons: Reasons,
    pub(in crate::schedule) fingerprint: Box<Fingerprint>,
    /// From 1.
    pub(in crate::schedule) attempt: u32,
}

/// The stages that may be tried again.
#[derive(Debug, Default)]
pub(in crate::schedule) struct Retries {
    running: BTreeMap<StageId, Try>,
    waiting: BTreeMap<StageId, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    until: Instant,
    /// Its time has come: it waits for its turn.
    due: bool,
    next: Try,
    failure: Failure,
}

impl Retries {
    /// A stage that may be tried again starts.
    pub(in crate::schedule) fn started(&mut self, id: StageId, tried: Try) {
        self.running.insert(id, tried);
    }

    /// It ended. Which try that was, if it may be tried again.
    pub(in crate::schedule) fn ended(&mut self, id: StageId) -> Option<Try> {
        self.running.remove(&id)
    }

    /// It failed, and waits for its next try until then.
    pub(in crate::schedule) fn wait(
        &mut self,
        id: StageId,
        next: Try,
        (until, failure): (Instant, Failure),
    ) {
        let waiting = Waiting {
            until,
            due: false,
            next,
            failure,
        };
        self.waiting.insert(id, waiting);
    }

    pub(in crate::schedule) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How long no other is due; nothing if none waits for its time.
    pub(in crate::schedule) fn next_due(&self, now: Instant) -> Option<Duration> {
        let waiting = self.waiting.values().filter(|waiting| !waiting.due);
        let first = waiting.map(|waiting| waiting.until).min()?;
        Some(first.saturating_duration_since(now))
    }

    /// The stages whose time has come, each told once.
    pub(in crate::schedule) fn due(&mut self, now: Instant) -> Vec<StageId> {
        let waiting = self.waiting.iter_mut();
        let due = waiting.filter(|(_, waiting)| !waiting.due && waiting.until <= now);
        let due = due.map(|(id, waiting)| {
            waiting.due = true;
            *id
        });
        due.collect()
    }

    /// It waits no longer: its next try.
    pub(in crate::schedule) fn take(&mut self, id: StageId) -> Option<Try> {
        self.waiting.remove(&id).map(|waiting| waiting.next)
    }

    /// Nothing starts any more: the stages that waited, with how they last failed.
    pub(in crate::schedule) fn give_up(&mut self) -> Vec<(StageId, Failure)> {
        let waiting = std::mem::take(&mut self.waiting);
        let given_up = waiting
            .into_iter()
            .map(|(id, waiting)| (id, waiting.failure));
        given_up.collect()
    }
}

/// How long to wait before the next try; nothing if there is to be none.
pub(crate) fn backoff(retry: &Retry, tried: u32, cause: &FailureCause) -> Option<Duration> {
    (tried <= retry.limit && counts(retry.policy, cause)).then_some(())?;
    let Backoff {
        initial,
        factor,
        max,
    } = &retry.backoff;
    if initial.is_zero() {
        // However often it is multiplied, and by whatever.
        return Some(Duration::ZERO);
    }
    let times = i32::try_from(tried.saturating_sub(1)).unwrap_or(i32::MAX);
    let seconds = initial.as_secs_f64() * factor.powi(times);
    // What is too long for a duration is too long to wait.
    Some(Duration::try_from_secs_f64(seconds).map_or(*max, |wait| wait.min(*max)))
}

/// Whether the policy has a stage tried again that failed like this. What stands in the way of any command, such as a
/// dep that is missing or a disk that is full, does not go away by trying.
fn counts(policy: RetryPolicy, cause: &FailureCause) -> bool {
    // A temporary failure (sysexits.h, EX_TEMPFAIL), and what a shell makes of SIGKILL and SIGTERM.
    const TRANSIENT: [i32; 4] = [1, 75, 137, 143];
    let of_command = matches!(
        cause,
        FailureCause::Exit(_)
            | FailureCause::Signal { .. }
            | FailureCause::TimedOut { .. }
            | FailureCause::OutsNotMade { .. }
    );
    if let FailureCause::OutOfMemory { cause } = cause {
        return counts(policy, cause);
    }
    match (policy, cause) {
        (RetryPolicy::OnFailure, _) => of_command,
        (RetryPolicy::OnTimeout, FailureCause::TimedOut { .. })
        | (RetryPolicy::OnTransient, FailureCause::Signal { .. }) => true,
        (RetryPolicy::OnTransient, FailureCause::Exit(code)) => TRANSIENT.contains(code),
        (RetryPolicy::OnTimeout | RetryPolicy::OnTransient | RetryPolicy::Never, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(policy: RetryPolicy, limit: u32) -> Retry {
        Retry {
            limit,
            policy,
            backoff: Backoff::default(),
        }
    }

    #[test]
    fn each_wait_is_longer_up_to_the_longest() {
        let retry = retry(RetryPolicy::OnFailure, 100);
        let waits =
            [1, 2, 3, 7, 8, 100].map(|tried| backoff(&retry, tried, &FailureCause::Exit(1)));
        let expected = [5, 10, 20, 300, 300, 300].map(|seconds| Some(Duration::from_secs(seconds)));
        assert_eq!(waits, expected);
        assert_eq!(backoff(&retry, 101, &FailureCause::Exit(1)), None);
        assert_eq!(backoff(&retry, u32::MAX, &FailureCause::Exit(1)), None);
    }

    #[test]
    fn waits_of_any_size_are_waits() {
        let waits = |initial: Duration, factor: f64, max: Duration| {
            let retry = Retry {
                limit: u32::MAX,
                policy: RetryPolicy::OnFailure,
                backoff: Backoff {
                    initial,
                    factor,
                    max,
                },
            };
            [1, 2, 3, 5_000, u32::MAX]
                .map(|tried| backoff(&retry, tried, &FailureCause::Exit(1)).unwrap())
        };
        let (none, second, longest) = (Duration::ZERO, Duration::from_secs(1), Duration::MAX);
        assert_eq!(waits(none, f64::MAX, longest), [none; 5]);
        assert_eq!(waits(second, 1.0, longest), [second; 5]);
        assert_eq!(waits(second, 2.0, none), [none; 5]);
        assert_eq!(waits(longest, 2.0, second), [second; 5]);
        assert_eq!(waits(second, f64::MAX, longest)[2..], [longest; 3]);
    }

    #[test]
    fn each_policy_has_its_failures() {
        let timed_out = FailureCause::TimedOut {
            limit: Duration::from_secs(1),
        };
        let not_made = FailureCause::OutsNotMade { outs: Vec::new() };
        let causes = [
            FailureCause::Exit(1),
            FailureCause::Exit(2),
            FailureCause::Exit(75),
            FailureCause::Signal { number: 9 }.with_memory(true),
            timed_out,
            not_made,
            FailureCause::Interrupted,
        ];
        for (policy, expected) in [
            (
                RetryPolicy::OnFailure,
                [true, true, true, true, true, true, false],
            ),
            (
                RetryPolicy::OnTimeout,
                [false, false, false, false, true, false, false],
            ),
            (
                RetryPolicy::OnTransient,
                [true, false, true, true, false, false, false],
            ),
            (RetryPolicy::Never, [false; 7]),
        ] {
            let found = causes
                .each_ref()
                .map(|cause| backoff(&retry(policy, 1), 1, cause).is_some());
            assert_eq!(found, expected, "{policy:?}");
        }
    }
}
