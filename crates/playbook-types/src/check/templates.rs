//! Commands: are their templates well formed, and does everything they name exist?

use std::collections::BTreeSet;

use crate::check::references::UNDEFINED_PARAM;
use crate::check::{Subject, about, stage_path};
use crate::finding::{Finding, KeyPath, Mark};
use crate::model::stage::{Command, Stage};
use crate::name::ParamKey;
use crate::template::{FanOut, Reference, Scope, Template, TemplateError, TemplateErrorKind};

/// Checks every command and returns the params that stages use.
pub(super) fn check(subject: Subject<'_>, found: &mut Vec<Finding>) -> BTreeSet<ParamKey> {
    let playbook = subject.playbook;
    let mut used: BTreeSet<ParamKey> = playbook.expanded.params.iter().cloned().collect();
    for stage in playbook.stages.values().chain(&playbook.expanded.absent) {
        used.extend(stage.params.iter().cloned());
        let from = found.len();
        check_stage(subject, stage, &mut used, found);
        about(stage, from, found);
    }
    used
}

fn check_stage(
    subject: Subject<'_>,
    stage: &Stage,
    used: &mut BTreeSet<ParamKey>,
    found: &mut Vec<Finding>,
) {
    let playbook = subject.playbook;
    let deps: Vec<String> = stage.deps.iter().map(|dep| dep.path.to_string()).collect();
    let outs: Vec<String> = stage.outs.iter().map(|out| out.path.to_string()).collect();
    let env = playbook.declared_env(stage);
    let scope = Scope {
        stage: stage.name.as_str(),
        params: &playbook.params,
        deps: &deps,
        outs: &outs,
        env: &env,
        wildcards: stage.wildcards(),
        item: stage.item(),
        fan_out: stage
            .parallel
            .as_ref()
            .map_or(FanOut::No, |parallel| FanOut::Open(parallel.strategy)),
    };
    let lenient = Lenient::of(subject, stage);
    for (i, text) in stage.cmd.items().iter().enumerate() {
        let at = match stage.cmd {
            Command::Text(_) => stage_path(stage).key("cmd"),
            Command::List(_) => stage_path(stage).key("cmd").index(i),
        };
        match Template::parse_with(text, stage.wildcards()) {
            Ok(template) => {
                used.extend(template.references().filter_map(|placeholder| {
                    match &placeholder.reference {
                        Reference::Param(key) => Some(key.clone()),
                        _ => None,
                    }
                }));
                let errors = template.check(&scope);
                found.extend(
                    errors
                        .iter()
                        .filter(|error| !lenient.allows(error))
                        .map(|error| finding(&at, text, error)),
                );
            }
            Err(errors) => found.extend(errors.iter().map(|error| finding(&at, text, error))),
        }
    }
}

/// What cannot be judged before params files are read or items known.
struct Lenient {
    params: bool,
    items: bool,
}

impl Lenient {
    fn of(subject: Subject<'_>, stage: &Stage) -> Self {
        Self {
            params: !subject.params_known,
            items: stage.spread.is_some(),
        }
    }

    fn allows(&self, error: &TemplateError) -> bool {
        match error.kind {
            TemplateErrorKind::UnknownParam { .. } => self.params,
            TemplateErrorKind::ItemOnly { .. } => self.items,
            _ => false,
        }
    }
}

fn finding(at: &KeyPath, text: &str, error: &TemplateError) -> Finding {
    let before = text.get(..error.offset).unwrap_or("");
    let nth = before.matches(error.placeholder.as_str()).count();
    let finding = Finding::error(at.clone(), error.to_string())
        .mark(Mark::Text(error.placeholder.clone(), nth));
    match &error.kind {
        TemplateErrorKind::UnknownParam {
            suggestion: None, ..
        } => finding.hint(UNDEFINED_PARAM),
        TemplateErrorKind::UnknownEnv {
            name,
            suggestion: None,
        } => finding.hint(format!(
            "declare it under 'env', or write ${name}, which the shell fills in and which decides nothing"
        )),
        _ => finding,
    }
}
