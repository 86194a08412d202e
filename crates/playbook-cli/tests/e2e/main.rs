//! The real binary, with real commands, in temporary directories.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod adopt;
mod clean;
mod clean_jobs;
mod completions;
mod compliance;
mod dag;
mod data;
mod debug;
mod deciding;
mod direct;
mod environment;
mod every_moment;
mod example;
mod failing;
mod fanout;
mod fanout_shown;
mod fields;
mod gates;
mod git;
mod halting;
mod hypotheses;
mod keeping;
mod live;
mod locks;
mod log;
mod looking;
mod merge;
mod messages;
mod mounts;
mod moving;
mod outputs;
mod own_files;
mod pages;
mod params;
mod reasons;
mod recovering;
mod report;
mod resources;
mod retrying;
mod running;
mod schema;
mod settled;
mod setup;
mod signals;
mod support;
mod terminal;
mod unsteady;
mod usage;
mod verify;
mod waiting;
mod why;
mod wildcards;

/// A file that is not named above would silently not be tested.
#[test]
fn no_file_is_forgotten() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let main = std::fs::read_to_string(here.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name
            .strip_suffix(".rs")
            .filter(|module| !module.starts_with('.'))
        else {
            continue;
        };
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name}"
        );
    }
}
