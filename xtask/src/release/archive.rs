//! The archive, the same byte for byte whoever packs the same tree, and the sums of what is released.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::release::shell;

/// Packs a folder beside it.
pub(super) fn pack(directory: &Path, folder: &Path, epoch: u64) -> anyhow::Result<PathBuf> {
    let name = folder
        .file_name()
        .context("the folder has a name")?
        .to_string_lossy();
    same_modes(folder)?;
    let tar = directory.join(format!("{name}.tar"));
    let (inside, file, time) = (
        directory.display().to_string(),
        tar.display().to_string(),
        format!("--mtime=@{epoch}"),
    );
    let args = [
        "--create",
        "--file",
        &file,
        "--format=ustar",
        "--sort=name",
        &time,
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "-C",
        &inside,
        "--",
        &name,
    ];
    shell::output("tar", &args)?;
    shell::output("gzip", &["--no-name", "--best", "--force", &file])?;
    Ok(directory.join(format!("{name}.tar.gz")))
}

/// Whatever mask files were made under.
fn same_modes(path: &Path) -> anyhow::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    ensure!(
        !metadata.is_symlink(),
        "{} is a link; an archive has files alone",
        path.display()
    );
    let runs = metadata.is_dir() || metadata.permissions().mode() & 0o100 != 0;
    fs::set_permissions(
        path,
        fs::Permissions::from_mode(if runs { 0o755 } else { 0o644 }),
    )?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            same_modes(&entry?.path())?;
        }
    }
    Ok(())
}

/// Writes `SHA256SUMS` of every file in the directory.
pub(super) fn sums(directory: &Path) -> anyhow::Result<()> {
    let mut text = String::new();
    for name in files(directory) {
        let path = directory.join(&name).display().to_string();
        let line = shell::text("sha256sum", &["--", &path])?;
        let (sum, _) = line
            .split_once(' ')
            .context("sha256sum prints a sum and a name")?;
        text.extend([sum, "  ", &name, "\n"]);
    }
    fs::write(directory.join("SHA256SUMS"), text)?;
    Ok(())
}

/// The files with their sizes, for people.
pub(super) fn listing(directory: &Path) -> Vec<String> {
    let line = |name: &String| {
        let size = fs::metadata(directory.join(name)).map_or(0, |it| it.len().div_ceil(1024));
        format!("{size:>6} KiB  {name}")
    };
    files(directory).iter().map(line).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(names: &[&str], mode: u32) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("playbook-1.0.0");
        for name in names {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::read(pack(directory.path(), &folder, 1_700_000_000).unwrap()).unwrap()
    }

    #[test]
    fn the_same_files_make_the_same_archive_however_they_came_to_be() {
        let one = packed(&["a", "b/c", "b/d"], 0o600);
        let other = packed(&["b/d", "a", "b/c"], 0o664);
        assert_eq!(one, other);
        assert_ne!(one, packed(&["a", "b/c"], 0o600));
    }

    #[test]
    fn entries_are_sorted_and_belong_to_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("x.tar.gz");
        fs::write(&archive, packed(&["z", "a/y"], 0o777)).unwrap();
        let args = [
            "--list",
            "--verbose",
            "--full-time",
            "--utc",
            "--numeric-owner",
            "--file",
            archive.to_str().unwrap(),
        ];
        let listing = shell::text("tar", &args).unwrap();
        let lines: Vec<Vec<&str>> = listing
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let names: Vec<&str> = lines.iter().map(|line| line[5]).collect();
        assert_eq!(
            names,
            [
                "playbook-1.0.0/",
                "playbook-1.0.0/a/",
                "playbook-1.0.0/a/y",
                "playbook-1.0.0/z"
            ]
        );
        for line in &lines {
            assert_eq!(
                (line[1], line[3], line[4]),
                ("0/0", "2023-11-14", "22:13:20"),
                "{listing}"
            );
            assert!(["drwxr-xr-x", "-rwxr-xr-x"].contains(&line[0]), "{listing}");
        }
    }

    #[test]
    fn sums_are_those_that_sha256sum_checks() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a"), "a").unwrap();
        sums(directory.path()).unwrap();
        let sums = fs::read_to_string(directory.path().join("SHA256SUMS")).unwrap();
        assert_eq!(
            sums,
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n"
        );
    }
}
