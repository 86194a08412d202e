//! Planning, scheduling and running the stages of a playbook.
//!
//! [`plan::plan`] works out what there is to do without reading data; [`plan::Plan::foretell`] says what
//! a run would do with each stage; [`execute`] does it, and tells an [`observer::Observer`] what happens.
//! How that looks is for others: nothing here prints.
//!
//! ```
//! use playbook_exec::clock::SystemClock;
//! use playbook_exec::observer::Recording;
//! use playbook_exec::plan::{PlanOptions, plan};
//! use playbook_exec::{FOLD_EVERY, GRACE, Outcome, Runtime, execute};
//! use playbook_hash::Trust;
//! use playbook_lock::Project;
//! use playbook_types::model::policy::FailurePolicy;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let file = directory.path().join("playbook.yaml");
//! std::fs::write(&file, "version: '1.0'\nname: hi\nstages: {hi: {cmd: echo hi > out, outs: [out]}}\n")?;
//! let project = Project::open(&file)?;
//! project.state_dir().create()?;
//! let runtime = Runtime {
//!     clock: &SystemClock::new(),
//!     observer: &Recording::default(),
//!     jobs: 1,
//!     failure: FailurePolicy::StopOnFirst,
//!     trust: Trust::Stat,
//!     run_id: uuid::Uuid::now_v7(),
//!     overrides: Default::default(),
//!     owns_process: false,
//!     grace: GRACE,
//!     fold_every: FOLD_EVERY,
//! };
//! let summary = execute(&plan(&project, &PlanOptions::default())?, &runtime)?;
//! assert_eq!((summary.outcome, summary.totals.stages_run), (Outcome::Completed, 1));
//! let again = execute(&plan(&project, &PlanOptions::default())?, &runtime)?;
//! assert_eq!(again.totals.stages_cached, 1);
//! # Ok(())
//! # }
//! ```

pub mod clock;
mod error;
mod fanout;
pub mod observer;
mod outputs;
pub mod plan;
mod process;
mod recover;
mod schedule;
mod settled;
mod stage;

pub use error::{ExecError, TooLarge, Unsupported};
pub use fanout::{JobByHand, JobFailure, JobFault, JobsOnRecord, JobsOutlook, SplitFault};
pub use outputs::{Leftover, OutFault, clean, leftovers};
pub use process::{ByHand, identity::host, tail};
pub use recover::{CutOff, Kept, Recovered, Recovery, recover};
pub use schedule::{FOLD_EVERY, GRACE, Outcome, Runtime, Summary, execute};
pub use settled::{Found, Look, Part, Settled, SettledStage, Unsettled};
pub use stage::{Adopted, Adoption, FailureCause, Unadoptable, adopt};
