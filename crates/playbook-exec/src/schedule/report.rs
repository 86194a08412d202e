//! Telling what happens: to the observer at once, to the event log once something really ran.

use playbook_hash::disk::DiskError;
use playbook_lock::history::EventLog;
use playbook_types::record::event::{Event, EventKind};
use uuid::Uuid;

use crate::clock::Clock;
use crate::observer::Observer;

/// The events of one run.
pub(super) struct Report<'a> {
    run_id: Uuid,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer,
    log: EventLog,
    /// Lines for the log that are not written yet.
    lines: String,
    /// A command was started: from here on the run leaves traces.
    executed: bool,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        run_id: Uuid,
        clock: &'a dyn Clock,
        observer: &'a dyn Observer,
        log: EventLog,
    ) -> Self {
        Self {
            run_id,
            clock,
            observer,
            log,
            lines: String::new(),
            executed: false,
        }
    }

    /// Tells of one event.
    pub(super) fn tell(&mut self, kind: EventKind) {
        self.executed |= matches!(kind, EventKind::StageStarted { .. });
        let event = Event {
            ts: self.clock.now(),
            run_id: self.run_id,
            kind,
        };
        self.observer.event(&event);
        EventLog::add_line(&event, &mut self.lines);
    }

    /// Tells of what was found at one moment.
    pub(super) fn tell_all(&mut self, kinds: impl Iterator<Item = EventKind>) {
        let (ts, run_id) = (self.clock.now(), self.run_id);
        let front = EventLog::front(ts, run_id);
        for kind in kinds {
            let event = Event { ts, run_id, kind };
            self.observer.event(&event);
            EventLog::add_behind(&front, &event.kind, &mut self.lines);
        }
    }

    /// Whether a command was started.
    pub(super) fn executed(&self) -> bool {
        self.executed
    }

    /// Writes to the log what is due: nothing while nothing has run.
    pub(super) fn flush(&mut self) -> Result<(), DiskError> {
        if !self.executed || self.lines.is_empty() {
            return Ok(());
        }
        self.log.append(&std::mem::take(&mut self.lines))
    }
}
