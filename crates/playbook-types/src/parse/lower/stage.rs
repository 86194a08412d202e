//! One stage, from its node.

use indexmap::IndexMap;

use crate::finding::{Finding, Mark};
use crate::language::fanout::{PARALLEL, STRATEGY};
use crate::language::stage::{BACKOFF, DEP, OUT, RESOURCES, RETRY, RETRY_POLICY, SHELL, STAGE};
use crate::model::fanout::{Parallel, Strategy};
use crate::model::resources::Resources;
use crate::model::retry::{Backoff, Retry};
use crate::model::stage::{Command, Dep, Out, Stage};
use crate::name::{EnvName, ParamKey, StageName, TargetName};
use crate::parse::fields::{At, Fields, Lowering};
use crate::parse::node::Node;
use crate::path::DataPath;

impl Lowering {
    /// A stage. What could not be read is reported and left at its default.
    pub(in crate::parse) fn stage(&mut self, name: StageName, value: &At<'_>) -> Stage {
        let mut stage = Stage::named(name);
        let what = format!("stage '{}'", stage.name);
        let Some(fields) = self.fields(value, &what, &STAGE) else {
            return stage;
        };
        self.what_it_runs(&mut stage, &fields);
        self.what_it_touches(&mut stage, &fields);
        self.how_it_runs(&mut stage, &fields);
        stage
    }

    fn what_it_runs(&mut self, stage: &mut Stage, fields: &Fields<'_>) {
        stage.description = fields
            .get("description")
            .and_then(|value| self.text(&value))
            .map(str::to_owned);
        match fields.get("cmd") {
            Some(value) => stage.cmd = self.command(&value),
            None => self.found.push(
                Finding::error(
                    fields.at().clone(),
                    format!("stage '{}' has no 'cmd'", stage.name),
                )
                .mark(Mark::Key)
                .hint("say what the stage runs: cmd: …"),
            ),
        }
        if let Some(value) = fields.get("shell") {
            stage.shell = self.word(&value, &SHELL).unwrap_or_default();
        }
        if let Some(value) = fields.get("wdir") {
            stage.wdir = self
                .parsed(&value, DataPath::parse)
                .filter(|path| !path.is_root());
        }
        if let Some(value) = fields.get("env") {
            stage.env = self.env(&value);
        }
    }

    fn what_it_touches(&mut self, stage: &mut Stage, fields: &Fields<'_>) {
        if let Some(value) = fields.get("deps") {
            stage.deps = self
                .list_or_one(&value)
                .iter()
                .filter_map(|item| self.dep(item))
                .collect();
        }
        if let Some(value) = fields.get("outs") {
            stage.outs = self
                .list_or_one(&value)
                .iter()
                .filter_map(|item| self.out(item))
                .collect();
        }
        if let Some(value) = fields.get("params") {
            stage.params = self
                .list(&value)
                .iter()
                .filter_map(|item| self.parsed(item, ParamKey::parse))
                .collect();
        }
        if let Some(value) = fields.get("after") {
            let items = self.list_or_one(&value);
            stage.after = items
                .iter()
                .filter_map(|item| self.parsed(item, StageName::parse))
                .collect();
        }
    }

    fn how_it_runs(&mut self, stage: &mut Stage, fields: &Fields<'_>) {
        if let Some(value) = fields.get("target") {
            stage.target = self.parsed(&value, TargetName::parse);
        }
        if let Some(value) = fields.get("frozen") {
            stage.frozen = self.bool(&value).unwrap_or(false);
        }
        if let Some(value) = fields.get("deterministic") {
            stage.deterministic = self.bool(&value).unwrap_or(true);
        }
        if let Some(value) = fields.get("gate") {
            stage.gate = self.bool(&value).unwrap_or(false);
        }
        stage.retry = fields.get("retry").and_then(|value| self.retry(&value));
        stage.spread = self.spread(stage.name.as_str(), fields);
        stage.parallel = fields
            .get("parallel")
            .and_then(|value| self.parallel(&value));
        if let Some(value) = fields.get("resources") {
            stage.resources = self.resources(&value);
        }
    }

    /// One text, or a list of them.
    fn command(&mut self, value: &At<'_>) -> Command {
        let command = match value.node {
            Node::Seq(_) => {
                let items = self.list(value);
                Command::List(
                    items
                        .iter()
                        .filter_map(|item| self.command_text(item))
                        .collect(),
                )
            }
            _ => Command::Text(self.command_text(value).unwrap_or_default()),
        };
        if matches!(value.node, Node::Seq(items) if items.is_empty()) {
            self.error(&value.path, "'cmd' is an empty list");
        }
        command
    }

    fn command_text(&mut self, value: &At<'_>) -> Option<String> {
        let text = self.text(value)?;
        if text.trim().is_empty() {
            self.error(&value.path, "'cmd' is empty");
        }
        if text.contains('\0') {
            self.error(&value.path, "a command cannot hold a NUL byte");
        }
        Some(text.to_owned())
    }

    /// A lone text stands for a list of one.
    fn list_or_one<'n>(&mut self, value: &At<'n>) -> Vec<At<'n>> {
        match value.node {
            Node::Str(_) => vec![value.clone()],
            _ => self.list(value),
        }
    }

    fn dep(&mut self, value: &At<'_>) -> Option<Dep> {
        if matches!(value.node, Node::Str(_)) {
            return Some(Dep {
                path: self.data_path(value)?,
                kind: None,
            });
        }
        let fields = self.fields(value, "a dep", &DEP)?;
        let kind = fields
            .get("type")
            .and_then(|value| self.text(&value))
            .map(str::to_owned);
        Some(Dep {
            path: self.path_field(&fields, "a dep")?,
            kind,
        })
    }

    fn out(&mut self, value: &At<'_>) -> Option<Out> {
        if matches!(value.node, Node::Str(_)) {
            return Some(Out {
                path: self.data_path(value)?,
                kind: None,
                persist: false,
                remote: None,
            });
        }
        let fields = self.fields(value, "an out", &OUT)?;
        let kind = fields
            .get("type")
            .and_then(|value| self.text(&value))
            .map(str::to_owned);
        let persist = fields
            .get("persist")
            .and_then(|value| self.bool(&value))
            .unwrap_or(false);
        let remote = fields
            .get("remote")
            .and_then(|value| self.parsed(&value, TargetName::parse));
        Some(Out {
            path: self.path_field(&fields, "an out")?,
            kind,
            persist,
            remote,
        })
    }

    fn path_field(&mut self, fields: &Fields<'_>, what: &str) -> Option<DataPath> {
        if let Some(value) = fields.get("path") {
            self.data_path(&value)
        } else {
            self.error(fields.at(), format!("{what} needs a 'path'"));
            None
        }
    }

    fn data_path(&mut self, value: &At<'_>) -> Option<DataPath> {
        self.parsed(value, DataPath::parse)
    }

    /// Environment variables with their values.
    pub(in crate::parse) fn env(&mut self, value: &At<'_>) -> IndexMap<EnvName, String> {
        let mut env = IndexMap::new();
        for (name, value) in self.map(value) {
            let name = match EnvName::parse(name) {
                Ok(name) => name,
                Err(error) => {
                    self.found.push(
                        Finding::error(value.path.clone(), error.to_string()).mark(Mark::Key),
                    );
                    continue;
                }
            };
            if let Some(text) = self.env_text(&value) {
                env.insert(name, text);
            }
        }
        env
    }

    /// Scalars are their canonical text, as a shell would be given them.
    fn env_text(&mut self, value: &At<'_>) -> Option<String> {
        let text = value.node.to_value().scalar_text();
        match &text {
            None => self.expected(value, "a text or a number"),
            Some(text) if text.contains('\0') => {
                self.error(
                    &value.path,
                    "an environment variable cannot hold a NUL byte",
                );
            }
            Some(_) => {}
        }
        text
    }

    fn retry(&mut self, value: &At<'_>) -> Option<Retry> {
        let fields = self.fields(value, "'retry'", &RETRY)?;
        let limit = fields.get("limit").and_then(|value| self.count(&value, 0));
        let policy = fields
            .get("policy")
            .and_then(|value| self.word(&value, &RETRY_POLICY));
        let backoff = fields
            .get("backoff")
            .map(|value| self.backoff(&value))
            .unwrap_or_default();
        if fields.get("limit").is_none() {
            self.error(fields.at(), "'retry' needs a 'limit'");
        }
        Some(Retry {
            limit: limit?,
            policy: policy.unwrap_or_default(),
            backoff,
        })
    }

    fn backoff(&mut self, value: &At<'_>) -> Backoff {
        let mut backoff = Backoff::default();
        let Some(fields) = self.fields(value, "'backoff'", &BACKOFF) else {
            return backoff;
        };
        if let Some(initial) = fields
            .get("initial")
            .and_then(|value| self.duration(&value))
        {
            backoff.initial = initial;
        }
        if let Some(factor) = fields
            .get("factor")
            .and_then(|value| self.number(&value, 1.0))
        {
            backoff.factor = factor;
        }
        if let Some(max) = fields.get("max").and_then(|value| self.duration(&value)) {
            backoff.max = max;
        }
        backoff
    }

    fn resources(&mut self, value: &At<'_>) -> Resources {
        let Some(fields) = self.fields(value, "'resources'", &RESOURCES) else {
            return Resources::default();
        };
        Resources {
            cores: fields.get("cores").and_then(|value| self.count(&value, 1)),
            memory: fields
                .get("memory_gb")
                .and_then(|value| self.gigabytes(&value)),
            gpu: fields.get("gpu").and_then(|value| self.count(&value, 0)),
            disk: fields
                .get("disk_gb")
                .and_then(|value| self.gigabytes(&value)),
            timeout: fields.get("timeout").and_then(|value| self.timeout(&value)),
        }
    }

    fn timeout(&mut self, value: &At<'_>) -> Option<std::time::Duration> {
        let timeout = self.duration(value)?;
        if timeout.is_zero() {
            self.error(&value.path, "a timeout must be longer than nothing");
            return None;
        }
        Some(timeout)
    }

    fn parallel(&mut self, value: &At<'_>) -> Option<Parallel> {
        let fields = self.fields(value, "'parallel'", &PARALLEL)?;
        let chunk_size = fields
            .get("chunk_size")
            .and_then(|value| self.count(&value, 1));
        let chunked = if let Some(value) = fields.get("strategy") {
            self.word(&value, &STRATEGY)?
        } else {
            self.error(
                fields.at(),
                "'parallel' needs a 'strategy': per_file or chunked",
            );
            return None;
        };
        if chunked && fields.get("chunk_size").is_none() {
            self.error(fields.at(), "the strategy 'chunked' needs a 'chunk_size'");
        }
        if let (false, Some(value)) = (chunked, fields.get("chunk_size")) {
            self.found.push(
                Finding::error(value.path, "'chunk_size' belongs to the strategy 'chunked'")
                    .mark(Mark::Key),
            );
        }
        Some(Parallel {
            strategy: if chunked {
                Strategy::Chunked {
                    // A mistake in it is found, and is no reason to find others.
                    chunk_size: chunk_size.unwrap_or(1),
                }
            } else {
                Strategy::PerFile
            },
            glob: fields.get("glob").and_then(|value| self.glob(&value)),
            max_workers: fields
                .get("max_workers")
                .and_then(|value| self.count(&value, 1)),
            ext: fields
                .get("ext")
                .and_then(|value| self.text(&value))
                .map(str::to_owned),
        })
    }

    fn glob(&mut self, value: &At<'_>) -> Option<String> {
        let text = self.text(value)?;
        match globset::GlobBuilder::new(text)
            .literal_separator(true)
            .build()
        {
            Ok(_) => Some(text.to_owned()),
            Err(error) => {
                self.error(
                    &value.path,
                    format!("'{text}' is not a glob: {}", error.kind()),
                );
                None
            }
        }
    }
}
