//! The whole playbook, from the node of its document.

mod how;
mod spread;
mod stage;
mod top;

use indexmap::IndexMap;

use crate::finding::{Finding, KeyPath, Mark};
use crate::language::top::PLAYBOOK;
use crate::model::compliance::{Compliance, Flight};
use crate::model::playbook::Playbook;
use crate::model::stage::Stage;
use crate::name::StageName;
use crate::parse::fields::{At, Lowering};
use crate::parse::node::Node;

/// The playbook as far as it could be read, and what was wrong with the rest.
pub(in crate::parse) fn lower(document: &Node) -> (Playbook, Vec<Finding>) {
    let mut lowering = Lowering::default();
    document.oddities(&KeyPath::TOP, &mut lowering.found);
    let playbook = lowering.playbook(&At {
        path: KeyPath::TOP,
        node: document,
    });
    (playbook, lowering.found)
}

impl Lowering {
    fn playbook(&mut self, value: &At<'_>) -> Playbook {
        let mut playbook = Playbook::default();
        if !matches!(value.node, Node::Map(_)) {
            let found = value.node.kind();
            self.found.push(
                Finding::error(
                    KeyPath::TOP,
                    format!("a playbook is a map with 'version', 'name' and 'stages', not {found}"),
                )
                .hint("'playbook init' writes one to start from"),
            );
            return playbook;
        }

        let Some(fields) = self.fields(value, "the playbook", &PLAYBOOK) else {
            return playbook;
        };
        self.version(&fields);
        match fields.get("name") {
            Some(value) => playbook.name = self.name(&value),
            None if fields.lacks("name") => {
                self.error(&KeyPath::TOP, "this playbook has no 'name'");
                self.advise("say what it is called: name: …");
            }
            None => {}
        }
        playbook.description = fields
            .get("description")
            .and_then(|value| self.text(&value))
            .map(str::to_owned);
        playbook.params = fields
            .get("params")
            .map(|value| self.params(&value))
            .unwrap_or_default();
        playbook.params_files = fields
            .get("params_files")
            .map(|value| self.params_files(&value))
            .unwrap_or_default();
        playbook.env = fields
            .get("env")
            .map(|value| self.env(&value))
            .unwrap_or_default();
        playbook.targets = fields
            .get("targets")
            .map(|value| self.targets(&value))
            .unwrap_or_default();
        playbook.policy = fields
            .get("policy")
            .map(|value| self.policy(&value))
            .unwrap_or_default();
        playbook.compliance = fields
            .get("compliance")
            .map(|value| self.compliance(&value))
            .unwrap_or_default();
        match fields.get("stages") {
            Some(value) => self.stages(&value, &mut playbook),
            None if fields.lacks("stages") => {
                self.error(&KeyPath::TOP, "this playbook has no 'stages'");
                self.advise("say what it runs: stages: {NAME: {cmd: …}}");
            }
            None => {}
        }
        self.checks_around(&mut playbook);
        playbook
    }

    /// Puts the gates that the checks stand for before and behind the stages.
    fn checks_around(&mut self, playbook: &mut Playbook) {
        if playbook.compliance == Compliance::default() {
            return;
        }
        let written = std::mem::take(&mut playbook.stages);
        let gates = playbook.compliance.stages();
        let (pre, post): (Vec<_>, Vec<_>) = gates.partition(|(flight, ..)| *flight == Flight::Pre);
        let mut stages = IndexMap::with_capacity(pre.len() + written.len() + post.len());
        let mut place = |gates: Vec<(Flight, usize, Stage)>, stages: &mut IndexMap<_, _>| {
            for (flight, nth, gate) in gates {
                let name = gate.name.clone();
                if written.contains_key(&name) || stages.contains_key(&name) {
                    let at = KeyPath::TOP
                        .key("compliance")
                        .key(flight.field())
                        .index(nth);
                    let message = format!("a stage is called '{name}' already");
                    let hint = "give the check another 'name'";
                    self.found.push(Finding::error(at, message).hint(hint));
                } else {
                    stages.insert(name, gate);
                }
            }
        };
        place(pre, &mut stages);
        let mut behind = IndexMap::new();
        place(post, &mut behind);
        stages.extend(written);
        stages.extend(behind);
        playbook.stages = stages;
    }

    fn name(&mut self, value: &At<'_>) -> String {
        self.filled(value).unwrap_or_default().to_owned()
    }

    fn stages(&mut self, value: &At<'_>, playbook: &mut Playbook) {
        if matches!(value.node, Node::Null)
            || matches!(value.node, Node::Map(map) if map.is_empty())
        {
            self.found
                .push(Finding::error(value.path.clone(), "'stages' is empty").mark(Mark::Key));
            self.advise("a playbook has at least one stage: NAME: {cmd: …}");
            return;
        }
        for (name, value) in self.map(value) {
            match StageName::parse(name) {
                Ok(name) => {
                    let stage = self.stage(name.clone(), &value);
                    playbook.stages.insert(name, stage);
                }
                Err(error) => self
                    .found
                    .push(Finding::error(value.path, error.to_string()).mark(Mark::Key)),
            }
        }
    }
}
