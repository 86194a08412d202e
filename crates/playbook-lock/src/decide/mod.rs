//! Whether a stage's recorded result stands, and if not, why: the rules in their order.
//!
//! The decision is pure: it looks at values only. It comes in three steps, because each needs more
//! reading than the one before: [`standing`] needs only the lock, [`compare_key`] the digests of what
//! the stage reads, [`compare_outputs`] those of what it made. [`check_cache`] is all three.

mod key;
mod otherwise;
mod outputs;
mod standing;

#[cfg(test)]
mod tests;

pub use key::{RecordedCommand, compare_key};
pub use otherwise::made_otherwise;
pub use outputs::{OutputState, compare_outputs};
pub use standing::{LockState, Standing, Verdict, standing};

use playbook_hash::Fingerprint;
use playbook_types::model::policy::Validation;
use playbook_types::record::decision::CacheDecision;

/// Everything the decision looks at.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// What is known without reading data.
    pub standing: &'a Standing<'a>,
    /// What the stage would run on now.
    pub fingerprint: &'a Fingerprint,
    /// The stage's command as it was recorded, for telling a changed param from a changed command.
    pub recorded_command: &'a RecordedCommand<'a>,
    /// Its outs as they are now, in the order of its recorded outs.
    pub outputs: &'a [OutputState],
    /// Whether outs are compared by contents.
    pub validation: Validation,
}

/// Decides whether a stage's recorded result stands.
///
/// The first rule that applies decides; from the lock on, a rule names everything it finds.
pub fn check_cache(query: &Query<'_>) -> CacheDecision {
    let entry = match standing(query.standing) {
        Verdict::Decided(decision) => return decision,
        Verdict::Compare(entry) => entry,
    };
    match compare_key(query.fingerprint, entry, query.recorded_command) {
        Verdict::Decided(decision) => decision,
        Verdict::Compare(entry) => compare_outputs(entry, query.outputs, query.validation),
    }
}
