//! What a template can refer to.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::model::params::Params;
use crate::name::{EnvName, ParamKey};
use crate::value::ParamValue;

/// Where params come from: a playbook, or what a lock recorded.
pub trait ParamSource {
    /// The value at a key.
    fn param(&self, key: &ParamKey) -> Option<&ParamValue>;

    /// All keys, to suggest one.
    fn keys(&self) -> Vec<String>;
}

impl ParamSource for Params {
    fn param(&self, key: &ParamKey) -> Option<&ParamValue> {
        self.get(key)
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self)
    }
}

impl ParamSource for BTreeMap<ParamKey, ParamValue> {
    fn param(&self, key: &ParamKey) -> Option<&ParamValue> {
        self.get(key)
    }

    fn keys(&self) -> Vec<String> {
        Self::keys(self).map(ToString::to_string).collect()
    }
}

/// What the names in a stage's templates stand for.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The stage's name.
    pub stage: &'a str,
    /// The params.
    pub params: &'a dyn ParamSource,
    /// Its deps, as seen from its working directory.
    pub deps: &'a [String],
    /// Its outs, likewise.
    pub outs: &'a [String],
    /// Its declared environment.
    pub env: &'a IndexMap<EnvName, String>,
    /// What its wildcards stand for.
    pub wildcards: &'a IndexMap<String, String>,
}
