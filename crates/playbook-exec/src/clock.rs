//! The clock, injected so that tests decide what time it is.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Tells the time of day and measures durations.
pub trait Clock: Send + Sync {
    /// The time of day. It may jump.
    fn now(&self) -> Timestamp;

    /// Whether it stands still, so that durations are nothing.
    fn is_fixed(&self) -> bool {
        false
    }

    /// Time since some fixed moment. It never goes back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clock.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Microseconds are what a lock file keeps; more would differ from what is read back.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still.
#[derive(Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
