//! What stands beside the stages: params, targets, policy, compliance.

use std::path::Path;

use indexmap::IndexMap;

use crate::finding::{Finding, KeyPath, Mark};
use crate::language::top::{
    CHECK, COMPLIANCE, CONCURRENCY, ENVIRONMENT, FAILURE, FILES, PMAT, POLICY, TARGET, TARGET_KIND,
    VALIDATION,
};
use crate::model::compliance::{Check, CheckRun, Compliance, Flight};
use crate::model::params::Params;
use crate::model::policy::Policy;
use crate::model::target::{Files, Target, TargetKind};
use crate::name::{NameError, StageName, TargetName, is_param_part};
use crate::parse::fields::{At, Fields, Lowering};
use crate::parse::node::Node;
use crate::parse::params_file::ParamsFormat;
use crate::path::DataPath;

impl Lowering {
    pub(in crate::parse) fn params(&mut self, value: &At<'_>) -> Params {
        let entries = self.map(value);
        for (key, value) in &entries {
            self.param_names(key, value);
        }
        Params::new(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.node.to_value()))
                .collect(),
        )
    }

    /// A key with a dot could not be told from a nested one.
    fn param_names(&mut self, key: &str, value: &At<'_>) {
        if !is_param_part(key) {
            self.found.push(
                Finding::error(
                    value.path.clone(),
                    format!("'{key}' cannot be the name of a param"),
                )
                .mark(Mark::Key)
                .hint("use letters, digits, '_' and '-'; nest maps instead of writing dots"),
            );
        }
        if let Node::Map(_) = value.node {
            for (key, value) in self.map(value) {
                self.param_names(key, &value);
            }
        }
    }

    pub(in crate::parse) fn params_files(&mut self, value: &At<'_>) -> Vec<DataPath> {
        let mut files: Vec<DataPath> = Vec::new();
        for item in self.list(value) {
            let Some(path) = self.parsed(&item, DataPath::parse) else {
                continue;
            };
            if ParamsFormat::of(Path::new(path.as_str())).is_none() {
                let message = format!("'{path}' does not say what it is written in");
                let finding = Finding::error(item.path, message);
                self.found
                    .push(finding.hint("a params file ends in .yaml, .yml, .toml or .json"));
            } else if files.contains(&path) {
                self.error(
                    &item.path,
                    format!("the params file {path} stands here twice"),
                );
            }
            files.push(path);
        }
        files
    }

    pub(in crate::parse) fn targets(&mut self, value: &At<'_>) -> IndexMap<TargetName, Target> {
        let mut targets = IndexMap::new();
        for (name, value) in self.map(value) {
            match TargetName::parse(name) {
                Ok(name) => {
                    let target = self.target(name.as_str(), &value);
                    targets.insert(name, target);
                }
                Err(error) => self
                    .found
                    .push(Finding::error(value.path, error.to_string()).mark(Mark::Key)),
            }
        }
        targets
    }

    fn target(&mut self, name: &str, value: &At<'_>) -> Target {
        let Some(fields) = self.fields(value, &format!("target '{name}'"), &TARGET) else {
            return Target::default();
        };
        let host = fields.get("host").and_then(|value| self.host(&value));
        Target {
            kind: self.target_kind(&fields, host.as_deref()),
            ssh_user: fields
                .get("ssh_user")
                .and_then(|value| self.filled(&value))
                .map(str::to_owned),
            cores: fields.get("cores").and_then(|value| self.count(&value, 1)),
            memory: fields
                .get("memory_gb")
                .and_then(|value| self.gigabytes(&value)),
            gpus: fields.get("gpus").and_then(|value| self.count(&value, 0)),
            workdir: fields
                .get("workdir")
                .and_then(|value| self.filled(&value))
                .map(str::to_owned),
            env: fields
                .get("env")
                .map(|value| self.env(&value))
                .unwrap_or_default(),
            files: self.files(&fields),
            host,
        }
    }

    /// A machine. What begins with a dash would be an option of the program that goes there.
    fn host(&mut self, value: &At<'_>) -> Option<String> {
        let host = self.filled(value)?;
        if host.starts_with('-') || host.contains(char::is_whitespace) {
            self.error(&value.path, format!("'{host}' cannot be a host"));
            self.advise("it is the name or the address of a machine, as 'ssh' takes it");
            return None;
        }
        Some(host.to_owned())
    }

    fn target_kind(&mut self, fields: &Fields<'_>, host: Option<&str>) -> TargetKind {
        let here = host.is_none_or(|host| host == "localhost");
        let given = fields
            .get("kind")
            .and_then(|value| self.word(&value, &TARGET_KIND));
        match given {
            // A target without a host, or on localhost, is local, whatever it is called; a cluster needs no host.
            Some(TargetKind::Slurm) => TargetKind::Slurm,
            Some(TargetKind::Ssh) if fields.lacks("host") => {
                self.error(fields.at(), "a target of kind 'ssh' needs a 'host'");
                self.advise("name the machine: host: …; without one a target is this machine");
                TargetKind::Ssh
            }
            _ if here => TargetKind::Local,
            Some(TargetKind::Local) => {
                self.error(
                    &fields.at().key("host"),
                    "a target of kind 'local' cannot have a host elsewhere",
                );
                self.advise("take 'host' out, or write another kind");
                TargetKind::Local
            }
            Some(TargetKind::Ssh) | None => TargetKind::Ssh,
        }
    }

    fn files(&mut self, fields: &Fields<'_>) -> Files {
        fields
            .get("files")
            .and_then(|value| self.word(&value, &FILES))
            .unwrap_or_default()
    }

    pub(in crate::parse) fn policy(&mut self, value: &At<'_>) -> Policy {
        let mut policy = Policy::default();
        let Some(fields) = self.fields(value, "'policy'", &POLICY) else {
            return policy;
        };
        policy.failure = fields
            .get("failure")
            .and_then(|value| self.word(&value, &FAILURE))
            .unwrap_or_default();
        policy.validation = fields
            .get("validation")
            .and_then(|value| self.word(&value, &VALIDATION))
            .unwrap_or_default();
        policy.concurrency = fields
            .get("concurrency")
            .and_then(|value| self.word(&value, &CONCURRENCY))
            .unwrap_or_default();
        policy.environment = fields
            .get("environment")
            .and_then(|value| self.word(&value, &ENVIRONMENT))
            .unwrap_or_default();
        policy.lock_file = fields
            .get("lock_file")
            .and_then(|value| self.bool(&value))
            .unwrap_or(true);
        policy.work_dir = fields
            .get("work_dir")
            .and_then(|value| self.parsed(&value, DataPath::parse));
        policy.clean_on_success = fields
            .get("clean_on_success")
            .and_then(|value| self.bool(&value))
            .unwrap_or(true);
        policy
    }

    pub(in crate::parse) fn compliance(&mut self, value: &At<'_>) -> Compliance {
        let Some(fields) = self.fields(value, "'compliance'", &COMPLIANCE) else {
            return Compliance::default();
        };
        let mut checks = |flight: Flight| -> Vec<Check> {
            let items = fields
                .get(flight.field())
                .map(|value| self.list(&value))
                .unwrap_or_default();
            let checks = items.iter().enumerate();
            checks
                .filter_map(|(nth, item)| self.check(flight, nth, item))
                .collect()
        };
        Compliance {
            pre_flight: checks(Flight::Pre),
            post_flight: checks(Flight::Post),
        }
    }

    fn check(&mut self, flight: Flight, nth: usize, value: &At<'_>) -> Option<Check> {
        if let Node::Str(name) = value.node {
            let Some(pmat) = self.word(value, &PMAT) else {
                if let Some(finding) = self.found.last_mut() {
                    let own = "a check of your own is {cmd: …, name: …}";
                    let meant = finding.hint.take();
                    let hint = meant.map(|meant| format!("{meant} ({own})"));
                    finding.hint = Some(hint.unwrap_or_else(|| own.to_owned()));
                }
                return None;
            };
            let stage = StageName::parse(&format!("{flight}.{name}")).ok()?;
            let run = CheckRun::Pmat(pmat);
            return Some(Check { stage, run });
        }
        if !matches!(value.node, Node::Map(_)) {
            self.expected(value, "a check known by name or a map with a 'cmd'");
            return None;
        }
        let fields = self.fields(value, "a check", &CHECK)?;
        // The place of one without a name is its name.
        let name = match fields.get("name") {
            Some(value) => self.parsed(&value, |name| {
                let whole = StageName::parse(&format!("{flight}.{name}"));
                let plain = whole
                    .ok()
                    .filter(|_| !name.is_empty() && !name.contains('{'));
                plain.ok_or_else(|| NameError {
                    text: name.to_owned(),
                    kind: "the name of a check",
                    rule: "letters, digits, '_', '.', '@' and '-', at most 180 bytes",
                })
            })?,
            None => StageName::parse(&format!("{flight}.{}", nth + 1)).ok()?,
        };
        let Some(cmd) = fields.get("cmd") else {
            if fields.lacks("cmd") {
                self.error(fields.at(), "a check needs a 'cmd'");
            }
            return None;
        };
        let text = self.command_text(&cmd)?;
        Some(Check {
            stage: name,
            run: CheckRun::Command(text),
        })
    }

    /// The version, which decides whether anything else here means what it says.
    pub(in crate::parse) fn version(&mut self, fields: &Fields<'_>) {
        match fields.get("version") {
            None if fields.lacks("version") => self.found.push(
                Finding::error(KeyPath::TOP, "this playbook has no 'version'")
                    .hint("begin it with: version: \"1.0\""),
            ),
            None => {}
            Some(value) => match value.node {
                Node::Str(text) if text == "1.0" => {}
                Node::Float(number) if number.to_bits() == 1.0_f64.to_bits() => {}
                Node::Null => {
                    self.error(&value.path, "'version' is empty");
                    self.advise("this program reads version \"1.0\"");
                }
                _ => {
                    let found = value.node.to_value();
                    self.found.push(
                        Finding::error(value.path, format!("version {found} is not supported"))
                            .hint("this program reads version \"1.0\""),
                    );
                }
            },
        }
    }
}
