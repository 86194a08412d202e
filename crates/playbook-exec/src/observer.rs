//! The only way out of a run: events.

use std::sync::{Mutex, PoisonError};

use playbook_types::record::event::Event;

/// Is told what happens in a run.
pub trait Observer: Sync {
    /// One event, in the order things happened.
    fn event(&self, event: &Event);
}

/// Tells several observers.
pub struct Fanned<'a>(pub Vec<&'a dyn Observer>);

impl Observer for Fanned<'_> {
    fn event(&self, event: &Event) {
        self.0.iter().for_each(|observer| observer.event(event));
    }
}

/// Remembers everything, for tests and for tools that ask afterwards.
#[derive(Debug, Default)]
pub struct Recording(Mutex<Vec<Event>>);

impl Recording {
    /// What was seen so far.
    pub fn events(&self) -> Vec<Event> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Observer for Recording {
    fn event(&self, event: &Event) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
    }
}
