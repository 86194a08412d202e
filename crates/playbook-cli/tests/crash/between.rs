//! What may happen between a kill and the next run.

use rustix::process::{Signal, kill_process};

use crate::pipeline::Pipeline;
use crate::rng::Rng;
use crate::run::look;
use crate::watch::Watch;

/// What it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meanwhile {
    Nothing,
    /// The commands of the dead run die too.
    OrphansDie,
    /// The user edits what stages read.
    SourceEdited,
    /// Files that decide which stages and jobs there are come, or go.
    FilesComeAndGo,
    /// The user edits a whole out.
    OutEdited,
    /// The user takes a stage out of the playbook.
    StageRemoved,
    /// The user gives a stage another name.
    StageRenamed,
}

impl Meanwhile {
    /// Most often nothing.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        match rng.below(16) {
            0 | 1 => Self::OrphansDie,
            2 => Self::SourceEdited,
            3 => Self::OutEdited,
            4 => Self::StageRemoved,
            5 => Self::StageRenamed,
            6 => Self::FilesComeAndGo,
            _ => Self::Nothing,
        }
    }

    pub(crate) fn happen(self, rng: &mut Rng, watch: &mut Watch<'_>) {
        watch.happened(format!("{self:?}"));
        match self {
            Self::Nothing => {}
            Self::OrphansDie => orphans_die(watch),
            Self::SourceEdited => change(watch, |pipeline| pipeline.source_changes(rng)),
            Self::FilesComeAndGo => change(watch, |pipeline| pipeline.files_come_and_go(rng)),
            Self::StageRemoved => change(watch, Pipeline::stage_goes),
            Self::StageRenamed => change(watch, |pipeline| pipeline.stage_is_renamed(rng)),
            Self::OutEdited => {
                let status = look(watch.sandbox, &["status", "--json"], None);
                let hits: Vec<&str> = status
                    .lines
                    .iter()
                    .filter(|line| line["decision"] == "hit")
                    .filter_map(|line| line["stage"].as_str())
                    .collect();
                if !hits.is_empty() {
                    let stage = watch.pipeline().stage(rng.pick(&hits));
                    let out = rng.below(watch.pipeline().stages[stage].outs.len());
                    watch.edit_made(rng, (stage, out));
                }
            }
        }
    }
}

/// The user changes the playbook, or what stages read.
fn change(watch: &mut Watch<'_>, how: impl FnOnce(&mut Pipeline)) {
    let mut pipeline = watch.pipeline().clone();
    how(&mut pipeline);
    watch.change(&pipeline);
}

/// Ends every process of the sandbox, and comes back when none is left.
pub(crate) fn orphans_die(watch: &Watch<'_>) {
    loop {
        let alive = watch.sandbox.alive();
        if alive.is_empty() {
            return;
        }
        for orphan in alive {
            kill_process(orphan.pid, Signal::KILL).ok();
        }
    }
}
