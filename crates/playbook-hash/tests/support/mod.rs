//! A directory to make trees in.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "no test file uses all of it"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use playbook_hash::{HashError, IgnoreRules, Listings, TreeDigest, digest_tree};
use playbook_types::digest::Digest;
use rustix::fs::{CWD, Mode, mkfifoat};

/// A temporary directory.
pub(crate) struct Space(tempfile::TempDir);

impl Space {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With these files in it; a name that ends in a slash is a directory.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let space = Self::new();
        for (name, contents) in files {
            if name.ends_with('/') {
                fs::create_dir_all(space.path(name)).unwrap();
            } else {
                space.write(name, contents);
            }
        }
        space
    }

    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path().join(name.as_ref())
    }

    pub(crate) fn top(&self) -> &Path {
        self.0.path()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test makes what the program finds"
    )]
    pub(crate) fn write(&self, name: impl AsRef<OsStr>, contents: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    pub(crate) fn fifo(&self, name: &str) {
        mkfifoat(CWD, self.path(name), Mode::RWXU).unwrap();
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.top()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// Digests the directory.
    pub(crate) fn tree(&self) -> Result<TreeDigest, HashError> {
        digest_tree(
            self.top(),
            &IgnoreRules::load(self.top()).unwrap(),
            Listings::Make,
        )
    }

    pub(crate) fn digest(&self) -> Digest {
        self.tree().unwrap().digest
    }
}

/// A name that is not text.
pub(crate) fn raw(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// Whether permissions stop us; root passes them by.
pub(crate) fn permissions_count() -> bool {
    let count = !rustix::process::geteuid().is_root();
    if !count {
        println!("skipped: permissions do not stop root");
    }
    count
}
