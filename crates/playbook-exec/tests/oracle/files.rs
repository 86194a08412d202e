//! What is done to files, and time passing between one thing and the next.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

pub(crate) fn put(path: &Path, text: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fs::write(path, text).unwrap();
}

pub(crate) fn rename(from: &Path, to: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fs::rename(from, to).unwrap();
}

pub(crate) fn link(target: &str, path: &Path) {
    std::os::unix::fs::symlink(target, path).unwrap();
}

pub(crate) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_symlink())
}

/// Removes what is there, if anything is; a link and not what it leads to.
pub(crate) fn remove(path: &Path) {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Writes in place, and gives the file back the times it had.
pub(crate) fn put_in_secret(path: &Path, text: &str) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    put(path, text);
    let file = File::options().append(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(modified))
        .unwrap();
}

/// Makes it a minute older.
pub(crate) fn touch(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let file = File::open(path).unwrap();
    file.set_modified(modified - Duration::from_mins(1))
        .unwrap();
}

/// Changes one bit, if the file is there.
pub(crate) fn flip(path: &Path, at: usize) {
    if let Ok(mut bytes) = fs::read(path) {
        let at = at % bytes.len();
        bytes[at] ^= 1;
        #[expect(clippy::disallowed_methods, reason = "a test's own files")]
        fs::write(path, bytes).unwrap();
    }
}

/// Waits until whatever is written from now on is younger, by the clock of the file system, than all there is:
/// what a run has read it has read before any later edit.
pub(crate) fn let_time_pass(directory: &Path) {
    let newest = newest(directory);
    let scratch = tempfile::NamedTempFile::new_in(directory.parent().unwrap()).unwrap();
    loop {
        put(scratch.path(), "");
        if changed(scratch.path()) > newest {
            return;
        }
    }
}

fn changed(path: &Path) -> (i64, i64) {
    let meta = path.symlink_metadata().unwrap();
    (meta.ctime(), meta.ctime_nsec())
}

/// When something below a directory changed last.
fn newest(directory: &Path) -> (i64, i64) {
    let mut newest = changed(directory);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let directory = path.symlink_metadata().unwrap().is_dir();
        newest = newest.max(if directory {
            self::newest(&path)
        } else {
            changed(&path)
        });
    }
    newest
}

/// Every file below a directory, by its path from there.
pub(crate) fn read_tree(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(at) = left.pop() {
        let Ok(entries) = fs::read_dir(&at) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let text = fs::read(&path).unwrap_or_default();
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), String::from_utf8_lossy(&text).into_owned());
            }
        }
    }
    found
}
