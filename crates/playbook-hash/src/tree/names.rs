//! The names in a directory.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::FileType;
use rustix::io::Errno;

/// How much of a directory is taken from the system at once.
#[cfg(target_os = "linux")]
const BUFFER: usize = 64 * 1024;

/// The names in a directory, sorted by their bytes, all in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each with a zero behind it.
    bytes: Vec<u8>,
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    /// Its first bytes as a number that sorts as they do: most names differ there.
    front: u64,
    start: usize,
    end: usize,
    kind: FileType,
}

impl Names {
    /// Lists the names in a directory that was just opened.
    pub(super) fn list(fd: &OwnedFd) -> Result<Self, Errno> {
        let mut names = Self::default();
        names.gather(fd)?;
        let Self { bytes, names: list } = &mut names;
        list.sort_unstable_by(|a, b| {
            let rest = || bytes[a.start..a.end].cmp(&bytes[b.start..b.end]);
            a.front.cmp(&b.front).then_with(rest)
        });
        Ok(names)
    }

    /// Without a piece of memory for every name.
    #[cfg(target_os = "linux")]
    fn gather(&mut self, fd: &OwnedFd) -> Result<(), Errno> {
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = rustix::fs::RawDir::new(fd, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            self.push(entry.file_name(), entry.file_type());
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn gather(&mut self, fd: &OwnedFd) -> Result<(), Errno> {
        for entry in rustix::fs::Dir::read_from(fd)? {
            let entry = entry?;
            self.push(entry.file_name(), entry.file_type());
        }
        Ok(())
    }

    fn push(&mut self, name: &CStr, kind: FileType) {
        if matches!(name.to_bytes(), b"." | b"..") {
            return;
        }
        let bytes = name.to_bytes();
        let mut front = [0; 8];
        let length = bytes.len().min(front.len());
        front[..length].copy_from_slice(&bytes[..length]);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        self.names.push(Name {
            front: u64::from_be_bytes(front),
            start,
            end: self.bytes.len(),
            kind,
        });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// A name, and what the directory says it is.
    pub(super) fn get(&self, index: usize) -> (&CStr, FileType) {
        let name = &self.names[index];
        let bytes = &self.bytes[name.start..name.end];
        let text = CStr::from_bytes_with_nul(bytes).unwrap_or_default();
        (text, name.kind)
    }

    /// Whether this is one of them.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        let found = self.names.binary_search_by(|other| {
            // Without the zero behind it.
            self.bytes[other.start..other.end - 1].cmp(name)
        });
        found.is_ok()
    }
}
