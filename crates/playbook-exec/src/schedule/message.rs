//! The scheduler's inbox.

use playbook_types::graph::StageId;

use crate::plan::{Decided, StageFault};
use crate::stage::AttemptResult;

/// What arrives at the scheduler.
pub(super) enum Message {
    Decided(StageId, Result<Decided, StageFault>),
    Finished(Box<AttemptResult>),
    Signal(i32),
}
