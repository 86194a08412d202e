//! The commands of one job: the stage's, with what is the job's own put in.

use std::path::Path;

use playbook_types::model::playbook::Playbook;
use playbook_types::model::stage::Stage;
use playbook_types::path::DataPath;
use playbook_types::template::{FanOut, JobNames, Scope, Template, TemplateError};

use crate::plan::seen_from;

/// A job's commands.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) texts: Vec<String>,
    /// Values from the environment masked.
    pub(crate) shown: Vec<String>,
}

/// What the names of a fan-out stand for in a job.
pub(super) fn job_names(
    stage: &Stage,
    (inputs, outputs): (&[DataPath], &[DataPath]),
    scratch: &str,
) -> JobNames {
    let seen = |paths: &[DataPath]| seen_from(stage, &paths.iter().collect::<Vec<_>>());
    let scratch = DataPath::parse(scratch).map(|path| seen(&[path]).concat());
    let first = inputs.first().map(|path| Path::new(path.as_str()));
    let stem = first.and_then(Path::file_stem);
    let dir = first.and_then(Path::parent).and_then(|dir| dir.to_str());
    let dir = DataPath::parse(dir.filter(|dir| !dir.is_empty()).unwrap_or("."));
    JobNames {
        inputs: seen(inputs),
        outputs: seen(outputs),
        stem: stem
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default(),
        dir: dir.map(|dir| seen(&[dir]).concat()).unwrap_or_default(),
        work_dir: scratch.unwrap_or_default(),
    }
}

/// The commands of a job.
pub(super) fn render(
    playbook: &Playbook,
    stage: &Stage,
    templates: &[Template],
    names: &JobNames,
) -> Result<Rendered, TemplateError> {
    let env = playbook.declared_env(stage);
    let deps: Vec<&DataPath> = stage.deps.iter().map(|dep| &dep.path).collect();
    let outs: Vec<&DataPath> = stage.outs.iter().map(|out| &out.path).collect();
    let (deps, outs) = (seen_from(stage, &deps), seen_from(stage, &outs));
    let scope = Scope {
        stage: stage.name.as_str(),
        params: &playbook.params,
        deps: &deps,
        outs: &outs,
        env: &env,
        wildcards: stage.wildcards(),
        item: stage.item(),
        fan_out: FanOut::Job(names),
    };
    let mut done = Rendered::default();
    for template in templates {
        let rendered = template.render(&scope)?;
        done.texts.push(rendered.text);
        done.shown.push(rendered.shown);
    }
    Ok(done)
}
