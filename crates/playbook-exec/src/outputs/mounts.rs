//! What is mounted below a directory.

use std::path::{Path, PathBuf};

/// A file system mounted somewhere below `directory`, if there is one. Moving the directory would take it
/// along, and removing it would lose what is none of ours. Where the system does not tell, none.
pub(super) fn mount_below(directory: &Path) -> Option<PathBuf> {
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    // The table has real paths.
    let directory = directory.canonicalize().ok()?;
    mount_points(&table).find(|point| point.starts_with(&directory) && *point != directory)
}

/// The fifth field of each line, with its escapes undone (`proc_pid_mountinfo(5)`).
fn mount_points(table: &[u8]) -> impl Iterator<Item = PathBuf> + '_ {
    table.split(|byte| *byte == b'\n').filter_map(|line| {
        let field = line.split(|byte| *byte == b' ').nth(4)?;
        Some(unescaped(field))
    })
}

/// Space, tab, line break and backslash are written as `\` and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'\\').then(|| octal(after)).flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() {
            &after[3..]
        } else {
            after
        };
    }
    std::ffi::OsString::from_vec(bytes).into()
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..3)?).ok()?;
    u8::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_read_back() {
        let table = b"36 35 98:0 /m /data/my\\040dir\\134x rw - ext4 /dev/sda rw\n37 35 0:5 / /p rw - proc p rw\n";
        let points: Vec<_> = mount_points(table).collect();
        assert_eq!(points, [Path::new("/data/my dir\\x"), Path::new("/p")]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_root_has_mounts_below_it() {
        let found = mount_below(Path::new("/"));
        assert!(found.is_some(), "at least /proc is mounted there");
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(mount_below(empty.path()), None);
    }
}
