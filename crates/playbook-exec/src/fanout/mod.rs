//! Fan-out: a stage whose input directory is split into jobs, one per file or a few files each.
//!
//! The stage is decided as any other. When it has to run, [`begin`] splits the directory and asks the record of its jobs
//! ([`manifest`]) which of them are done; [`Progress`] hands out the others to those that run them ([`lane`]). A job sets
//! aside what stood at its own outputs, runs, and is on record as soon as they are there. Whoever ends the last job
//! brings the stage to its end ([`conclude`]): what no job makes goes or is kept, and the directory is digested.
//!
//! So whatever ends a run in the middle, the next one runs the jobs that are not on record, and no others.

mod begin;
mod commands;
mod conclude;
mod fans;
mod job;
mod lane;
mod manifest;
mod outlook;
mod progress;
mod split;
pub(crate) mod work_dir;

pub(crate) use begin::{FanOut, runs_anew};
pub(crate) use fans::Fans;
pub(crate) use job::thing_at;
pub(crate) use lane::{Told, begin_stage, run_lane};
pub use manifest::JobsOnRecord;
pub(crate) use manifest::{JobRecord, MadeFile, Manifest};
pub use outlook::{JobByHand, JobFault, JobsOutlook};
pub use progress::JobFailure;
pub use split::SplitFault;
