//! How things look: findings, plans, runs, durations.

pub(crate) mod findings;
pub(crate) mod foretold;
pub(crate) mod graph;
pub(crate) mod harmless;
pub(crate) mod history;
pub(crate) mod json;
pub(crate) mod live;
pub(crate) mod plain;
pub(crate) mod report;
pub(crate) mod units;
pub(crate) mod why;
