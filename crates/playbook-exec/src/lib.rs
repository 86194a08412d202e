//! Planning, scheduling and running the stages of a playbook.

pub mod clock;
mod error;
pub mod observer;
mod outputs;
pub mod plan;
mod process;
mod schedule;
mod stage;

pub use error::{ExecError, Unsupported};
pub use outputs::OutFault;
pub use process::tail;
pub use schedule::{Outcome, Runtime, Summary, execute};
pub use stage::FailureCause;

/// The program and version that lock files and events name.
pub const GENERATOR: &str = concat!("playbook ", env!("CARGO_PKG_VERSION"));
