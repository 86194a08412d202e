//! The names of files, for patterns to be matched with.

use indexmap::IndexMap;
use playbook_hash::disk::Root;
use playbook_hash::{Glance, IgnoreRules, glance};
use playbook_types::expand::{Files, Name};
use playbook_types::path::DataPath;

use crate::project::sources::Source;

/// The files around a playbook, and which directories were asked for.
pub(super) struct Disk<'r> {
    root: &'r Root,
    /// Read when the first directory is.
    rules: Option<IgnoreRules>,
    seen: IndexMap<DataPath, Seen>,
}

/// A directory that was asked for.
struct Seen {
    names: Option<Vec<Name>>,
    source: Source,
}

impl<'r> Disk<'r> {
    pub(super) fn new(root: &'r Root) -> Self {
        Self {
            root,
            rules: None,
            seen: IndexMap::new(),
        }
    }

    /// What was asked for and what was there, for as long as that stands.
    pub(super) fn into_sources(self) -> impl Iterator<Item = Source> {
        self.seen.into_values().map(|seen| seen.source)
    }

    fn look(&mut self, directory: &DataPath) -> Result<Seen, String> {
        let rules = match self.rules.take() {
            Some(rules) => rules,
            None => IgnoreRules::load(self.root.as_path()).map_err(|error| error.to_string())?,
        };
        let rules = self.rules.insert(rules);
        let found = glance(&self.root.resolve(directory), rules);
        let found = found.map_err(|error| error.to_string())?;
        let source = Source::Names {
            directory: directory.clone(),
            digest: found.as_ref().map(|found| found.digest),
        };
        let names = found.map(|Glance { names, .. }| names.into_iter().map(name).collect());
        Ok(Seen { names, source })
    }
}

impl Files for Disk<'_> {
    fn names(&mut self, directory: &DataPath) -> Result<Option<&[Name]>, String> {
        if !self.seen.contains_key(directory) {
            let seen = self.look(directory)?;
            self.seen.insert(directory.clone(), seen);
        }
        let seen = self.seen.get(directory);
        Ok(seen.and_then(|seen| seen.names.as_deref()))
    }
}

fn name((bytes, counts): (Vec<u8>, bool)) -> Name {
    match String::from_utf8(bytes) {
        Ok(text) => Name {
            text,
            is_text: true,
            counts,
        },
        Err(error) => Name {
            text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
            is_text: false,
            counts,
        },
    }
}
