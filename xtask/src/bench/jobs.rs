//! One stage of many jobs, beside what runs a command for each file and remembers nothing of it.

use std::fs;
use std::path::Path;

use anyhow::ensure;

use super::Bench;
use super::files::{put, settle};
use super::measure::Contestant;
use super::report::{Table, Unit};
use super::rivals::Call;
use super::stages::thousands;
use crate::say::progress;

const PLAYBOOK: &str = "playbook";
const FILE: &str = "playbook.yaml";
const TEXT: &str = "version: \"1.0\"\nname: bench\nstages:\n  copy:\n    cmd: cp {{input}} {{output}}\n    deps: [in]\n    outs: [out]\n    parallel: {strategy: per_file}\n";

/// Everything to do, then one file to do.
pub(super) fn jobs(bench: &Bench, files: usize) -> anyhow::Result<[Table; 2]> {
    let folder = bench.dir.join("fan-out");
    progress("  writing the files");
    put(&folder.join(FILE), TEXT.as_bytes())?;
    for number in 0..files {
        let path = folder.join(format!("in/{number:06}"));
        put(&path, format!("file {number}\n").as_bytes())?;
    }
    settle(bench.settle)?;
    let tables = [all(bench, &folder, files)?, some(bench, &folder, files)?];
    fs::remove_dir_all(&folder)?;
    Ok(tables)
}

fn run_playbook(bench: &Bench, folder: &Path) -> Option<Call> {
    let runner = bench.runners.first()?;
    Some(Call {
        program: runner.program.path.clone(),
        args: runner.args(bench.jobs),
        folder: folder.to_owned(),
    })
}

/// As if nothing had ever run here.
fn afresh(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name == "in" || name == FILE {
            continue;
        }
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    fs::create_dir(folder.join("out"))?;
    Ok(())
}

fn is_made(folder: &Path, files: usize) -> anyhow::Result<()> {
    let made = fs::read_dir(folder.join("out"))?.count();
    ensure!(made == files, "{made} of {files} files were made");
    Ok(())
}

fn all(bench: &Bench, folder: &Path, files: usize) -> anyhow::Result<Table> {
    let jobs = bench.jobs;
    let mut contestants: Vec<Contestant<'_>> = Vec::new();
    contestants.extend(run_playbook(bench, folder).map(|call| Contestant::new(PLAYBOOK, call)));
    let shell = |script: &str| Call::new(Path::new("sh"), &["-c", script], folder);
    let xargs = format!("ls in | xargs -P{jobs} -I{{}} cp in/{{}} out/{{}}");
    contestants.push(Contestant::new(&format!("xargs -P{jobs}"), shell(&xargs)));
    if let Ok(parallel) = &bench.parallel {
        let parallel = parallel.path.display();
        let script = format!("ls in | '{parallel}' -j{jobs} cp in/{{}} out/{{}}");
        contestants.push(Contestant::new("GNU parallel", shell(&script)));
    }
    let contestants = contestants.into_iter().map(|contestant| {
        contestant
            .before(|| afresh(folder))
            .after(|| is_made(folder, files))
    });
    let mut contestants: Vec<_> = contestants.collect();
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table {
        title: format!("A command for each of {} files", thousands(files)),
        what: format!(
            "`cp` of each file, {jobs} at once, with nothing made. Others than `playbook` keep no record of what they did."
        ),
        rows,
        against: None,
        unit: Unit::Seconds,
        size: None,
    })
}

fn some(bench: &Bench, folder: &Path, files: usize) -> anyhow::Result<Table> {
    let Some(call) = run_playbook(bench, folder) else {
        anyhow::bail!("the program was not built");
    };
    afresh(folder)?;
    bench.stopwatch.run(&call)?;
    settle(bench.settle)?;
    bench.stopwatch.run(&call)?;
    let nothing = Contestant::new("playbook, no file changed", call.clone());
    let number = std::cell::Cell::new(0_usize);
    let one = Contestant::new("playbook, one file changed", call).before(|| {
        number.set(number.get() + 1);
        let text = format!("changed {}\n", number.get());
        put(&folder.join("in/000000"), text.as_bytes())
    });
    let mut contestants = vec![nothing, one];
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table {
        title: format!("The same {} files, all made", thousands(files)),
        what: "What a run costs that finds nothing to do, and one that has one job to run."
            .to_owned(),
        rows,
        against: None,
        unit: Unit::Seconds,
        size: None,
    })
}
