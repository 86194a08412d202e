//! One stage, from its node.

use std::fmt::Display;
use std::hash::Hash;

use indexmap::{IndexMap, IndexSet};

use crate::finding::{Finding, Mark};
use crate::language::stage::{DEP, OUT, SHELL, STAGE};
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
            None if fields.lacks("cmd") => self.found.push(
                Finding::error(
                    fields.at().clone(),
                    format!("stage '{}' has no 'cmd'", stage.name),
                )
                .mark(Mark::Key)
                .hint("say what the stage runs: cmd: …"),
            ),
            None => {}
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
            let items = self.list(&value);
            stage.params = self.each_once(&items, ParamKey::parse, "param");
        }
        if let Some(value) = fields.get("after") {
            let items = self.list_or_one(&value);
            stage.after = self.each_once(&items, StageName::parse, "stage");
        }
    }

    /// Names of something, none of them twice.
    fn each_once<T: Eq + Hash + Display, E: Display>(
        &mut self,
        items: &[At<'_>],
        parse: impl Fn(&str) -> Result<T, E>,
        what: &str,
    ) -> Vec<T> {
        let mut all = IndexSet::with_capacity(items.len());
        for item in items {
            let Some(name) = self.parsed(item, &parse) else {
                continue;
            };
            if all.contains(&name) {
                self.error(&item.path, format!("the {what} '{name}' stands here twice"));
                self.advise("keep one of them");
            } else {
                all.insert(name);
            }
        }
        all.into_iter().collect()
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
            Node::Map(_) => {
                self.expected(value, "text or a list of texts");
                Command::Text(String::new())
            }
            _ => Command::Text(self.command_text(value).unwrap_or_default()),
        };
        if matches!(value.node, Node::Seq(items) if items.is_empty()) {
            self.error(&value.path, "'cmd' is an empty list");
        }
        command
    }

    /// One text that a shell can be given.
    pub(in crate::parse) fn command_text(&mut self, value: &At<'_>) -> Option<String> {
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
        self.path_or_map(value)?;
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
        self.path_or_map(value)?;
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

    fn path_or_map(&mut self, value: &At<'_>) -> Option<()> {
        if matches!(value.node, Node::Map(_)) {
            return Some(());
        }
        self.expected(value, "a path or a map with a 'path'");
        self.advise_quotes(value);
        None
    }

    fn path_field(&mut self, fields: &Fields<'_>, what: &str) -> Option<DataPath> {
        if let Some(value) = fields.get("path") {
            self.data_path(&value)
        } else {
            if fields.lacks("path") {
                self.error(fields.at(), format!("{what} needs a 'path'"));
            }
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
            None => self.expected(value, "a text, a number, true or false"),
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
}
