//! Threads that run stages: at most as many as jobs, started when they are first needed.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::schedule::run::Message;
use crate::stage::{Attempt, Job, attempt};

/// Jobs on their way to the workers.
pub(super) type Queue = Arc<Mutex<Receiver<Job>>>;

/// Starts one more worker on a queue.
pub(super) type StartWorker<'s> = dyn Fn(Queue) -> std::io::Result<()> + 's;

/// The workers of a run. They end when this is dropped.
pub(super) struct Workers<'s> {
    start: &'s StartWorker<'s>,
    jobs: Sender<Job>,
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
    pub(super) fn give(&mut self, job: Job) -> std::io::Result<()> {
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
    while let Some(job) = next(queue) {
        let (result, grant) = attempt(with, job);
        let finished = Message::Finished(Box::new((result, grant)));
        if inbox.send(finished).is_err() {
            return;
        }
    }
}

fn next(queue: &Queue) -> Option<Job> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}
