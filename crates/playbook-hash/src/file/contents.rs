//! The bytes of an open file, read to the end and hashed.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;

use blake3::hazmat::{
    ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use playbook_types::digest::Digest;
use rayon::prelude::*;

use crate::file::halt::Halt;
use crate::file::progress;

/// One read. A power of two, so that a block is a subtree; small enough for a core's own cache.
pub(super) const BLOCK: usize = 512 * 1024;
/// From this size on, a file is large: its blocks are shared among all threads. At least two blocks, so that each
/// of them is less than the whole.
pub(super) const LARGE: u64 = 2 * BLOCK as u64;
/// One read of a file that says it is empty.
const UNKNOWN: usize = 16 * 1024;
/// So many blocks are merged into one value before the next are begun. A power of two.
const WINDOW: u64 = 8192;

/// The digest of everything in a file, and how many bytes that is. `size` is what its stat says. Nothing if the file is large
/// and has another size.
pub(super) fn read(file: &File, size: u64, halt: &Halt) -> io::Result<Option<(Digest, u64)>> {
    if size >= LARGE {
        let digest = read_large(file, size, halt)?;
        Ok(digest.map(|digest| (digest, size)))
    } else {
        // One byte more than there should be, so that a single read also finds the end. Files whose stat does
        // not know their size (as in /proc) say zero.
        let wanted = usize::try_from(size + 1).map_or(BLOCK, |wanted| wanted.min(BLOCK));
        let wanted = if size == 0 { UNKNOWN } else { wanted };
        with_buffer(wanted, |buffer| read_small(file, size, (buffer, halt))).map(Some)
    }
}

/// Hands out so much of the thread's buffer, which grows as it is needed.
fn with_buffer<T>(wanted: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.take();
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
    let done = work(&mut buffer[..wanted]);
    BUFFER.set(buffer);
    done
}

fn read_small(
    file: &File,
    size: u64,
    (block, halt): (&mut [u8], &Halt),
) -> io::Result<(Digest, u64)> {
    let mut count = read_at(file, block, 0)?;
    if size > 0 && count as u64 == size {
        let digest = blake3::hash(&block[..count]);
        return Ok((Digest::from_bytes(*digest.as_bytes()), size));
    }
    let mut hasher = blake3::Hasher::new();
    let mut offset = 0;
    while count > 0 {
        halt.check()?;
        hasher.update(&block[..count]);
        offset += count as u64;
        count = read_at(file, block, offset)?;
    }
    Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), offset))
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(read) => {
                progress::count(read as u64);
                return Ok(read);
            }
            refused @ Err(_) => return refused,
        }
    }
}

/// Reads exactly `size` bytes with all threads; nothing if there are fewer or more.
fn read_large(file: &File, size: u64, halt: &Halt) -> io::Result<Option<Digest>> {
    let blocks = Blocks {
        file,
        size,
        halt,
        failed: OnceLock::new(),
    };
    let digest = blocks.digest();
    match (blocks.failed.into_inner(), digest) {
        (Some(error), _) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        (Some(error), _) => Err(error),
        (None, digest) => {
            let more = read_at(file, &mut [0], size)?;
            Ok(digest.filter(|_| more == 0))
        }
    }
}

/// A large file being read.
struct Blocks<'a> {
    file: &'a File,
    size: u64,
    halt: &'a Halt,
    /// Why it cannot be; no further block is read then.
    failed: OnceLock<io::Error>,
}

impl Blocks<'_> {
    fn digest(&self) -> Option<Digest> {
        let count = self.size.div_ceil(BLOCK as u64);
        let mut values = self.window(0, count.min(WINDOW))?;
        if count > WINDOW {
            values = vec![merged(&values)];
            for first in (WINDOW..count).step_by(to_usize(WINDOW)) {
                let window = self.window(first, (first + WINDOW).min(count))?;
                values.push(merged(&window));
            }
        }
        Some(root(&values))
    }

    /// The values of these blocks. Threads take them in the order of the file, so that the disk is read from front to back.
    fn window(&self, first: u64, end: u64) -> Option<Vec<ChainingValue>> {
        let mut values = vec![[0; 32]; to_usize(end - first)];
        let blocks = (first..end).zip(&mut values).par_bridge();
        let whole = blocks.map(|(index, value)| {
            *value = self.block(index)?;
            Some(())
        });
        whole.collect::<Option<()>>()?;
        Some(values)
    }

    fn block(&self, index: u64) -> Option<ChainingValue> {
        let offset = index * BLOCK as u64;
        let length = to_usize((self.size - offset).min(BLOCK as u64));
        if self.failed.get().is_some() {
            return None;
        }
        with_buffer(length, |block| {
            let halted = self.halt.check();
            if let Err(error) = halted.and_then(|()| self.file.read_exact_at(block, offset)) {
                self.failed.set(error).ok();
                return None;
            }
            progress::count(length as u64);
            let mut hasher = blake3::Hasher::new();
            hasher.set_input_offset(offset);
            hasher.update(block);
            Some(hasher.finalize_non_root())
        })
    }
}

/// The digest of a whole from the values of its parts, at least two, all of one size but the last.
fn root(values: &[ChainingValue]) -> Digest {
    let (left, right) = values.split_at(left_of(values.len()));
    let root = merge_subtrees_root(&merged(left), &merged(right), Mode::Hash);
    Digest::from_bytes(*root.as_bytes())
}

/// The value of a subtree from those of its parts, all of one size but the last.
fn merged(values: &[ChainingValue]) -> ChainingValue {
    if let [value] = values {
        return *value;
    }
    let (left, right) = values.split_at(left_of(values.len()));
    merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
}

/// How many of so many parts, at least two, are in the left subtree: the largest power of two that leaves one.
fn left_of(parts: usize) -> usize {
    parts.next_power_of_two() / 2
}

/// Of what is far below the width of any machine's addresses.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        let pattern: Vec<u8> = (0..=250).collect();
        pattern.iter().copied().cycle().take(length).collect()
    }

    fn file(contents: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(contents).unwrap();
        file
    }

    fn plain(bytes: &[u8]) -> Digest {
        Digest::from_bytes(*blake3::hash(bytes).as_bytes())
    }

    /// The pattern and the digests of its first bytes are those of BLAKE3's own test vectors.
    #[test]
    fn digests_are_those_of_the_vectors() {
        for (length, hex) in [
            (
                0,
                "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
            ),
            (
                1,
                "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
            ),
            (
                1023,
                "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
            ),
            (
                1024,
                "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
            ),
            (
                1025,
                "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
            ),
            (
                102_400,
                "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
            ),
        ] {
            let (found, size) = read(&file(&bytes(length)), length as u64, &Halt::default())
                .unwrap()
                .unwrap();
            assert_eq!(found.to_string(), format!("blake3:{hex}"), "{length}");
            assert_eq!(size, length as u64);
        }
    }

    #[test]
    fn every_size_reads_the_same_as_in_one_piece() {
        let whole = bytes(9 * BLOCK);
        let around = |size: usize| [size - 1, size, size + 1];
        let sizes = [
            1024,
            2048,
            64 * 1024,
            BLOCK,
            2 * BLOCK,
            3 * BLOCK,
            4 * BLOCK,
            8 * BLOCK,
        ];
        let sizes = sizes.into_iter().flat_map(around);
        for size in sizes.chain([3 * BLOCK + 7, 5 * BLOCK + 1024, 7 * BLOCK + 1025]) {
            let found = read(&file(&whole[..size]), size as u64, &Halt::default()).unwrap();
            assert_eq!(found, Some((plain(&whole[..size]), size as u64)), "{size}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_size_reads_the_same(blocks in 0..7_usize, more in 0..BLOCK) {
            let whole = bytes(blocks * BLOCK + more);
            let found = read(&file(&whole), whole.len() as u64, &Halt::default()).unwrap();
            prop_assert_eq!(found, Some((plain(&whole), whole.len() as u64)));
        }

        /// Whatever is made of the values of many blocks, window by window, is what BLAKE3 makes of all of them.
        #[test]
        fn values_merge_as_the_tree_does(parts in 2..70_usize, last in 1..=1024_usize) {
            let whole = bytes((parts - 1) * 1024 + last);
            let values: Vec<ChainingValue> = whole
                .chunks(1024)
                .zip(0_u64..)
                .map(|(part, index)| {
                    let mut hasher = blake3::Hasher::new();
                    hasher.set_input_offset(index * 1024).update(part);
                    hasher.finalize_non_root()
                })
                .collect();
            let windows: Vec<ChainingValue> = values.chunks(8).map(merged).collect();
            for values in [values, windows] {
                if values.len() > 1 {
                    prop_assert_eq!(root(&values), plain(&whole));
                }
            }
        }
    }

    #[test]
    fn what_its_stat_calls_empty_is_read_to_the_end() {
        let contents = bytes(3 * BLOCK + 1);
        let found = read(&file(&contents), 0, &Halt::default()).unwrap();
        assert_eq!(found, Some((plain(&contents), contents.len() as u64)));
    }

    #[test]
    fn nothing_is_read_to_its_end_once_that_is_not_wanted() {
        let halt = Halt::default();
        halt.set();
        let contents = bytes(3 * BLOCK);
        for size in [0, LARGE + 1, contents.len() as u64] {
            assert!(read(&file(&contents), size, &halt).is_err(), "{size}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let only_written = tempfile::NamedTempFile::new().unwrap();
        let open = File::options()
            .write(true)
            .open(only_written.path())
            .unwrap();
        for size in [0, 1, LARGE, 9 * LARGE] {
            let error = read(&open, size, &Halt::default()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(9), "EBADF at {size}");
        }
    }
}
