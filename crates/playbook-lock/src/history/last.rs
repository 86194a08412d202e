//! The last run in which a stage was tried.

use std::io;

use indexmap::IndexMap;
use memchr::memmem;
use playbook_types::name::StageName;
use uuid::Uuid;

use crate::history::lines::{Backward, Head, Line, head};
use crate::history::runs::{Run, RunLog, Scan};
use crate::history::stages::{Gather, StageRun};

impl RunLog {
    /// The last run in which a stage was tried, and what became of it there; of the runs that began before `before`, if
    /// that is given. Only as much of the log is read as that takes.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn last_tried(
        &self,
        stage: &StageName,
        before: Option<&Run>,
    ) -> io::Result<Option<(Run, StageRun)>> {
        let Some(file) = self.file() else {
            return Ok(None);
        };
        let end = before.map_or(self.length(), |run| run.extent().start);
        let mut lines = Backward::new(file, end);
        let mut search = Search::new(stage);
        while lines.next(|line| search.line(line))?.is_some() {
            if let Some(found) = search.take() {
                return self.counted(found).map(Some);
            }
        }
        search.scan.without_start();
        match search.take() {
            Some(found) => self.counted(found).map(Some),
            None => Ok(None),
        }
    }

    fn counted(&self, (mut run, stage): (Run, StageRun)) -> io::Result<(Run, StageRun)> {
        self.count(&mut run)?;
        Ok((run, stage))
    }
}

/// Runs as they come up from the end of the log, with the lines of one stage.
struct Search<'s> {
    stage: &'s StageName,
    /// How it is named in a line.
    named: String,
    scan: Scan,
    /// Of each run whose beginning is still to come, from the last to the first.
    lines: IndexMap<Uuid, Vec<Vec<u8>>>,
}

impl<'s> Search<'s> {
    fn new(stage: &'s StageName) -> Self {
        Self {
            stage,
            named: format!("\"stage\":\"{stage}\""),
            scan: Scan::default(),
            lines: IndexMap::new(),
        }
    }

    fn line(&mut self, line: Line<'_>) {
        let bytes = line.bytes;
        let Some(Head { run_id, event, .. }) = head(bytes) else {
            return;
        };
        if event == "run_interrupted" || memmem::find(bytes, self.named.as_bytes()).is_some() {
            self.lines.entry(run_id).or_default().push(bytes.to_vec());
        }
        self.scan.line(line);
    }

    /// The newest of the runs found so far that has tried the stage; the others are done with.
    fn take(&mut self) -> Option<(Run, StageRun)> {
        for run in std::mem::take(&mut self.scan.found) {
            let mut gather = Gather::default();
            for line in self.lines.swap_remove(&run.id).iter().flatten().rev() {
                gather.line(line);
            }
            let tried = |stage: &StageRun| {
                stage.stage == *self.stage && (stage.attempts > 0 || stage.error.is_some())
            };
            if let Some(stage) = gather.finish().stages.into_iter().find(tried) {
                return Some((run, stage));
            }
        }
        None
    }
}
