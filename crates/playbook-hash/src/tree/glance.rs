//! The names in one directory, and nothing of what they are.

use std::path::Path;

use playbook_types::digest::Digest;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use crate::command::digest_bytes;
use crate::error::HashError;
use crate::ignore_rules::{IgnoreRules, is_reserved};
use crate::stat::{Locality, Moment, StatKey, is_racy, locality_of_open};
use crate::tree::names::Names;

/// What is in a directory, by name. Names that the program keeps for itself are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The names, by their bytes, each with whether it counts under the ignore rules.
    pub names: Vec<(Vec<u8>, bool)>,
    /// Of all that.
    pub digest: Digest,
    /// The directory's stat, if as long as it is the same, the names are.
    pub vouched: Option<StatKey>,
}

/// Lists the directory at `path`, following links; `None` if there is none.
///
/// # Errors
///
/// When it cannot be listed.
pub fn glance(path: &Path, rules: &IgnoreRules) -> Result<Option<Glance>, HashError> {
    let began = Moment::now();
    let failed = |errno: Errno| HashError::Io {
        action: "list",
        path: path.to_owned(),
        source: errno.into(),
    };
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let open = match openat(CWD, path, flags, Mode::empty()) {
        Ok(open) => open,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    let stat = StatKey::of(&fstat(&open).map_err(failed)?);
    let listed = Names::list(&open).map_err(failed)?;
    let mut names = Vec::with_capacity(listed.len());
    let mut bytes = Vec::new();
    for index in 0..listed.len() {
        let (name, kind) = listed.get(index);
        let raw = name.to_bytes();
        if is_reserved(raw) {
            continue;
        }
        let is_dir = match kind {
            FileType::Unknown => statat(&open, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory),
            kind => kind == FileType::Directory,
        };
        let counts = !rules.ignores(path, raw, is_dir, |name| listed.has(name));
        bytes.push(u8::from(counts));
        bytes.extend(raw);
        bytes.push(0);
        names.push((raw.to_owned(), counts));
    }
    let by_stat = locality_of_open(&open) == Locality::Names && !is_racy(&stat, began);
    Ok(Some(Glance {
        digest: digest_bytes(&bytes),
        names,
        vouched: by_stat.then_some(stat),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path, rules: &IgnoreRules) -> Vec<(String, bool)> {
        let found = glance(path, rules).unwrap().unwrap();
        let text = |(name, counts): (Vec<u8>, bool)| (String::from_utf8(name).unwrap(), counts);
        found.names.into_iter().map(text).collect()
    }

    #[test]
    fn names_with_whether_they_count() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "a.pyc", ".playbook-aside-1", "p.yaml", "p.lock.yaml"] {
            std::fs::File::create(dir.path().join(name)).unwrap();
        }
        std::fs::create_dir(dir.path().join(".git")).unwrap();
        let rules = IgnoreRules::defaults_only().unwrap();
        let expected = [
            (".git", false),
            ("a.pyc", false),
            ("b", true),
            ("p.lock.yaml", false),
            ("p.yaml", true),
        ];
        let expected = expected.map(|(name, counts)| (name.to_owned(), counts));
        assert_eq!(names(dir.path(), &rules), expected);
    }

    #[test]
    fn what_is_no_directory_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let rules = IgnoreRules::defaults_only().unwrap();
        std::fs::File::create(dir.path().join("file")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        for name in ["file", "link", "none", "file/below"] {
            assert_eq!(
                glance(&dir.path().join(name), &rules).unwrap(),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn another_name_is_another_digest_and_another_time_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let rules = IgnoreRules::defaults_only().unwrap();
        let digest = || glance(dir.path(), &rules).unwrap().unwrap().digest;
        let empty = digest();
        std::fs::File::create(dir.path().join("ab")).unwrap();
        let one = digest();
        std::fs::File::create(dir.path().join(".playbook-x")).unwrap();
        assert_eq!(digest(), one);
        std::fs::remove_file(dir.path().join("ab")).unwrap();
        std::fs::File::create(dir.path().join("ac")).unwrap();
        assert!(digest() != one && digest() != empty);
        std::fs::remove_file(dir.path().join("ac")).unwrap();
        assert_eq!(digest(), empty);
    }

    /// A directory that was changed just now may be changed again without its stat telling.
    #[test]
    fn a_young_directory_is_not_vouched_for() {
        let dir = tempfile::tempdir().unwrap();
        let rules = IgnoreRules::defaults_only().unwrap();
        assert_eq!(glance(dir.path(), &rules).unwrap().unwrap().vouched, None);
    }
}
