//! Data of many bytes: one large file, and very many small ones.
//!
//! The stage that reads them does next to nothing, so that what is measured is the reading. All of it is in the page
//! cache, for a disk would be as slow for everyone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::Bench;
use super::files::{large_file, put, settle, tree};
use super::measure::Contestant;
use super::report::Table;
use super::rivals::{Call, PLAYBOOK, Program};
use super::stages::thousands;
use crate::say::progress;

const DATA: &str = "data";
const PLAYBOOK_FILE: &str = "playbook.yaml";
const SMALL: usize = 4096;

/// A folder for one stage that reads `data`.
fn project(folder: PathBuf) -> anyhow::Result<PathBuf> {
    let text = format!(
        "version: \"1.0\"\nname: bench\nstages:\n  read:\n    cmd: echo done > done.txt\n    \
         deps: [{{path: {DATA}}}]\n    outs: [{{path: done.txt}}]\n"
    );
    put(&folder.join(PLAYBOOK_FILE), text.as_bytes())?;
    Ok(folder)
}

/// What the lock says of the data, in its own words.
fn recorded(folder: &Path, words: &str) -> anyhow::Result<()> {
    let lock = fs::read_to_string(folder.join("playbook.lock.yaml"))?;
    ensure!(lock.contains(words), "its lock does not say `{words}`");
    Ok(())
}

fn run_playbook(bench: &Bench, folder: &Path) -> anyhow::Result<Call> {
    let own = bench.runners.iter().find(|runner| runner.is_playbook());
    let own = own.context("there is no playbook")?;
    Ok(Call {
        program: own.program.path.clone(),
        args: own.args(bench.jobs),
        folder: folder.to_owned(),
    })
}

fn present(tool: &Result<Program, String>) -> Option<&Program> {
    match tool {
        Ok(program) => Some(program),
        Err(why) => {
            progress(format_args!("  left out: {why}"));
            None
        }
    }
}

/// One large file that was never read before.
pub(super) fn large(bench: &Bench, mebibytes: usize) -> anyhow::Result<Table> {
    let folder = project(bench.dir.join("large-file"))?;
    progress("  writing the file");
    large_file(&folder.join(DATA), mebibytes)?;
    settle(bench.settle)?;
    let mut known = format!("total_bytes: {}", mebibytes << 20);
    let threads = bench.threads.to_string();
    let mut contestants = Vec::new();
    if let Some(b3sum) = present(&bench.b3sum) {
        let call = Call::new(&b3sum.path, &["--num-threads", &threads, DATA], &folder);
        let said = call
            .command()
            .output()
            .context("cannot start b3sum")?
            .stdout;
        let digest = String::from_utf8_lossy(&said);
        let digest = digest.split(' ').next().unwrap_or_default();
        ensure!(digest.len() == 64, "b3sum told no digest");
        known = format!("hash: blake3:{digest}");
        contestants.push(Contestant::new(&format!("b3sum, {threads} threads"), call));
    }
    let own = Contestant::new(PLAYBOOK, run_playbook(bench, &folder)?)
        .before(|| bench.aside.all_but(&[PLAYBOOK_FILE, DATA], &folder))
        .after(|| recorded(&folder, &known));
    contestants.insert(0, own);
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!("One file of {} MiB", thousands(mebibytes)),
        "A stage that reads the file, run without anything known of it, and `b3sum` of the file. `b3sum` maps \
               the file, so what it reads counts as its memory."
            .to_owned(),
        rows,
    ))
}

/// A directory of small files: never read before, and unchanged.
pub(super) fn small(bench: &Bench, files: usize) -> anyhow::Result<[Table; 2]> {
    let base = bench.dir.join("small-files");
    let folder = project(base.join("playbook"))?;
    progress("  writing the files");
    tree(&folder.join(DATA), files, SMALL)?;
    let git = present(&bench.git)
        .map(|git| repository(git, &base.join("git"), files))
        .transpose()?;
    settle(bench.settle)?;
    Ok([
        small_unknown(bench, &folder, files)?,
        small_unchanged(bench, &folder, git, files)?,
    ])
}

fn small_unknown(bench: &Bench, folder: &Path, files: usize) -> anyhow::Result<Table> {
    let own = Contestant::new(PLAYBOOK, run_playbook(bench, folder)?)
        .before(|| bench.aside.all_but(&[PLAYBOOK_FILE, DATA], folder))
        .after(|| recorded(folder, &format!("file_count: {files}")));
    let mut contestants = vec![own];
    if let Some(b3sum) = present(&bench.b3sum) {
        let script = format!(
            "find {DATA} -type f -print0 | xargs -0 -P{} '{}' --num-threads 1",
            bench.threads,
            b3sum.path.display()
        );
        let call = Call::new(Path::new("sh"), &["-c", &script], folder);
        contestants.push(Contestant::new(
            &format!("find, xargs -P{} b3sum", bench.threads),
            call,
        ));
    }
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!("{} new files", thousands(files)),
        "A stage that reads a directory of files of 4 KiB, run without anything known of them, and `b3sum` of \
               each of them."
            .to_owned(),
        rows,
    ))
}

fn small_unchanged(
    bench: &Bench,
    folder: &Path,
    git: Option<Call>,
    files: usize,
) -> anyhow::Result<Table> {
    let call = run_playbook(bench, folder)?;
    bench.stopwatch.run(&call)?;
    let done = folder.join("done.txt");
    let written = fs::metadata(&done)?.modified()?;
    let unmoved = || {
        ensure!(
            fs::metadata(&done)?.modified()? == written,
            "the stage ran again"
        );
        Ok(())
    };
    let mut contestants = vec![Contestant::new(PLAYBOOK, call).after(unmoved)];
    contestants.extend(git.map(|call| Contestant::new("git status", call)));
    settle(bench.settle)?;
    for contestant in contestants.iter().chain(&contestants) {
        bench.stopwatch.run(&contestant.call)?;
    }
    let rows = bench.watch(11).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!("{} unchanged files", thousands(files)),
        "The same directory again, and `git status` in a repository of the same files.".to_owned(),
        rows,
    ))
}

/// A repository with the same files, all committed; and the call that looks whether they still are as they were.
fn repository(git: &Program, folder: &Path, files: usize) -> anyhow::Result<Call> {
    progress("  committing the files");
    tree(&folder.join(DATA), files, SMALL)?;
    let settings = [
        "user.name=bench",
        "user.email=bench@localhost",
        "commit.gpgsign=false",
        "gc.auto=0",
        "maintenance.auto=false",
    ];
    let settings: Vec<&str> = settings
        .into_iter()
        .flat_map(|setting| ["-c", setting])
        .collect();
    for words in [
        ["init", "-q", "."],
        ["add", "--", "."],
        ["commit", "-q", "-mall"],
    ] {
        let call = Call::new(&git.path, &[settings.as_slice(), &words].concat(), folder);
        let status = call.command().status().context("cannot start git")?;
        ensure!(status.success(), "git {} failed", words.join(" "));
    }
    let call = Call::new(&git.path, &["status", "--porcelain"], folder);
    let output = call.command().output().context("cannot start git")?;
    ensure!(
        output.stdout.is_empty(),
        "git status finds changes right after the commit"
    );
    Ok(call)
}
