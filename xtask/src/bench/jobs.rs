//! One stage of many jobs, beside what runs a command for each file and remembers little or nothing of it.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::Bench;
use super::files::{
    Stamp, contents, foretold, made_nothing, on_disk, put, rewritten, settle, stamps,
};
use super::measure::Contestant;
use super::report::Table;
use super::rivals::{Call, PLAYBOOK, Program};
use super::stages::thousands;
use crate::say::progress;

const FILE: &str = "playbook.yaml";
const TEXT: &str = "version: \"1.0\"\nname: bench\nstages:\n  copy:\n    cmd: cp {{input}} {{output}}\n    deps: [in]\n    outs: [out]\n    parallel: {strategy: per_file}\n";
/// What GNU parallel records, and what it says of each job beside its number.
const JOBLOG: &str = "joblog";

/// Of more files than this GNU parallel runs the commands once, behind the others: it takes three times as long as they do.
const ONCE_FROM: usize = 10_000;

/// The files, and where.
struct Files {
    folder: PathBuf,
    names: Vec<String>,
}

impl Files {
    fn write(folder: PathBuf, count: usize) -> anyhow::Result<Self> {
        put(&folder.join(FILE), TEXT.as_bytes())?;
        let names: Vec<String> = (0..count).map(|number| format!("{number:06}")).collect();
        for name in &names {
            let text = format!("file {name}\n");
            put(&folder.join("in").join(name), text.as_bytes())?;
        }
        Ok(Self { folder, names })
    }

    fn count(&self) -> String {
        thousands(self.names.len())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    fn stamps(&self) -> anyhow::Result<Vec<Stamp>> {
        stamps(&self.out(), self.names())
    }

    /// As if nothing had ever run here.
    fn afresh(&self, bench: &Bench) -> anyhow::Result<()> {
        bench.aside.all_but(&["in", FILE], &self.folder)?;
        fs::create_dir(self.out())?;
        on_disk()
    }

    /// Each output is a copy of its input, and nothing is beside them.
    fn is_made(&self) -> anyhow::Result<()> {
        let of = |folder: &str| contents(&self.folder.join(folder), self.names());
        ensure!(of("in")? == of("out")?, "an output is not its input's copy");
        let (made, asked) = (fs::read_dir(self.out())?.count(), self.names.len());
        ensure!(made == asked, "{made} files were made, not {asked}");
        Ok(())
    }

    fn playbook(&self, bench: &Bench, further: &[&str]) -> anyhow::Result<Call> {
        let runner = bench.runners.first().context("there is no playbook")?;
        let mut args = runner.args(bench.jobs);
        args.extend(further.iter().map(|&arg| arg.to_owned()));
        Ok(Call {
            program: runner.program.path.clone(),
            args,
            folder: self.folder.clone(),
        })
    }

    fn shell(&self, script: &str) -> Call {
        Call::new(Path::new("sh"), &["-c", script], &self.folder)
    }

    /// With its record, which is what it can do without a file twice.
    fn parallel(&self, bench: &Bench, parallel: &Program, further: &str) -> Call {
        self.shell(&format!(
            "ls in | '{}' -j{} --joblog {JOBLOG} {further} cp in/{{}} out/{{}}",
            parallel.path.display(),
            bench.jobs
        ))
    }
}

/// What there is to do, everything to do, nothing to do, and one file to do.
pub(super) fn jobs(bench: &Bench, count: usize) -> anyhow::Result<[Table; 4]> {
    progress("  writing the files");
    let files = Files::write(bench.dir.join(format!("fan-out-{count}")), count)?;
    Ok([
        plan(bench, &files)?,
        all(bench, &files)?,
        nothing(bench, &files)?,
        one(bench, &files)?,
    ])
}

fn plan(bench: &Bench, files: &Files) -> anyhow::Result<Table> {
    files.afresh(bench)?;
    settle(bench.settle)?;
    let call = files.playbook(bench, &["-n"])?;
    foretold(&call, files.names.len())?;
    let mut contestants = [Contestant::new(PLAYBOOK, call).after(|| made_nothing(&files.out()))];
    let rows = bench.watch(5).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!("What there is to do, {} jobs", files.count()),
        "What would run is told (`-n`), nothing was ever made: each file is read for its digest. `xargs` has nothing like \
         it; GNU parallel (`--dry-run`) takes as long as if it ran the commands."
            .to_owned(),
        rows,
    ))
}

fn all(bench: &Bench, files: &Files) -> anyhow::Result<Table> {
    let jobs = bench.jobs;
    let xargs = format!("ls in | xargs -P{jobs} -I{{}} cp in/{{}} out/{{}}");
    let contestant = |name: &str, call| {
        Contestant::new(name, call)
            .before(|| files.afresh(bench))
            .after(|| files.is_made())
    };
    let mut contestants = vec![
        contestant(PLAYBOOK, files.playbook(bench, &[])?),
        contestant(&format!("xargs -P{jobs}"), files.shell(&xargs)),
    ];
    let mut slow = Vec::new();
    if let Ok(parallel) = &bench.parallel {
        let call = files.parallel(bench, parallel, "");
        slow.push(contestant("GNU parallel --joblog", call));
    }
    if files.names.len() <= ONCE_FROM || bench.with_slow {
        contestants.append(&mut slow);
    }
    let watch = if files.names.len() <= ONCE_FROM {
        bench.watch(5)
    } else {
        bench.watch_at_most(3)
    };
    let mut rows = watch.take_turns(&mut contestants)?;
    rows.extend(bench.watch(1).take_turns(&mut slow)?);
    Ok(Table::of_seconds(
        format!("A command for each of {} files", files.count()),
        format!(
            "`cp` of each file, {jobs} at once, with nothing made. `xargs` keeps no record of what it did, GNU parallel one of \
             the commands' numbers."
        ),
        rows,
    ))
}

fn nothing(bench: &Bench, files: &Files) -> anyhow::Result<Table> {
    let call = files.playbook(bench, &[])?;
    files.afresh(bench)?;
    bench.stopwatch.run(&call)?;
    files.is_made()?;
    let mut others = Vec::new();
    if let Ok(parallel) = &bench.parallel {
        // As its run leaves it. What it makes of such a record does not depend on who wrote it.
        put(&files.folder.join(JOBLOG), joblog(&files.names).as_bytes())?;
        let call = files.parallel(bench, parallel, "--resume");
        others.push(Contestant::new("GNU parallel --resume", call));
    }
    settle(bench.settle)?;
    for _ in 0..2 {
        bench.stopwatch.run(&call)?;
    }
    let made = files.stamps()?;
    let mut contestants = vec![Contestant::new(PLAYBOOK, call)];
    contestants.append(&mut others);
    let contestants = contestants.into_iter().map(|contestant| {
        contestant.after(|| {
            let ran = rewritten(&made, &files.stamps()?).len();
            ensure!(ran == 0, "{ran} jobs ran although nothing had changed");
            files.is_made()
        })
    });
    let mut contestants: Vec<_> = contestants.collect();
    let rows = bench.watch(11).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!("Nothing to do, {} jobs", files.count()),
        "No file has changed since the last run. GNU parallel counts the lines of its input and looks at no file; `xargs` would run everything."
            .to_owned(),
        rows,
    ))
}

/// What GNU parallel writes down of commands that went well.
fn joblog(names: &[String]) -> String {
    let head = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
    let mut text = head.to_owned();
    for (at, name) in names.iter().enumerate() {
        let number = at + 1;
        writeln!(
            text,
            "{number}\t:\t1764385200.000\t     0.003\t0\t0\t0\t0\tcp in/{name} out/{name}"
        )
        .ok();
    }
    text
}

fn one(bench: &Bench, files: &Files) -> anyhow::Result<Table> {
    let edits = Cell::new(0_usize);
    let before = RefCell::new(Vec::new());
    let first = files.names.first().context("there are no files")?;
    let edit = || {
        settle(bench.settle)?;
        before.replace(files.stamps()?);
        edits.set(edits.get() + 1);
        let text = format!("changed {}\n", edits.get());
        put(&files.folder.join("in").join(first), text.as_bytes())
    };
    let only_that = || {
        let ran = rewritten(&before.borrow(), &files.stamps()?);
        ensure!(
            ran == [0],
            "{} jobs ran, not the first one alone",
            ran.len()
        );
        files.is_made()
    };
    let own = Contestant::new(PLAYBOOK, files.playbook(bench, &[])?);
    let mut contestants = [own.before(edit).after(only_that)];
    let rows = bench.watch(11).take_turns(&mut contestants)?;
    Ok(Table::of_seconds(
        format!("One file changed of {}", files.count()),
        "Before each run one input has changed, so that exactly one job runs. `xargs` would run everything, GNU parallel \
         (`--resume`) nothing."
            .to_owned(),
        rows,
    ))
}
