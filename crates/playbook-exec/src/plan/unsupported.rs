//! What the language accepts and this version cannot do yet: refused by name before anything runs.

use indexmap::IndexSet;
use playbook_types::finding::KeyPath;
use playbook_types::model::playbook::Playbook;
use playbook_types::model::shell::ShellMode;
use playbook_types::model::target::{Target, TargetKind};

use crate::error::{ExecError, Unsupported};

/// Refuses a playbook that asks for what cannot be run yet.
///
/// # Errors
///
/// Everything it asks for.
pub fn refuse_unsupported(playbook: &Playbook) -> Result<(), ExecError> {
    let features = unsupported(playbook);
    if features.is_empty() {
        Ok(())
    } else {
        Err(ExecError::NotSupported { features })
    }
}

/// Everything in the playbook that cannot be run yet.
pub fn unsupported(playbook: &Playbook) -> Vec<Unsupported> {
    let mut found = Vec::new();
    let top = KeyPath::TOP;
    let mut note = |asked: bool, at: KeyPath, what: &'static str| {
        if asked {
            found.push(Unsupported { at, what });
        }
    };
    let mut written = IndexSet::new();
    for stage in playbook.stages.values() {
        // What is written once is told once.
        if !written.insert(stage.written()) {
            continue;
        }
        let at = top.key("stages").key(stage.written().as_str());
        note(
            stage.shell == ShellMode::Rash,
            at.key("shell"),
            "the shell 'rash'",
        );
        note(
            stage.outs.iter().any(|out| out.remote.is_some()),
            at.key("outs"),
            "remote outs",
        );
        if let Some(target) = stage
            .target
            .as_ref()
            .and_then(|name| playbook.targets.get(name))
            && let Some(what) = unsupported_target(target)
        {
            note(true, at.key("target"), what);
        }
    }
    found
}

fn unsupported_target(target: &Target) -> Option<&'static str> {
    match target.kind {
        TargetKind::Ssh => Some("ssh targets"),
        TargetKind::Slurm => Some("slurm targets"),
        TargetKind::Local => None,
    }
}
