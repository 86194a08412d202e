//! Telling what happens: to the observer at once, to the event log once something really ran.

use jiff::Timestamp;
use playbook_hash::disk::DiskError;
use playbook_lock::history::EventLog;
use playbook_types::record::event::{Event, EventKind};
use uuid::Uuid;

use crate::clock::Clock;
use crate::observer::Observer;
use crate::settled::Standing;

/// So many events of one moment are told of together: enough to write their lines in one go, and few enough to need
/// little memory, which the system would have to provide.
const AT_ONCE: usize = 256;

/// The events of one run.
pub(super) struct Report<'a> {
    run_id: Uuid,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer,
    log: EventLog,
    /// Lines for the log that are not written yet.
    lines: String,
    /// Stages that stand, to be told of before anything else is.
    standing: Option<&'a Standing<'a>>,
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
            standing: None,
            executed: false,
        }
    }

    /// Has stages that stand told of before whatever is told next. There may be many: the first stage that has to run
    /// is better started before.
    pub(super) fn tell_first(&mut self, standing: &'a Standing<'a>) {
        self.standing = Some(standing);
    }

    /// Tells of one event.
    pub(super) fn tell(&mut self, kind: EventKind) {
        self.tell_of(self.clock.now(), kind);
    }

    /// Tells of an event of that moment, which is not before that of any told so far.
    pub(super) fn tell_of(&mut self, ts: Timestamp, kind: EventKind) {
        if let Some(standing) = self.standing.take() {
            self.tell_all(ts, standing.stages().map(|stage| stage.cached()));
        }
        self.executed |= matches!(kind, EventKind::StageStarted { .. });
        let event = Event {
            ts,
            run_id: self.run_id,
            kind,
        };
        self.observer.event(&event);
        EventLog::add_line(&event, &mut self.lines);
    }

    /// Tells of what was found at one moment.
    fn tell_all(&mut self, ts: Timestamp, kinds: impl Iterator<Item = EventKind>) {
        let run_id = self.run_id;
        let front = EventLog::front(ts, run_id);
        let mut events = kinds.map(|kind| Event { ts, run_id, kind });
        loop {
            let some: Vec<Event> = events.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return;
            }
            self.observer.events(&some);
            for event in &some {
                EventLog::add_behind(&front, &event.kind, &mut self.lines);
            }
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
