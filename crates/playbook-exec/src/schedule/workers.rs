//! Threads that run stages: at most as many as jobs, started when they are first needed.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::fanout::{FanOut, begin_stage, run_lane};
use crate::schedule::capacity::Grant;
use crate::schedule::run::Message;
use crate::stage::{Attempt, Job, attempt};

/// What a worker is given, and what it may use meanwhile.
pub(super) enum Work {
    /// A stage.
    Stage(Job, Grant),
    /// A stage whose input is to be split, and whose jobs are then to be run.
    Split(Job, Grant),
    /// The jobs of one, as this lane of it.
    Jobs(Arc<FanOut>, u32, Grant),
}

/// Work on its way to the workers.
pub(super) type Queue = Arc<Mutex<Receiver<Work>>>;

/// Starts one more worker on a queue.
pub(super) type StartWorker<'s> = dyn Fn(Queue) -> std::io::Result<()> + 's;

/// The workers of a run. They end when this is dropped.
pub(super) struct Workers<'s> {
    start: &'s StartWorker<'s>,
    jobs: Sender<Work>,
    queue: Queue,
    threads: usize,
    busy: usize,
}

impl<'s> Workers<'s> {
    pub(super) fn new(start: &'s StartWorker<'s>) -> Self {
        let (jobs, queue) = channel();
        Self {
            start,
            jobs,
            queue: Arc::new(Mutex::new(queue)),
            threads: 0,
            busy: 0,
        }
    }

    /// How many jobs are being worked on.
    pub(super) fn busy(&self) -> usize {
        self.busy
    }

    /// Gives a job to a worker, a new one if all are busy.
    pub(super) fn give(&mut self, job: Work) -> std::io::Result<()> {
        if self.busy == self.threads {
            (self.start)(Arc::clone(&self.queue))?;
            self.threads += 1;
        }
        self.busy += 1;
        // The receiver lives as long as this does.
        self.jobs.send(job).map_err(std::io::Error::other)
    }

    /// A job's result has arrived.
    pub(super) fn finished(&mut self) {
        self.busy -= 1;
    }
}

/// What a worker does: job after job, until no more can come.
pub(super) fn work(queue: &Queue, with: Attempt<'_>, inbox: &Sender<Message>) {
    // The scheduler is there for as long as somebody works.
    let tell = |told| drop(inbox.send(Message::Jobs(told)));
    while let Some(work) = next(queue) {
        match work {
            Work::Stage(job, grant) => {
                let result = attempt(with, job);
                let finished = Message::Finished(Box::new((result, grant)));
                if inbox.send(finished).is_err() {
                    return;
                }
            }
            Work::Split(job, grant) => begin_stage(with, job, grant, &tell),
            Work::Jobs(fan, number, grant) => run_lane(with, &fan, (number, grant), &tell),
        }
    }
}

fn next(queue: &Queue) -> Option<Work> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}
