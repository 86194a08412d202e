//! A playbook on its way from text to [`Parsed`]: read, given the params of other places, checked.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::check::{Checked, Subject, check};
use crate::expand::{Files, expand};
use crate::finding::{Finding, Findings, KeyPath, Origin, Severity, Step};
use crate::model::params::{OverrideError, Params};
use crate::model::playbook::Playbook;
use crate::name::ParamKey;
use crate::parse::SourceName;
use crate::parse::locate::{foreign_tags, in_order, place_all, spots, value_texts};
use crate::parse::lower::lower;
use crate::parse::node::Node;
use crate::parse::numbers::{canonical_warning, number_params};
use crate::parse::params_file::ParamsFile;
use crate::parse::text::{Parsed, syntax, without_mark};
use crate::path::DataPath;
use crate::value::ParamValue;

/// A playbook that was read and not yet checked. What it may still be given decides what it means, so it is given all
/// of it first.
#[derive(Debug)]
pub struct Draft<'t> {
    text: &'t str,
    playbook: Playbook,
    /// The params that stand in the playbook itself.
    own_params: Params,
    files: Vec<ParamsFile>,
    given: Vec<ParamsFile>,
    /// The params without those that were given for one run.
    declared: Params,
    params_known: bool,
    found: Vec<Finding>,
}

/// What lies over and under a playbook's own params.
#[derive(Debug, Default)]
pub struct Layers<'l> {
    /// What `params_files` names, in that order: under the playbook's own, later ones over earlier ones.
    pub files: Vec<ParamsFile>,
    /// What the command line names, in that order: over the playbook's own.
    pub given: Vec<ParamsFile>,
    /// What the command line sets: over everything.
    pub set: &'l [(ParamKey, ParamValue)],
}

impl<'t> Draft<'t> {
    /// Reads a playbook.
    ///
    /// # Errors
    ///
    /// A text that is not YAML. What else is wrong is told by [`check`](Self::check), with everything that is found later.
    pub fn read(text: &'t str) -> Result<Self, Findings> {
        let text = without_mark(text);
        let document: Node = match serde_yaml_ng::from_str(text) {
            Ok(document) => document,
            Err(error) => return Err(Findings(vec![syntax(text, &error)])),
        };
        let (playbook, mut found) = lower(&document);
        found.extend(foreign_tags(text));
        Ok(Self {
            text,
            own_params: playbook.params.clone(),
            declared: playbook.params.clone(),
            params_known: playbook.params_files.is_empty(),
            playbook,
            files: Vec::new(),
            given: Vec::new(),
            found,
        })
    }

    /// The files that it names as further sources of params, each with its place in the text.
    pub fn params_files(&self) -> impl Iterator<Item = (KeyPath, &DataPath)> {
        let at = KeyPath::TOP.key("params_files");
        let files = self.playbook.params_files.iter().enumerate();
        files.map(move |(n, path)| (at.index(n), path))
    }

    /// Adds what is wrong with something around it.
    pub fn report(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Gives it the params of other places.
    ///
    /// # Errors
    ///
    /// Something is set that does not exist, and nothing else is wrong so far: then [`check`](Self::check) tells of that.
    pub fn with_params(mut self, layers: Layers<'_>) -> Result<Self, OverrideError> {
        let Layers { files, given, set } = layers;
        let mut params = Params::default();
        for file in &files {
            params.merge(file.params());
        }
        params.merge(&self.own_params);
        self.declared = params.clone();
        for file in &given {
            params.merge(file.params());
        }
        let files_found = files.iter().chain(&given).flat_map(ParamsFile::findings);
        self.found.extend(files_found.cloned());
        self.params_known = !self.found.iter().any(is_of_params);
        for (key, value) in set {
            match params.set(key, value) {
                Err(error) if self.found.is_empty() => return Err(error),
                _ => {}
            }
        }
        self.playbook.params = params;
        self.files = files;
        self.given = given;
        Ok(self)
    }

    /// What was given for one run: all that is set, and what in the files that were given is not as declared.
    pub fn overridden(&self, set: &[(ParamKey, ParamValue)]) -> IndexMap<ParamKey, ParamValue> {
        let params = &self.playbook.params;
        let mut all = IndexMap::new();
        for file in &self.given {
            for key in file.params().leaves() {
                let now = params
                    .get(&key)
                    .filter(|now| self.declared.get(&key) != Some(now));
                all.extend(now.map(|now| (key.clone(), now.clone())));
            }
        }
        all.extend(set.iter().cloned());
        all
    }

    /// Makes of its stages those they stand for, among these files, and checks it as a whole.
    ///
    /// # Errors
    ///
    /// Everything that was found, warnings included, as soon as one of the findings is an error.
    pub fn check(mut self, source: &SourceName, files: &mut dyn Files) -> Result<Parsed, Findings> {
        let written = std::mem::take(&mut self.playbook);
        let (playbook, expanding) = expand(written, self.params_known, files);
        self.playbook = playbook;
        let is_wrong = |finding: &Finding| finding.severity == Severity::Error;
        let readable = self.found.is_empty() && !expanding.iter().any(is_wrong);
        let Checked { found, used } = check(Subject {
            playbook: &self.playbook,
            source,
            own_params: &self.own_params,
            params_known: self.params_known,
        });
        let kept = |finding: &Finding| readable || finding.severity == Severity::Error;
        self.playbook.expanded.absent.clear();
        self.found.extend(found.into_iter().filter(kept));
        if self.found.is_empty() {
            self.numbers_of_its_own();
        }
        self.found.extend(expanding.into_iter().filter(kept));
        let sound = self.found.iter().all(|it| it.severity != Severity::Error);
        if sound {
            self.told_of_files(&used);
        }
        if self.found.iter().any(|finding| finding.place.is_none()) {
            place_all(self.text, &mut self.found);
        }
        in_order(&mut self.found);
        let findings = Findings(self.found);
        if findings.has_errors() {
            return Err(findings);
        }
        Ok(Parsed {
            playbook: self.playbook,
            warnings: findings,
        })
    }

    /// Warns of its own numbers that are written in another way than they are passed on.
    fn numbers_of_its_own(&mut self) {
        let numbers = number_params(&KeyPath::TOP.key("params"), &self.own_params);
        if numbers.is_empty() {
            return;
        }
        let spots = spots(self.text);
        let texts = value_texts(self.text, &spots, numbers.iter().map(|(at, _)| at));
        for ((at, canonical), written) in numbers.into_iter().zip(texts) {
            if let Some(written) =
                written.filter(|written| *written != canonical && !written.starts_with(['*', '&']))
            {
                self.found.push(canonical_warning(at, written, &canonical));
            }
        }
    }

    /// Warns of what files say that is not taken as it was probably meant.
    fn told_of_files(&mut self, used: &BTreeSet<ParamKey>) {
        for file in self.files.iter().chain(&self.given) {
            let numbers = file.odd_numbers(used, &self.playbook.params);
            self.found.extend(numbers);
        }
        for file in &self.given {
            let unknown = file.unknown_names(&self.declared, used);
            self.found.extend(unknown);
        }
    }
}

/// Whether something is wrong with params, so that more of them may be meant to be there.
fn is_of_params(finding: &Finding) -> bool {
    let step = finding.at.steps().first();
    let named = |name: &str| step == Some(&Step::Key(name.to_owned()));
    finding.origin != Origin::Playbook || named("params") || named("params_files")
}
