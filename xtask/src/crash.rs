//! The long version of the crash tests: a thousand kills and more, every operation failing in every way.

use clap::Args;

use crate::say::say;
use crate::tools::cargo;

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct CrashArgs {
    /// How many runs are killed at random moments, at least
    #[arg(long, value_name = "N", default_value_t = 1000)]
    kills: u32,
    /// Make the random choices of an earlier run
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Only the tests whose name holds this
    #[arg(value_name = "NAME")]
    only: Option<String>,
}

/// Runs all of it, in release mode. Each test prints its figures.
pub(crate) fn run(args: &CrashArgs) -> anyhow::Result<()> {
    let kills = args.kills.to_string();
    let seed = args.seed.map(|seed| seed.to_string());
    let mut env = vec![("PLAYBOOK_CRASH_KILLS", kills.as_str())];
    env.extend(seed.as_deref().map(|seed| ("PLAYBOOK_CRASH_SEED", seed)));
    // Not nextest: what takes minutes is not stuck, and what passes has figures to show.
    let mut words = vec![
        "test",
        "--release",
        "--locked",
        "--package",
        "playbook-cli",
        "--test",
        "crash",
        "--",
        "--nocapture",
    ];
    words.extend(args.only.as_deref());
    anyhow::ensure!(cargo(&words, &env)?, "the crash tests found something");
    say("crash: all invariants held");
    Ok(())
}
