//! The archive, tried where there is nothing else: unpacked in an empty root, and in one with a shell and little more.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::release::{Release, shell};
use crate::say::say;
use crate::tools::output_of;

/// What the commands of the example call.
const PROGRAMS: [&str; 6] = ["sh", "awk", "sort", "mkdir", "cat", "env"];

/// A root of its own for the time of one command: with its own view of mounts, and of users where that is needed.
const INSIDE: &str = "\
mkdir -p \"$1/dev\" \"$1/proc\" && mount --rbind /dev \"$1/dev\" && mount --rbind /proc \"$1/proc\" && \
root=$1 && shift && exec chroot \"$root\" \"$@\"";

/// Unpacks the archive and runs the program and the example in it.
pub(super) fn unpacked(release: &Release, archive: &Path) -> anyhow::Result<()> {
    inside(Path::new("/"), &["/bin/true"]).context(
        "the archive cannot be tried in a root of its own here (--skip-try leaves that out)",
    )?;
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    let (place, file) = (root.display().to_string(), archive.display().to_string());
    shell::output(
        "tar",
        &[
            "--extract",
            "--file",
            &file,
            "-C",
            &place,
            "--strip-components=1",
            "--no-same-owner",
        ],
    )?;
    let version = inside(root, &["/playbook", "--version"])?;
    ensure!(
        version == format!("playbook {}", release.version),
        "it says it is '{version}'"
    );
    let example = "/examples/penguins/playbook.yaml";
    inside(root, &["/playbook", "validate", "-f", example])?;
    inside(root, &["/playbook", "status", "-f", example])?;
    say("in a root with nothing but /dev and /proc: --version, validate and status work");

    let with = furnish(root)?;
    inside(root, &["/playbook", "run", "-f", example])?;
    let again = inside(root, &["/playbook", "status", "--exit-code", "-f", example])?;
    say(format_args!(
        "in a root with {with}: the example runs, and is up to date then\n{again}"
    ));
    Ok(())
}

/// Runs a command in another root, and gives what it prints.
fn inside(root: &Path, command: &[&str]) -> anyhow::Result<String> {
    let root = root.display().to_string();
    let mut args = vec![
        "--mount",
        "--map-root-user",
        "--user",
        "sh",
        "-c",
        INSIDE,
        "sh",
        &root,
    ];
    if shell::text("id", &["-u"])? == "0" {
        args.drain(1..3);
    }
    args.extend(command);
    shell::text("unshare", &args)
}

/// Puts in a shell and the programs of the example: those of a static busybox, or this machine's with their libraries.
fn furnish(root: &Path) -> anyhow::Result<String> {
    fs::create_dir_all(root.join("bin"))?;
    fs::create_dir_all(root.join("tmp"))?;
    if let Some(busybox) = static_busybox() {
        fs::copy(&busybox, root.join("bin/busybox"))?;
        for name in PROGRAMS {
            symlink("busybox", root.join("bin").join(name))?;
        }
        return Ok(format!("{} alone", busybox.display()));
    }
    for name in PROGRAMS {
        let path = shell::text("sh", &["-c", "command -v -- \"$1\"", "sh", name])?;
        let real = fs::canonicalize(&path).with_context(|| format!("{name} is not installed"))?;
        fs::copy(&real, root.join("bin").join(name))?;
        for library in libraries(&real)? {
            let to = root.join(library.strip_prefix("/")?);
            fs::create_dir_all(to.parent().context("a library is in a directory")?)?;
            fs::copy(&library, to)?;
        }
    }
    Ok("this machine's sh and awk and their libraries".to_owned())
}

fn static_busybox() -> Option<PathBuf> {
    let found = output_of("sh", &["-c", "command -v busybox"])?;
    let path = PathBuf::from(String::from_utf8(found).ok()?.trim());
    // Some are built without numbers that are not whole, which the example has.
    output_of(path.to_str()?, &["awk", "BEGIN { print exp(0) }"])?;
    // A program that the loader has nothing to do with makes it fail.
    output_of("ldd", &[path.to_str()?])
        .is_none()
        .then_some(path)
}

/// What `ldd` names: `name => path (address)`, or `path (address)`.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listing = shell::text("ldd", &[&program.display().to_string()])?;
    let words = listing
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    Ok(words.map(PathBuf::from).collect())
}
