//! The digest of a directory: a Merkle tree, built in parallel.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use playbook_types::digest::Digest;
use rayon::prelude::*;

use crate::command::digest_bytes;
use crate::error::HashError;
use crate::framed::Framed;
use crate::ignore_rules::IgnoreRules;
use crate::layout;
use crate::stat::{DigestMemo, Trust};

/// How deep directories may be nested: far beyond what a path can name (PATH_MAX), far below what a stack holds.
const DEEPEST: usize = 2_048;

/// The digest of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeDigest {
    /// Of everything below it.
    pub digest: Digest,
    /// Files below it.
    pub file_count: u64,
    /// Bytes in those files.
    pub total_bytes: u64,
}

/// Digests the directory at `path`, reading every file in it.
///
/// Names, kinds, executable bits, the texts of symbolic links and the contents of files count; empty
/// directories do too; times, owners and other permissions do not.
///
/// # Errors
///
/// When something below cannot be read, or is a socket, fifo or device.
pub fn digest_tree(path: &Path, rules: &IgnoreRules) -> Result<TreeDigest, HashError> {
    digest_tree_with(path, rules, &DigestMemo::new(Trust::ReadEverything))
}

pub(crate) fn digest_tree_with(path: &Path, rules: &IgnoreRules, memo: &DigestMemo) -> Result<TreeDigest, HashError> {
    Walk { rules, memo }.directory(path, 0)
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    rules: &'a IgnoreRules,
    memo: &'a DigestMemo,
}

/// One entry of a directory, before it is digested.
struct Entry {
    name: OsString,
    path: PathBuf,
    meta: Metadata,
}

/// One entry of a directory, digested.
struct Digested {
    kind: u8,
    digest: Digest,
    file_count: u64,
    total_bytes: u64,
}

impl Walk<'_> {
    fn directory(self, path: &Path, depth: usize) -> Result<TreeDigest, HashError> {
        if depth > DEEPEST {
            return Err(HashError::TooDeep { path: path.to_owned() });
        }
        let entries = self.entries(path)?;
        let digested: Vec<Digested> =
            entries.par_iter().map(|entry| self.entry(entry, depth)).collect::<Result<_, _>>()?;
        let mut framed = Framed::new(layout::TREE);
        framed.len(entries.len());
        let mut whole = (0, 0);
        for (entry, found) in entries.iter().zip(&digested) {
            framed.tag(found.kind);
            framed.bytes(entry.name.as_bytes());
            framed.digest(&found.digest);
            whole = (whole.0 + found.file_count, whole.1 + found.total_bytes);
        }
        Ok(TreeDigest { digest: framed.finish(), file_count: whole.0, total_bytes: whole.1 })
    }

    /// What counts in a directory, sorted by raw name bytes.
    fn entries(self, path: &Path) -> Result<Vec<Entry>, HashError> {
        let failed = |source| HashError::from_io(path, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name());
        }
        names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        let mut entries = Vec::with_capacity(names.len());
        for name in &names {
            let path = path.join(name);
            let meta = match fs::symlink_metadata(&path) {
                Ok(meta) => meta,
                // It went away since the directory was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(source) => return Err(HashError::from_io(&path, source)),
            };
            if !self.rules.ignores(&path, meta.is_dir(), &names) {
                entries.push(Entry { name: name.clone(), path, meta });
            }
        }
        Ok(entries)
    }

    fn entry(self, entry: &Entry, depth: usize) -> Result<Digested, HashError> {
        let Entry { path, meta, .. } = entry;
        if meta.is_symlink() {
            let text = fs::read_link(path).map_err(|source| HashError::from_io(path, source))?;
            let digest = digest_bytes(text.as_os_str().as_bytes());
            return Ok(Digested { kind: layout::KIND_LINK, digest, file_count: 0, total_bytes: 0 });
        }
        if meta.is_dir() {
            let TreeDigest { digest, file_count, total_bytes } = self.directory(path, depth + 1)?;
            return Ok(Digested { kind: layout::KIND_DIRECTORY, digest, file_count, total_bytes });
        }
        let file = self.memo.file(path, meta)?;
        let executable = meta.permissions().mode() & 0o100 != 0;
        let kind = if executable { layout::KIND_EXECUTABLE } else { layout::KIND_FILE };
        Ok(Digested { kind, digest: file.digest, file_count: 1, total_bytes: file.total_bytes })
    }
}
