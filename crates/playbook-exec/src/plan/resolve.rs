//! A stage with everything in it resolved: its command rendered, its environment merged.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use playbook_hash::{digest_clean_env, digest_command, digest_commands, digest_env};
use playbook_types::digest::Digest;
use playbook_types::model::playbook::Playbook;
use playbook_types::model::policy::Environment;
use playbook_types::model::stage::{Command, Stage};
use playbook_types::name::{EnvName, ParamKey};
use playbook_types::path::DataPath;
use playbook_types::record::lock::StageEntry;
use playbook_types::record::reason::AlwaysCause;
use playbook_types::template::{FanOut, ParamSource, Scope, Template, TemplateError};
use playbook_types::value::ParamValue;

use crate::error::ExecError;

/// What a stage runs, and on what.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The texts given to the shell, in order. Those of a fan-out are for no shell: what each job has its own of is
    /// left open in them.
    pub commands: Vec<String>,
    /// The same with values from the environment masked, for people.
    pub shown: String,
    /// Of the commands.
    pub cmd_hash: Digest,
    /// The params it depends on.
    pub params: BTreeMap<ParamKey, ParamValue>,
    /// The declared environment.
    pub env: IndexMap<EnvName, String>,
    /// What a command finds beside it.
    pub environment: Environment,
    /// Of the declared environment, if there is any or nothing beside it.
    pub env_hash: Option<Digest>,
    /// Why it runs each time, if it does.
    pub always_runs: Option<AlwaysCause>,
}

/// A command rendered.
struct RenderedCommand {
    texts: Vec<String>,
    shown: Vec<String>,
    used: Vec<ParamKey>,
    digest: Digest,
}

/// Resolves one stage of a playbook.
pub(super) fn resolve(playbook: &Playbook, stage: &Stage) -> Result<Resolved, ExecError> {
    let env = playbook.declared_env(stage);
    let deps: Vec<&DataPath> = stage.deps.iter().map(|dep| &dep.path).collect();
    let outs: Vec<&DataPath> = stage.outs.iter().map(|out| &out.path).collect();
    let rendered = render(stage, &env, &playbook.params, (&deps, &outs)).map_err(|source| {
        ExecError::Template {
            stage: stage.name.to_string(),
            source,
        }
    })?;
    let keys = rendered.used.iter().chain(&stage.params);
    let params: BTreeMap<ParamKey, ParamValue> = keys
        .filter_map(|key| {
            playbook
                .params
                .get(key)
                .map(|value| (key.clone(), value.clone()))
        })
        .collect();
    let environment = playbook.policy.environment;
    let nothing = stage.outs.is_empty()
        && stage.deps.is_empty()
        && params.is_empty()
        && stage.after.is_empty();
    Ok(Resolved {
        commands: rendered.texts,
        shown: rendered.shown.join("\n"),
        cmd_hash: rendered.digest,
        params,
        env_hash: match environment {
            Environment::Inherit => digest_env(&env),
            Environment::Clean => Some(digest_clean_env(&env)),
        },
        env,
        environment,
        always_runs: if !playbook.policy.lock_file {
            Some(AlwaysCause::NothingRecorded)
        } else if stage.flight.is_some() {
            Some(AlwaysCause::ComplianceCheck)
        } else if !stage.deterministic {
            Some(AlwaysCause::NotDeterministic)
        } else {
            nothing.then_some(AlwaysCause::NothingToDecideBy)
        },
    })
}

/// A stage's commands with values from the environment masked, for people.
pub(crate) fn shown_commands(playbook: &Playbook, stage: &Stage) -> Vec<String> {
    let env = playbook.declared_env(stage);
    let deps: Vec<&DataPath> = stage.deps.iter().map(|dep| &dep.path).collect();
    let outs: Vec<&DataPath> = stage.outs.iter().map(|out| &out.path).collect();
    let rendered = render(stage, &env, &playbook.params, (&deps, &outs));
    rendered.map(|rendered| rendered.shown).unwrap_or_default()
}

/// The digest the stage's command has with the params and paths that an entry recorded.
pub(crate) fn recorded_cmd_hash(
    playbook: &Playbook,
    stage: &Stage,
    entry: &StageEntry,
) -> Option<Digest> {
    let env = playbook.declared_env(stage);
    let deps: Vec<&DataPath> = entry.deps.iter().map(|dep| &dep.path).collect();
    let outs: Vec<&DataPath> = entry.outs.iter().map(|out| &out.path).collect();
    render(stage, &env, &entry.params, (&deps, &outs))
        .ok()
        .map(|rendered| rendered.digest)
}

fn render(
    stage: &Stage,
    env: &IndexMap<EnvName, String>,
    params: &dyn ParamSource,
    (deps, outs): (&[&DataPath], &[&DataPath]),
) -> Result<RenderedCommand, TemplateError> {
    let (deps, outs) = (seen_from(stage, deps), seen_from(stage, outs));
    let scope = Scope {
        stage: stage.name.as_str(),
        params,
        deps: &deps,
        outs: &outs,
        env,
        wildcards: stage.wildcards(),
        item: stage.item(),
        fan_out: stage
            .parallel
            .as_ref()
            .map_or(FanOut::No, |parallel| FanOut::Open(parallel.strategy)),
    };
    let mut command = RenderedCommand {
        texts: Vec::new(),
        shown: Vec::new(),
        used: Vec::new(),
        digest: digest_command(""),
    };
    for text in stage.cmd.items() {
        let template = Template::parse_with(text, stage.wildcards())
            .map_err(|errors| errors.into_iter().next());
        let rendered = match template {
            Ok(template) => template.render(&scope)?,
            Err(Some(error)) => return Err(error),
            Err(None) => continue,
        };
        command.texts.push(rendered.text);
        command.shown.push(rendered.shown);
        command.used.extend(rendered.used);
    }
    command.digest = match &stage.cmd {
        Command::Text(_) => digest_command(command.texts.first().map_or("", String::as_str)),
        Command::List(_) => digest_commands(&command.texts),
    };
    Ok(command)
}

/// Paths as seen from a stage's working directory.
pub(crate) fn seen_from(stage: &Stage, paths: &[&DataPath]) -> Vec<String> {
    let seen = |path: &&DataPath| match &stage.wdir {
        // Validation refuses what cannot be seen from there.
        Some(wdir) => path.seen_from(wdir).unwrap_or_else(|| path.to_string()),
        None => path.to_string(),
    };
    paths.iter().map(seen).collect()
}
