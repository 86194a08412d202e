//! What every command understands, and how the playbook is named.

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArgs {
    /// The playbook [default: `$PLAYBOOK_FILE`, else playbook.yaml or .yml here or in a directory above]
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        help_heading = "Options of every command"
    )]
    pub(crate) file: Option<PathBuf>,
    /// When to use colours
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        global = true,
        help_heading = "Options of every command"
    )]
    pub(crate) color: ColorWhen,
    /// Read all data again instead of trusting unchanged file times, sizes and inodes
    #[arg(
        long,
        global = true,
        env = "PLAYBOOK_NO_STAT_CACHE",
        hide_env_values = true,
        value_parser = FalseyValueParser::new(),
        help_heading = "Options of every command"
    )]
    pub(crate) no_stat_cache: bool,
    /// Say only what went wrong
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Options of every command",
        conflicts_with = "verbose"
    )]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true, help_heading = "Options of every command")]
    pub(crate) verbose: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Splits positionals: a first one that is an existing `.yaml` or `.yml` file is the playbook.
pub(crate) fn split_file(positionals: &[String]) -> (Option<PathBuf>, &[String]) {
    let Some((first, rest)) = positionals.split_first() else {
        return (None, positionals);
    };
    let path = PathBuf::from(first);
    if names_yaml(&path) && path.is_file() {
        (Some(path), rest)
    } else {
        (None, positionals)
    }
}

/// Whether a path ends as playbooks do.
pub(crate) fn names_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext == "yaml" || ext == "yml")
}
