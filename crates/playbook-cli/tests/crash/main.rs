//! The real binary, killed at any moment and with any operation on the disk failing.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod between;
mod eight;
mod fan;
mod fan_out;
mod faults;
mod jobs;
mod made;
mod operations;
mod orphans;
mod parts;
mod pipeline;
mod points;
mod power;
mod random;
mod rng;
mod run;
mod sandbox;
mod stage;
mod tally;
mod watch;
mod wild;

/// A file that is not named above would silently not be tested.
#[test]
fn no_file_is_forgotten() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash");
    let main = std::fs::read_to_string(here.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name}"
        );
    }
}
