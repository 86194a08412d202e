//! Every check over the checkout, and what they found.

use anyhow::ensure;

use super::tree::{Problem, Tree};
use super::{fingerprint, layers, lints, pages, sizes, test_rules, words};
use crate::say::say;
use crate::tools::root;

type Check = fn(&Tree) -> Vec<Problem>;

const CHECKS: [Check; 7] = [
    layers::check,
    lints::check,
    sizes::check,
    test_rules::check,
    fingerprint::check,
    pages::check,
    words::check,
];

/// Runs every check and says where the problems are.
pub(crate) fn run() -> anyhow::Result<()> {
    let tree = Tree::read(&root())?;
    let problems: Vec<Problem> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    for problem in &problems {
        say(problem);
    }
    ensure!(problems.is_empty(), "tidy: {} to mend", problems.len());
    say(format_args!("tidy: {} files in order", tree.files().len()));
    Ok(())
}
