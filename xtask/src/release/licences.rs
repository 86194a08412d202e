//! The licences of everything that is in the program, with their texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, ensure};

use crate::release::metadata::Package;

/// Packages whose text is not in them, each with where it is. None so far.
const WITHOUT_TEXT: &[(&str, &str)] = &[];

/// How files with a licence in them begin, in small letters.
const NAMES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// What is in every static program beside crates.
const STANDARD: &str = "\
The Rust standard library: MIT OR Apache-2.0. Copyright the Rust project contributors; its texts are LICENSE-MIT and
LICENSE-APACHE, as beside this file.
";
const MUSL: &str = "musl, the C library: MIT. Copyright 2005-2025 Rich Felker and others.\n";
const GLIBC: &str = "\
The GNU C Library, linked statically: LGPL-2.1-or-later. Copyright the Free Software Foundation and others. Its source is
that of the Linux distribution the program was built on. To link playbook with another version of it, build playbook from
its source: the whole of it is public, under the licences beside this file.
";

/// The file for the archive.
///
/// # Errors
///
/// A package without a licence, or without its text.
pub(super) fn text(packages: &[&Package], triple: &str) -> anyhow::Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut missing = Vec::new();
    let mut list = String::new();
    for package in packages.iter().filter(|package| !package.ours) {
        let title = format!("{} {}", package.name, package.version);
        let licence = package.licence.as_deref();
        let licence = licence.with_context(|| format!("{title} has no licence"))?;
        // A string takes whatever is written to it.
        let _ok = writeln!(list, "  {title}: {licence}");
        let found = texts_of(package)?;
        let elsewhere = WITHOUT_TEXT.iter().find(|(name, _)| *name == package.name);
        match (found.is_empty(), elsewhere) {
            (true, Some((_, text))) => texts.entry((*text).to_owned()).or_default().push(title),
            (true, None) => missing.push(title),
            (false, _) => {
                for text in found {
                    texts.entry(text).or_default().push(title.clone());
                }
            }
        }
    }
    ensure!(
        missing.is_empty(),
        "no text of the licence in: {}; find it and add it to WITHOUT_TEXT in xtask/src/release/licences.rs",
        missing.join(", ")
    );
    let library = if triple.ends_with("musl") {
        MUSL
    } else {
        GLIBC
    };
    let mut file = format!(
        "What playbook is made of beside its own code.\n\n{STANDARD}\n{library}\nCrates:\n\n{list}"
    );
    for (text, titles) in texts {
        let rule = "=".repeat(80);
        let _ok = write!(file, "\n{rule}\n{}\n{rule}\n\n{text}\n", titles.join(", "));
    }
    Ok(file)
}

/// Every licence in the folder of a package.
fn texts_of(package: &Package) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(&package.folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if NAMES.iter().any(|begin| name.starts_with(begin)) && entry.path().is_file() {
            names.push(entry.path());
        }
    }
    names.sort();
    let mut texts = Vec::new();
    for path in names {
        let bytes = fs::read(&path)?;
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        if !text.trim().is_empty() {
            texts.push(text.trim_end().to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn package(name: &str, folder: &Path) -> Package {
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: Some("MIT".to_owned()),
            folder: folder.to_owned(),
            ours: false,
            published: true,
            checksum: None,
            needs: Vec::new(),
        }
    }

    #[test]
    fn a_text_that_several_share_stands_there_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("LICENSE-MIT"), "Permission\r\n").unwrap();
        fs::write(folder.path().join("main.rs"), "fn main").unwrap();
        let (one, two) = (package("one", folder.path()), package("two", folder.path()));
        let text = text(&[&one, &two], "x86_64-unknown-linux-gnu").unwrap();
        assert!(text.contains("one 1.0.0, two 1.0.0\n"));
        assert!(text.contains("one 1.0.0: MIT\n"));
        assert_eq!(text.matches("Permission").count(), 1);
        assert!(text.contains("LGPL") && !text.contains("fn main"));
    }

    #[test]
    fn a_package_without_a_text_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("COPYING"), " \n").unwrap();
        let error = text(&[&package("bare", folder.path())], "musl").unwrap_err();
        assert!(error.to_string().contains("bare 1.0.0"), "{error}");
        let nameless = Package {
            licence: None,
            ..package("nameless", folder.path())
        };
        assert!(
            text(&[&nameless], "musl")
                .unwrap_err()
                .to_string()
                .contains("nameless 1.0.0 has no licence")
        );
    }
}
