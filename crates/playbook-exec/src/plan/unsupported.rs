//! What the language accepts and this version cannot do yet: refused by name before anything runs.

use playbook_types::finding::KeyPath;
use playbook_types::model::playbook::Playbook;
use playbook_types::model::shell::ShellMode;
use playbook_types::model::stage::Stage;
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
    for stage in playbook.stages.values() {
        let at = top.key("stages").key(stage.name.as_str());
        note(has_wildcard(stage), at.clone(), "wildcards");
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

fn has_wildcard(stage: &Stage) -> bool {
    let deps = stage.deps.iter().map(|dep| dep.path.as_str());
    let outs = stage.outs.iter().map(|out| out.path.as_str());
    std::iter::once(stage.name.as_str())
        .chain(deps)
        .chain(outs)
        .any(names_wildcard)
}

/// Whether `{name}` stands somewhere in the text.
fn names_wildcard(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        rest.split_once('}')
            .is_some_and(|(name, _)| playbook_types::name::is_wildcard_name(name))
    })
}

fn unsupported_target(target: &Target) -> Option<&'static str> {
    match target.kind {
        TargetKind::Ssh => Some("ssh targets"),
        TargetKind::Slurm => Some("slurm targets"),
        TargetKind::Local => None,
    }
}
