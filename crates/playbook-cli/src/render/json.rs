//! Events as JSON lines on standard output.

use std::io;
use std::sync::{Mutex, PoisonError};

use playbook_exec::observer::Observer;
use playbook_lock::history::EventLog;
use playbook_types::record::event::Event;

use crate::term;

/// Events as lines.
pub(crate) fn lines(events: &[Event]) -> String {
    events.iter().map(EventLog::line).collect()
}

/// Prints each event as one line. The first error is kept until the run is over.
#[derive(Debug, Default)]
pub(crate) struct JsonEvents(Mutex<Option<io::Error>>);

impl JsonEvents {
    /// Whether everything could be printed.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .map_or(Ok(()), Err)
    }
}

impl Observer for JsonEvents {
    fn event(&self, event: &Event) {
        self.events(std::slice::from_ref(event));
    }

    fn events(&self, events: &[Event]) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() {
            *failed = term::out(&lines(events)).err();
        }
    }
}
