//! The pages that `playbook` writes, opened in a browser: their script runs, shows what it should, and nothing a user
//! wrote becomes part of it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::say::say;
use crate::tools::{browser, cargo, output_of};

/// Two stages, one of which does its best to become part of the page.
const PLAYBOOK: &str = r#"version: "1.0"
name: pages
params: {text: "</script><script>document.documentElement.dataset.foreign='yes'</script>"}
stages:
  prepare: {cmd: "echo {{ params.text }} > {{ outs[0].path }}", outs: [data.txt]}
  train: {cmd: "cp {{ deps[0].path }} {{ outs[0].path }}", deps: [data.txt], outs: ["<img src=x onerror=this.dataset.foreign='yes'>"]}
"#;

/// What the page of a graph shows once `train` is chosen, and what the page of a run shows.
const OF_A_GRAPH: &[&str] = &[
    "data-ready=\"yes\"",
    "<h2>train</h2>",
    "cp data.txt",
    "<h3>Needs</h3>",
    "class=\"node s-run on\"",
];
const OF_A_RUN: &[&str] = &[
    "data-ready=\"yes\"",
    "<h2>train</h2>",
    "cp data.txt",
    "Digests of what it made",
    "class=\"node s-done on\"",
];

/// Writes both pages and opens each at a stage.
pub(crate) fn run() -> anyhow::Result<bool> {
    let browser = browser().context("there is no browser")?;
    let directory = tempfile::tempdir()?;
    let at = |name: &str| directory.path().join(name).display().to_string();
    let playbook = at("playbook.yaml");
    fs::File::create(&playbook)?.write_all(PLAYBOOK.as_bytes())?;
    let program = |args: &[&str]| {
        let mut all = vec!["run", "--quiet", "--locked", "-p", "playbook-cli", "--"];
        all.extend(args);
        cargo(&all, &[])
    };
    let (graph, run) = (at("graph.html"), at("run.html"));
    let written = program(&["dag", "-f", &playbook, "-o", &graph])?
        && program(&["run", "-q", "-f", &playbook])?
        && program(&["report", "-f", &playbook, "-o", &run])?;
    if !written {
        return Ok(false);
    }
    let profile = at("profile");
    look(&browser, &profile, Path::new(&graph), OF_A_GRAPH)?;
    look(&browser, &profile, Path::new(&run), OF_A_RUN)?;
    say("the script of both pages ran, and showed the stage it was asked for");
    Ok(true)
}

/// Opens a page at the stage `train` and looks at what the browser made of it.
fn look(browser: &str, profile: &str, page: &Path, expected: &[&str]) -> anyhow::Result<()> {
    let (profile, address) = (
        format!("--user-data-dir={profile}"),
        format!("file://{}#stage=train", page.display()),
    );
    let args = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--timeout=30000",
        "--dump-dom",
        &profile,
        &address,
    ];
    let seen =
        output_of(browser, &args).with_context(|| format!("{browser} could not open {address}"))?;
    let seen = String::from_utf8_lossy(&seen);
    for part in expected {
        ensure!(
            seen.contains(part),
            "{} does not show `{part}`",
            page.display()
        );
    }
    ensure!(
        !seen.contains("data-foreign"),
        "{}: what a user wrote was run",
        page.display()
    );
    Ok(())
}
