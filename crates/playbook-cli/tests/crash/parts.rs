//! Parts of what stands in a directory.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::Files;

pub(crate) fn is_below(file: &str, path: &str) -> bool {
    let rest = file.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The files at a path or below it, by the rest of their paths.
pub(crate) fn below<'f>(files: &'f Files, path: &str) -> BTreeMap<&'f str, &'f [u8]> {
    files
        .iter()
        .filter(|(file, _)| is_below(file, path))
        .map(|(file, bytes)| (&file[path.len()..], bytes.as_slice()))
        .collect()
}

/// Paths beside an out under reserved names.
pub(crate) fn asides_of(files: &Files, out: &str, ending: &str) -> BTreeSet<String> {
    let (directory, _) = out.rsplit_once('/').unwrap();
    let names = files.keys().filter_map(|file| {
        let rest = file.strip_prefix(directory)?.strip_prefix('/')?;
        let name = rest.split('/').next()?;
        let ours = name.starts_with(".playbook-aside-") && name.ends_with(ending);
        ours.then(|| format!("{directory}/{name}"))
    });
    names.collect()
}

pub(crate) fn text_of(files: &BTreeMap<&str, &[u8]>) -> String {
    let texts = files
        .iter()
        .map(|(path, bytes)| format!("{path}: {}", String::from_utf8_lossy(bytes)));
    format!("{{{}}}", texts.collect::<Vec<_>>().join("; "))
}
