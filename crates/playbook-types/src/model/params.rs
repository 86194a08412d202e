//! Params: nested maps of values, reached by dotted keys.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::name::ParamKey;
use crate::suggest::nearest;
use crate::value::ParamValue;

/// The params of a playbook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(IndexMap<String, ParamValue>);

/// A param cannot be overridden as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// It names a param that the playbook does not have.
    #[error("unknown param '{key}'")]
    Unknown {
        /// The key that was given.
        key: String,
        /// The nearest key that exists.
        suggestion: Option<String>,
    },
    /// It reaches into a value that is no map.
    #[error("there is no param '{key}': '{at}' is {kind}, and has nothing in it")]
    NotAMap {
        /// The key that was given.
        key: String,
        /// The key of the value it reaches into.
        at: String,
        /// The kind of that value, with its article.
        kind: &'static str,
    },
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

    /// The keys of all values that are no map with something in it.
    pub fn leaves(&self) -> impl Iterator<Item = ParamKey> {
        let keys = self.keys().into_iter();
        let keys = keys.filter_map(|key| ParamKey::parse(&key).ok());
        keys.filter(|key| !matches!(self.get(key), Some(ParamValue::Map(map)) if !map.is_empty()))
    }

    /// Lays other params over these: maps merge, anything else is replaced.
    pub fn merge(&mut self, above: &Self) {
        merge(&mut self.0, &above.0);
    }

    /// Sets one value: a map is merged into the map that is there, anything else replaces what is there. Only keys
    /// that exist can be set: a typing mistake must not run the pipeline with the old value.
    ///
    /// # Errors
    ///
    /// A key that these params do not have; the params are then as they were.
    pub fn set(&mut self, key: &ParamKey, value: &ParamValue) -> Result<(), OverrideError> {
        self.knows(key.as_str(), value)?;
        if let Some(slot) = self.slot(key) {
            match (slot, value) {
                (ParamValue::Map(map), ParamValue::Map(above)) => merge(map, above),
                (slot, value) => *slot = value.clone(),
            }
        }
        Ok(())
    }

    /// Whether a value can be set at a key.
    fn knows(&self, key: &str, value: &ParamValue) -> Result<(), OverrideError> {
        let found = self.reach(key)?;
        if let (ParamValue::Map(_), ParamValue::Map(above)) = (found, value) {
            for (name, value) in above {
                self.knows(&format!("{key}.{name}"), value)?;
            }
        }
        Ok(())
    }

    /// The value at a dotted key, or why there is none.
    fn reach(&self, key: &str) -> Result<&ParamValue, OverrideError> {
        let unknown = || {
            let keys = self.keys();
            let suggestion = nearest(key, keys.iter().map(String::as_str));
            OverrideError::Unknown {
                key: key.to_owned(),
                suggestion: suggestion.map(str::to_owned),
            }
        };
        let mut parts = key.split('.');
        let first = parts.next().unwrap_or_default();
        let mut value = self.0.get(first).ok_or_else(unknown)?;
        let mut length = first.len();
        for part in parts {
            let ParamValue::Map(map) = value else {
                return Err(OverrideError::NotAMap {
                    key: key.to_owned(),
                    at: key[..length].to_owned(),
                    kind: value.kind(),
                });
            };
            value = map.get(part).ok_or_else(unknown)?;
            length += 1 + part.len();
        }
        Ok(value)
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

fn merge(map: &mut IndexMap<String, ParamValue>, above: &IndexMap<String, ParamValue>) {
    for (name, value) in above {
        match (map.get_mut(name), value) {
            (Some(ParamValue::Map(map)), ParamValue::Map(above)) => merge(map, above),
            (Some(slot), value) => *slot = value.clone(),
            (None, value) => {
                map.insert(name.clone(), value.clone());
            }
        }
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

    fn value(text: &str) -> ParamValue {
        serde_yaml_ng::from_str(text).unwrap()
    }

    #[test]
    fn maps_merge_and_all_else_is_replaced() {
        let mut params = params();
        let above = "{model: [a], chunk: {deep: {y: 2}, size: {n: 1}}, new: {x: 1}}";
        params.merge(&serde_yaml_ng::from_str(above).unwrap());
        let merged = "{model: [a], chunk: {size: {n: 1}, deep: {x: 1, y: 2}}, new: {x: 1}}";
        assert_eq!(params, serde_yaml_ng::from_str(merged).unwrap());
    }

    #[test]
    fn what_exists_can_be_set_and_nothing_else() {
        let mut changed = params();
        changed.set(&key("chunk.size"), &value("[1, 2]")).unwrap();
        changed
            .set(&key("chunk"), &value("{deep: {x: 3}}"))
            .unwrap();
        assert_eq!(
            changed.get(&key("chunk")),
            Some(&value("{size: [1, 2], deep: {x: 3}}"))
        );
        let refused = |name: &str, text: &str| {
            let mut params = params();
            let error = params.set(&key(name), &value(text)).unwrap_err();
            assert_eq!(params, self::params(), "nothing is set by halves");
            error
        };
        for (name, text, unknown, meant) in [
            ("chunk.sise", "3", "chunk.sise", "chunk.size"),
            (
                "chunk",
                "{size: 3, deep: {x: 1, y: 3}}",
                "chunk.deep.y",
                "chunk.deep.x",
            ),
        ] {
            let OverrideError::Unknown { key, suggestion } = refused(name, text) else {
                panic!("{name} is not there");
            };
            assert_eq!(
                (key.as_str(), suggestion.as_deref()),
                (unknown, Some(meant))
            );
        }
        assert_eq!(
            refused("model.x.y", "3").to_string(),
            "there is no param 'model.x.y': 'model' is text, and has nothing in it"
        );
    }
}
