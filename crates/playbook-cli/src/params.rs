//! Params that the command line gives, for every command that looks at what would run.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use playbook_lock::Overrides;
use playbook_types::name::ParamKey;
use playbook_types::parse::param_value;
use playbook_types::value::ParamValue;

use crate::error::CliError;

/// Params over those of the playbook.
#[derive(Debug, Args)]
pub(crate) struct ParamArgs {
    /// Set a param, this time only; the value is read as YAML, and a map is merged into what is there
    #[arg(
        short = 'p',
        long = "set",
        visible_alias = "param",
        value_name = "KEY=VALUE"
    )]
    set: Vec<String>,
    /// Take params from a YAML, TOML or JSON file, this time only; later files win, and --set over all of them
    #[arg(long = "params-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    params_files: Vec<PathBuf>,
}

impl ParamArgs {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.params_files.is_empty()
    }

    /// What they say.
    pub(crate) fn overrides(&self) -> Result<Overrides, CliError> {
        let set = self.set.iter().map(|pair| one(pair));
        Ok(Overrides {
            files: self.params_files.clone(),
            set: set.collect::<Result<_, _>>()?,
        })
    }
}

fn one(pair: &str) -> Result<(ParamKey, ParamValue), CliError> {
    let (key, value) = pair
        .split_once('=')
        .ok_or_else(|| CliError::usage(format!("'{pair}' sets nothing")).hint("write KEY=VALUE"))?;
    let key = ParamKey::parse(key).map_err(|error| CliError::usage(error.to_string()))?;
    // `key=` is empty text, where YAML would say null.
    let value = if value.is_empty() {
        ParamValue::Str(String::new())
    } else {
        param_value(value).map_err(|error| {
            CliError::usage(format!("the value of '{key}' cannot be used: {error}"))
                .hint("put text with special characters in quotes: --set 'key=\"a: b\"'")
        })?
    };
    Ok((key, value))
}
