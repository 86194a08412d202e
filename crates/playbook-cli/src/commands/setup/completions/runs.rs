//! The runs that may be named: those with a directory for their logs. The event log, which may be long, is not read.

use std::path::Path;

use jiff::Timestamp;
use playbook_lock::Neighbours;

use crate::render::units::to_the_second;

/// So many are offered, the newest ones.
const MOST: usize = 20;

/// The names of runs that begin so, newest first, each with when it began.
pub(super) fn runs(playbook: &Path, current: &str) -> Vec<(String, Option<String>)> {
    let mut found = vec![("last".to_owned(), Some("The last run".to_owned()))];
    found.extend(named(playbook));
    found.retain(|(name, _)| name.starts_with(current));
    found.truncate(MOST);
    found
}

fn named(playbook: &Path) -> Vec<(String, Option<String>)> {
    let Ok(neighbours) = Neighbours::of(playbook) else {
        return Vec::new();
    };
    let logs = std::fs::read_dir(neighbours.state_dir().logs_dir());
    let names = logs.into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut runs: Vec<_> = names
        .filter_map(|name| Some((began(&name)?, name)))
        .collect();
    // Their names begin with the time.
    runs.sort_unstable_by(|a, b| b.1.cmp(&a.1));
    let told = runs.into_iter().map(|(began, name)| {
        let began = to_the_second(began).strftime("%Y-%m-%d %H:%M:%S UTC");
        (name, Some(began.to_string()))
    });
    told.collect()
}

/// When the run began whose id begins so: of 12 digits with a dash among them, in milliseconds.
fn began(name: &str) -> Option<Timestamp> {
    let (front, rest) = name.split_once('-')?;
    if (front.len(), rest.len()) != (8, 4) {
        return None;
    }
    let millis = i64::from_str_radix(&format!("{front}{rest}"), 16).ok()?;
    Timestamp::from_millisecond(millis).ok()
}
