//! Where a playbook's lock is, what it proves, and the decision whether a stage must run.
//!
//! [`Project`] is a playbook with its neighbours on disk. [`load_lock_file`] and [`save_lock_file`] read
//! and replace the lock: a lock that cannot be read is never thrown away, and one that is written is
//! replaced whole and durably. [`check_cache`] decides about one stage, and [`decide`] has its rules.
//! [`run_lock`] keeps two runs of one playbook apart; [`history`] is the event log; [`journal`] is what a run
//! that dies leaves behind, and [`Recorded`] is the lock with that taken into account.
//!
//! ```
//! use playbook_lock::decide::{LockState, Standing, Verdict, standing};
//! use playbook_lock::{load_lock_file, lock_file_path};
//! use playbook_types::record::decision::CacheDecision;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let path = lock_file_path(&directory.path().join("playbook.yaml"));
//! assert!(path.ends_with("playbook.lock.yaml"));
//!
//! let lock = load_lock_file(&path)?;
//! assert!(lock.is_none());
//! let known = Standing {
//!     forced: false,
//!     frozen: false,
//!     always_runs: None,
//!     forced_upstream: Vec::new(),
//!     after: Vec::new(),
//!     lock: LockState::NoLock,
//! };
//! let Verdict::Decided(CacheDecision::Miss(reasons)) = standing(&known) else { panic!("nothing to compare with") };
//! assert_eq!(reasons.sentence(), "no lock file found (first run)");
//! # Ok(())
//! # }
//! ```

pub mod decide;
mod error;
mod format;
pub mod history;
pub mod journal;
pub mod merge;
mod project;
mod recall;
mod record;
pub mod run_lock;
mod verify;

pub use decide::check_cache;
pub use error::LockError;
pub use format::{Layout, load_lock_file, lock_file_path, parse_lock, render_lock, save_lock_file};
pub use project::{Neighbours, Overrides, Project, Source, all_stand, search_up_from};
pub use recall::Recall;
pub use record::{Base, Composed, Folder, GENERATOR, Recorded, Unfinished, entry, with_cut_off};
pub use verify::{Checked, Finding, Unverified, Verification, Whose, WhyNot, verify};
