//! Where the lock of a playbook is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// `pipelines/etl.yaml` and `pipelines/etl.yml` alike have the lock `pipelines/etl.lock.yaml`.
pub fn lock_file_path(playbook: &Path) -> PathBuf {
    beside(playbook, ".lock.yaml")
}

/// The file with the playbook's stem and this ending.
pub(crate) fn beside(playbook: &Path, ending: &str) -> PathBuf {
    let yaml = playbook
        .extension()
        .is_some_and(|ext| ext == "yaml" || ext == "yml");
    let stem = if yaml {
        playbook.file_stem()
    } else {
        playbook.file_name()
    };
    let mut name = OsString::from(stem.unwrap_or_default());
    name.push(ending);
    playbook.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_the_playbook() {
        for (playbook, lock) in [
            ("p.yaml", "p.lock.yaml"),
            ("a/p.yml", "a/p.lock.yaml"),
            ("/x/a.b.yaml", "/x/a.b.lock.yaml"),
        ] {
            assert_eq!(lock_file_path(Path::new(playbook)), Path::new(lock));
        }
    }
}
