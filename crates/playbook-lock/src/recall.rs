//! What directories were when stages last read or made them, and what environments were declared, so that one can be told
//! which files and which variables changed since.
//!
//! The lock has their digests only. Beside it, in `listings` in the state directory, a file named by such a digest has
//! the list of what was in the directory: `playbook listing 1` and a line break, the BLAKE3 of all that follows, and
//! the list as [`DigestMemo::listing_bytes`](playbook_hash::DigestMemo::listing_bytes) makes it.
//! For an environment it is the names of its variables, each with a digest that tells only whether its value is another
//! one. A list that is gone or damaged costs words, never an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use indexmap::IndexMap;
use playbook_hash::disk::sealed::{seal, unseal, unsealed};
use playbook_hash::disk::{DiskError, Durability, StateDir, create_dirs, remove_file, replace};
use playbook_hash::{Listing, digest_env};
use playbook_types::digest::Digest;
use playbook_types::name::EnvName;

const MAGIC: &[u8; 19] = b"playbook listing 1\n";

/// The lists that are kept for one playbook.
#[derive(Debug, Clone)]
pub struct Recall {
    directory: PathBuf,
}

impl Recall {
    /// Those of the playbook with this state directory. Nothing is touched.
    pub fn new(state: &StateDir) -> Self {
        let directory = state.listings_dir();
        Self { directory }
    }

    /// What was in the directory that had this digest, if that is known.
    pub fn listing(&self, digest: &Digest) -> Option<Listing> {
        Listing::from_bytes(&self.list(digest)?)
    }

    /// The variables of the environment that had this digest, each with the digest of its value, if they are known.
    pub fn environment(&self, digest: &Digest) -> Option<BTreeMap<EnvName, Digest>> {
        serde_json::from_slice(&self.list(digest)?).ok()
    }

    fn list(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.file(digest)).ok()?;
        unseal(MAGIC, &bytes).map(<[u8]>::to_vec)
    }

    /// Whether something is kept of a directory that had this digest.
    pub fn has(&self, digest: &Digest) -> bool {
        self.file(digest).exists()
    }

    /// Keeps a list.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn remember(&self, digest: &Digest, list: &[u8]) -> Result<(), DiskError> {
        create_dirs(&self.directory)?;
        let mut bytes = unsealed(MAGIC);
        bytes.extend_from_slice(list);
        seal(MAGIC, &mut bytes);
        replace(&self.file(digest), &bytes, Durability::Fast)
    }

    /// The variables of an environment, each with a digest of its value.
    pub fn values(env: &IndexMap<EnvName, String>) -> BTreeMap<EnvName, Digest> {
        let value = |(name, value): (&EnvName, &String)| {
            let alone = IndexMap::from([(name.clone(), value.clone())]);
            Some((name.clone(), digest_env(&alone)?))
        };
        env.iter().filter_map(value).collect()
    }

    /// Keeps the variables of an environment.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn remember_environment(
        &self,
        digest: &Digest,
        env: &IndexMap<EnvName, String>,
    ) -> Result<(), DiskError> {
        // What cannot be written as JSON is not kept, and then not known.
        let list = serde_json::to_vec(&Self::values(env)).unwrap_or_default();
        self.remember(digest, &list)
    }

    /// Removes every list but these, and what a run that died left half written.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn forget_all_but(&self, wanted: &BTreeSet<Digest>) -> Result<(), DiskError> {
        let Ok(entries) = std::fs::read_dir(&self.directory) else {
            return Ok(());
        };
        let wanted: BTreeSet<String> = wanted.iter().map(name).collect();
        for entry in entries.flatten() {
            let is_wanted = |name: &str| wanted.contains(name);
            if !entry.file_name().to_str().is_some_and(is_wanted) {
                remove_file(&entry.path())?;
            }
        }
        Ok(())
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.directory.join(name(digest))
    }
}

fn name(digest: &Digest) -> String {
    blake3::Hash::from_bytes(*digest.as_bytes())
        .to_hex()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_hash::disk::Root;
    use playbook_hash::{DigestMemo, IgnoreRules, Trust};
    use std::fs;

    #[test]
    fn a_list_comes_back_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::new(directory.path().to_owned()).unwrap();
        let recall = Recall::new(&StateDir::new(&root, "playbook"));
        let top = directory.path().join("d");
        fs::create_dir_all(top.join("e")).unwrap();
        let memo = DigestMemo::new(Trust::Stat);
        let rules = IgnoreRules::load(directory.path()).unwrap();
        let digest = memo.digest(&top, &rules).unwrap().digest;
        assert!(!recall.has(&digest) && recall.listing(&digest).is_none());
        let list = memo.listing_bytes(&top, digest).unwrap();
        recall.remember(&digest, &list).unwrap();
        assert!(recall.has(&digest));
        let listing = recall.listing(&digest).unwrap();
        assert_eq!(listing.entries().len(), 1);

        let file = recall.file(&digest);
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut torn = whole[..at].to_vec();
            playbook_hash::disk::replace(&file, &torn, Durability::Fast).unwrap();
            assert!(recall.listing(&digest).is_none(), "cut at {at}");
            torn.push(!whole[at]);
            torn.extend_from_slice(&whole[at + 1..]);
            playbook_hash::disk::replace(&file, &torn, Durability::Fast).unwrap();
            assert!(recall.listing(&digest).is_none(), "changed at {at}");
        }
    }

    #[test]
    fn an_environment_comes_back_without_its_values() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::new(directory.path().to_owned()).unwrap();
        let recall = Recall::new(&StateDir::new(&root, "playbook"));
        let name = EnvName::parse("TOKEN").unwrap();
        let env = IndexMap::from([(name.clone(), "sesame".to_owned())]);
        let digest = digest_env(&env).unwrap();
        assert_eq!(recall.environment(&digest), None);
        recall.remember_environment(&digest, &env).unwrap();
        assert_eq!(recall.environment(&digest), Some(Recall::values(&env)));
        let kept = fs::read(recall.file(&digest)).unwrap();
        assert!(!String::from_utf8_lossy(&kept).contains("sesame"));
        let other = IndexMap::from([(name, "open".to_owned())]);
        assert_ne!(recall.environment(&digest), Some(Recall::values(&other)));
    }

    #[test]
    fn only_what_is_wanted_stays() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::new(directory.path().to_owned()).unwrap();
        let recall = Recall::new(&StateDir::new(&root, "playbook"));
        recall.forget_all_but(&BTreeSet::new()).unwrap();
        let [one, two] = [1, 2].map(|byte| Digest::from_bytes([byte; 32]));
        recall.remember(&one, b"").unwrap();
        recall.remember(&two, b"").unwrap();
        recall.forget_all_but(&BTreeSet::from([two])).unwrap();
        assert_eq!((recall.has(&one), recall.has(&two)), (false, true));
    }
}
