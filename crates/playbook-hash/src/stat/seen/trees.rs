//! What directories were last found to be, with everything below them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use playbook_types::digest::Digest;

use crate::stat::seen::record::Record;

/// What a directory was found to be.
#[derive(Debug)]
pub(crate) struct SeenTree {
    pub(crate) digest: Digest,
    /// Which rules said what counts.
    pub(crate) rules: Digest,
    /// Everything in it is somewhere where stats are worth something.
    pub(crate) vouched: bool,
    /// It, and every directory below it.
    pub(crate) directories: Vec<(PathBuf, Record)>,
}

/// Directories by their paths.
#[derive(Debug, Default)]
pub(in crate::stat) struct SeenTrees(Mutex<IndexMap<PathBuf, Arc<SeenTree>>>);

impl SeenTrees {
    pub(in crate::stat) fn get(&self, path: &Path) -> Option<Arc<SeenTree>> {
        let trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trees.get(path).map(Arc::clone)
    }

    pub(in crate::stat) fn all(&self) -> Vec<(PathBuf, Arc<SeenTree>)> {
        let trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = trees
            .iter()
            .map(|(path, tree)| (path.clone(), Arc::clone(tree)));
        all.collect()
    }

    pub(in crate::stat) fn learn(&self, path: &Path, tree: SeenTree) {
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trees.insert(path.to_owned(), Arc::new(tree));
    }
}
