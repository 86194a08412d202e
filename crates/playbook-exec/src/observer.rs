//! The only way out of a run: events.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playbook_types::name::StageName;
use playbook_types::record::event::Event;

/// Is told what happens in a run.
pub trait Observer: Sync {
    /// One event, in the order things happened.
    fn event(&self, event: &Event);

    /// So many jobs of a fan-out are done, of all that it has. Told now and then, from any thread.
    fn progress(&self, _stage: &StageName, _done: usize, _total: usize) {}

    /// Events of one moment, in order. They may be shown in one go.
    fn events(&self, events: &[Event]) {
        for event in events {
            self.event(event);
        }
    }

    /// A signal ends the run, and the commands that run are being ended. What comes of it are events.
    fn ending(&self, _how: Ending) {}

    /// What to do around a stop (Ctrl-Z) of the process.
    fn around_stops(&self) -> Option<Arc<AroundStops>> {
        None
    }
}

/// How the commands that run are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// They have been asked to end.
    Asked,
    /// They have been killed.
    Killed,
}

/// A stop of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is about to stop.
    Begins,
    /// It goes on, after so long.
    Over(Duration),
}

/// Is called right before the process stops and right after.
pub type AroundStops = dyn Fn(Stop) + Send + Sync;

/// Tells several observers.
pub struct Fanned<'a>(pub Vec<&'a dyn Observer>);

impl Observer for Fanned<'_> {
    fn event(&self, event: &Event) {
        self.0.iter().for_each(|observer| observer.event(event));
    }

    fn progress(&self, stage: &StageName, done: usize, total: usize) {
        let all = self.0.iter();
        all.for_each(|observer| observer.progress(stage, done, total));
    }

    fn events(&self, events: &[Event]) {
        self.0.iter().for_each(|observer| observer.events(events));
    }

    fn ending(&self, how: Ending) {
        self.0.iter().for_each(|observer| observer.ending(how));
    }

    fn around_stops(&self) -> Option<Arc<AroundStops>> {
        let all = self.0.iter().filter_map(|observer| observer.around_stops());
        let all: Vec<_> = all.collect();
        (!all.is_empty()).then(|| -> Arc<AroundStops> {
            Arc::new(move |stop| all.iter().for_each(|around| around(stop)))
        })
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
