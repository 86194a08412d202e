//! Everything below a directory, to be compared.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What stands at a path: its kind, its permissions and its contents or, for a link, its text.
pub(crate) type Tree = BTreeMap<OsString, (char, u32, Vec<u8>)>;

/// Everything below a directory, and the directory itself under the name `.`.
pub(crate) fn tree(top: &Path) -> Tree {
    let mut found = Tree::new();
    let mut left = vec![OsString::from(".")];
    while let Some(name) = left.pop() {
        let path = top.join(&name);
        let meta = fs::symlink_metadata(&path).unwrap();
        let mode = meta.permissions().mode() & 0o7777;
        let what = if meta.is_dir() {
            for entry in fs::read_dir(&path).unwrap() {
                left.push(Path::new(&name).join(entry.unwrap().file_name()).into());
            }
            ('d', mode, Vec::new())
        } else if meta.is_symlink() {
            let text = fs::read_link(&path).unwrap().into_os_string();
            ('l', 0, text.into_encoded_bytes())
        } else if meta.is_file() {
            ('f', mode, fs::read(&path).unwrap())
        } else {
            ('?', mode, Vec::new())
        };
        found.insert(name, what);
    }
    found
}
