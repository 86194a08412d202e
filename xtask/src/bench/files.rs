//! The files that are measured: writing them, telling what a tool did to them, and giving them time to settle.

use std::cell::Cell;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::rivals::Call;
use crate::tools::output_of;

const BLOCK: usize = 1 << 20;
/// Files in one folder of a tree.
const FOLDER: usize = 1000;

/// How long files are left alone before the first run that counts, in seconds. A file that changed less than two
/// seconds before it was read may change again without a new time stamp, so playbook reads it again next time, as git
/// does with its index. Nobody's pipeline is always two seconds old; what is measured is one that has been left alone.
pub(super) const SETTLE: &str = "2.5";

/// Writes a file, and makes the folders above it.
pub(super) fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The bytes of the n-th file, the same on every machine: its number, then a pattern without a period of note.
fn fill(number: usize, size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = format!("{number:016}\n").into_bytes();
    while bytes.len() < size {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Writes one large file of so many mebibytes, each of its own.
pub(super) fn large_file(path: &Path, mebibytes: usize) -> anyhow::Result<()> {
    put(path, b"")?;
    let mut file = BufWriter::with_capacity(BLOCK, File::create(path)?);
    let mut block = fill(0, BLOCK);
    for number in 0..mebibytes {
        block[..17].copy_from_slice(format!("{number:016}\n").as_bytes());
        file.write_all(&block)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(file.flush()?)
}

/// Writes a tree of small files, a thousand to a folder.
pub(super) fn tree(folder: &Path, files: usize, size: usize) -> anyhow::Result<()> {
    let mut bytes = fill(0, size);
    for number in 0..files {
        let place = folder.join(format!("{:04}", number / FOLDER));
        if number % FOLDER == 0 {
            fs::create_dir_all(&place)?;
        }
        let head = format!("{number:016}\n");
        let head = &head.as_bytes()[..head.len().min(size)];
        bytes[..head.len()].copy_from_slice(head);
        let path = place.join(format!("{number:06}.bin"));
        File::create(&path)
            .and_then(|mut file| file.write_all(&bytes))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Where what runs have made waits for the end.
///
/// It is not removed between runs, because that is not over when the files are gone: ext4 without a journal leaves the
/// inode of a removed file alone for up to some minutes, and whoever makes a file meanwhile looks at each of them again
/// (`recently_deleted` in the kernel's `fs/ext4/ialloc.c`). Behind the removal of 100,000 files a run took half as long
/// again, and who met how many of them depended on whose turn it was.
pub(super) struct Aside {
    folder: PathBuf,
    count: Cell<usize>,
}

impl Aside {
    /// In a folder that is made here, on the file system of what is put there.
    pub(super) fn new(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self {
            folder,
            count: Cell::new(0),
        })
    }

    /// Takes a file or a folder out of the way.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing that has to outlast a crash"
    )]
    pub(super) fn put(&self, path: &Path) -> anyhow::Result<()> {
        self.count.set(self.count.get() + 1);
        fs::rename(path, self.folder.join(self.count.get().to_string()))
            .with_context(|| format!("cannot move {} out of the way", path.display()))
    }

    /// Empties a folder but for these entries.
    pub(super) fn all_but(&self, kept: &[&str], folder: &Path) -> anyhow::Result<()> {
        let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        let others = entries
            .iter()
            .filter(|entry| kept.iter().all(|name| entry.file_name() != *name));
        others
            .map(fs::DirEntry::path)
            .try_for_each(|path| self.put(&path))
    }
}

/// What a file's stat says of who wrote it last and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    seconds: i64,
    nanos: i64,
}

/// Of each file.
pub(super) fn stamps<'a>(
    folder: &Path,
    paths: impl Iterator<Item = &'a str>,
) -> anyhow::Result<Vec<Stamp>> {
    let stamp = |path: &str| {
        let found =
            fs::metadata(folder.join(path)).with_context(|| format!("{path} is missing"))?;
        Ok(Stamp {
            inode: found.ino(),
            seconds: found.mtime(),
            nanos: found.mtime_nsec(),
        })
    };
    paths.map(stamp).collect()
}

/// Where two lists of stamps differ.
pub(super) fn rewritten(before: &[Stamp], after: &[Stamp]) -> Vec<usize> {
    let pairs = before.iter().zip(after).enumerate();
    pairs
        .filter(|(_, (before, after))| before != after)
        .map(|(at, _)| at)
        .collect()
}

/// One number for the contents of all files, none of which may be missing or empty.
pub(super) fn contents<'a>(
    folder: &Path,
    paths: impl Iterator<Item = &'a str>,
) -> anyhow::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        let bytes = fs::read(folder.join(path))
            .with_context(|| format!("{path} was not made in {}", folder.display()))?;
        ensure!(!bytes.is_empty(), "{path} is empty in {}", folder.display());
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    Ok(hasher.finish())
}

/// Runs what only foretells once, uncounted, and looks whether it says how much there is to do.
pub(super) fn foretold(call: &Call, count: usize) -> anyhow::Result<()> {
    let output = call
        .command()
        .output()
        .with_context(|| format!("cannot start {}", call.program.display()))?;
    ensure!(output.status.success(), "it fails when it foretells");
    let said = String::from_utf8_lossy(&output.stdout).replace(',', "");
    let count = count.to_string();
    let told = said.split_whitespace().any(|word| word == count);
    ensure!(told, "it does not say that there are {count} to do");
    Ok(())
}

/// Nothing is in this folder.
pub(super) fn made_nothing(folder: &Path) -> anyhow::Result<()> {
    let made = fs::read_dir(folder)?.count();
    ensure!(
        made == 0,
        "{made} files were made though none was asked for"
    );
    Ok(())
}

/// Waits until everything that was written is on the disk, so that no run has to wait for what another has written.
pub(super) fn on_disk() -> anyhow::Result<()> {
    output_of("sync", &[]).context("`sync` failed")?;
    Ok(())
}

/// Leaves all files alone for so many seconds. Time is what is waited for, and nothing tells when it has passed but a
/// clock.
pub(super) fn settle(seconds: &str) -> anyhow::Result<()> {
    on_disk()?;
    output_of("sleep", &[seconds]).context("`sleep` failed")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let aside = Aside::new(folder.path().join("aside")).unwrap();
        let project = folder.path().join("project");
        for _ in 0..2 {
            put(&project.join("kept"), b"1").unwrap();
            put(&project.join("out/made"), b"2").unwrap();
            aside.all_but(&["kept"], &project).unwrap();
        }
        let names = |of: &Path| fs::read_dir(of).unwrap().count();
        assert_eq!(names(&project), 1);
        assert!(project.join("kept").exists());
        for number in ["1", "2"] {
            assert!(
                folder
                    .path()
                    .join("aside")
                    .join(number)
                    .join("made")
                    .exists()
            );
        }
    }

    #[test]
    fn files_differ_in_their_heads_only() {
        let (a, b) = (fill(1, 4096), fill(2, 4096));
        assert_eq!(a.len(), 4096);
        assert_ne!(a[..17], b[..17]);
        assert_eq!(a[17..], b[17..]);
        assert_ne!(a[24..32], a[32..40]);
        assert_eq!(fill(7, 3), b"000");
    }

    #[test]
    fn what_was_rewritten_is_found() {
        let stamp = |nanos| Stamp {
            inode: 1,
            seconds: 2,
            nanos,
        };
        assert_eq!(rewritten(&[stamp(1), stamp(2)], &[stamp(1), stamp(3)]), [1]);
    }
}
