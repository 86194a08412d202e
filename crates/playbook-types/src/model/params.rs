//! Params: nested maps of values, reached by dotted keys.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::name::ParamKey;
use crate::value::ParamValue;

/// The params of a playbook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(IndexMap<String, ParamValue>);

/// An override names a param that the playbook does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown param '{key}'")]
pub struct UnknownParam {
    /// The key that was given.
    pub key: ParamKey,
    /// The nearest key that exists.
    pub suggestion: Option<String>,
}

impl Params {
    /// Wraps a map of top-level params.
    pub fn new(map: IndexMap<String, ParamValue>) -> Self {
        Self(map)
    }

    /// The value at a dotted key: a scalar, a list or a whole map.
    pub fn get(&self, key: &ParamKey) -> Option<&ParamValue> {
        let mut parts = key.as_str().split('.');
        let mut value = self.0.get(parts.next()?)?;
        for part in parts {
            match value {
                ParamValue::Map(map) => value = map.get(part)?,
                _ => return None,
            }
        }
        Some(value)
    }

    /// The top-level entries in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParamValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every dotted key that reaches a value, maps included.
    pub fn keys(&self) -> Vec<String> {
        fn walk(prefix: &str, map: &IndexMap<String, ParamValue>, keys: &mut Vec<String>) {
            for (name, value) in map {
                let key = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                if let ParamValue::Map(inner) = value {
                    walk(&key, inner, keys);
                }
                keys.push(key);
            }
        }
        let mut keys = Vec::new();
        walk("", &self.0, &mut keys);
        keys
    }

    /// The same params with some values replaced. Only keys that exist can be overridden: a typing
    /// mistake must not run the pipeline with the old value.
    pub fn overridden(
        mut self,
        overrides: &[(ParamKey, ParamValue)],
    ) -> Result<Self, UnknownParam> {
        for (key, value) in overrides {
            if let Some(slot) = self.slot(key) {
                *slot = value.clone();
            } else {
                let keys = self.keys();
                let suggestion =
                    crate::suggest::nearest(key.as_str(), keys.iter().map(String::as_str));
                return Err(UnknownParam {
                    key: key.clone(),
                    suggestion: suggestion.map(str::to_owned),
                });
            }
        }
        Ok(self)
    }

    fn slot(&mut self, key: &ParamKey) -> Option<&mut ParamValue> {
        let mut parts = key.as_str().split('.');
        let mut value = self.0.get_mut(parts.next()?)?;
        for part in parts {
            match value {
                ParamValue::Map(map) => value = map.get_mut(part)?,
                _ => return None,
            }
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params() -> Params {
        serde_yaml_ng::from_str("{model: tiny, chunk: {size: 512, deep: {x: 1}}}").unwrap()
    }

    fn key(text: &str) -> ParamKey {
        ParamKey::parse(text).unwrap()
    }

    #[test]
    fn dotted_keys_reach_in() {
        let params = params();
        assert_eq!(params.get(&key("chunk.deep.x")), Some(&ParamValue::Int(1)));
        assert_eq!(params.get(&key("model.x")), None);
        assert_eq!(params.get(&key("chunk.siz")), None);
        assert_eq!(
            params.keys(),
            ["model", "chunk.size", "chunk.deep.x", "chunk.deep", "chunk"]
        );
    }

    #[test]
    fn overrides_replace_what_exists_and_nothing_else() {
        let changed = params()
            .overridden(&[(key("chunk.size"), ParamValue::Int(3))])
            .unwrap();
        assert_eq!(changed.get(&key("chunk.size")), Some(&ParamValue::Int(3)));
        let error = params()
            .overridden(&[(key("chunk.sise"), ParamValue::Int(3))])
            .unwrap_err();
        assert_eq!(error.suggestion.as_deref(), Some("chunk.size"));
    }
}
