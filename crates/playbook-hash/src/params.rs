//! Digests of params and of the declared environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use indexmap::IndexMap;
use playbook_types::digest::Digest;
use playbook_types::name::{EnvName, ParamKey};
use playbook_types::value::ParamValue;

use crate::framed::Framed;
use crate::layout;

/// The digest of params: of their canonical JSON.
pub fn digest_params(params: &BTreeMap<ParamKey, ParamValue>) -> Digest {
    let mut framed = Framed::new(layout::PARAMS);
    framed.bytes(canonical_json(params).as_bytes());
    framed.finish()
}

/// The digest of a declared environment; `None` if nothing is declared.
pub fn digest_env(env: &IndexMap<EnvName, String>) -> Option<Digest> {
    if env.is_empty() {
        return None;
    }
    Some(digest_under(layout::ENV, env))
}

/// The digest of a declared environment where a command has no other; also of one in which nothing is declared.
pub fn digest_clean_env(env: &IndexMap<EnvName, String>) -> Digest {
    digest_under(layout::CLEAN_ENV, env)
}

fn digest_under(context: &'static str, env: &IndexMap<EnvName, String>) -> Digest {
    let sorted: BTreeMap<&EnvName, &String> = env.iter().collect();
    let mut framed = Framed::new(context);
    framed.len(sorted.len());
    for (name, value) in sorted {
        framed.bytes(name.as_str().as_bytes());
        framed.bytes(value.as_bytes());
    }
    framed.finish()
}

/// One JSON text for one set of params: keys sorted by their bytes at every level, no spaces. `1`, `1.0`,
/// `"1"`, `true` and `null` all differ.
pub fn canonical_json(params: &BTreeMap<ParamKey, ParamValue>) -> String {
    let mut text = String::from("{");
    for (i, (key, value)) in params.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        string(&mut text, key.as_str());
        text.push(':');
        write(&mut text, value);
    }
    text.push('}');
    text
}

fn write(text: &mut String, value: &ParamValue) {
    match value {
        ParamValue::Null => text.push_str("null"),
        ParamValue::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        ParamValue::Int(value) => text.push_str(&value.to_string()),
        // Always with a point or an exponent, so never the text of a whole number.
        ParamValue::Float(value) => write!(text, "{value:?}").unwrap_or_default(),
        ParamValue::Str(value) => string(text, value),
        ParamValue::List(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                write(text, item);
            }
            text.push(']');
        }
        ParamValue::Map(map) => object(text, map),
    }
}

fn object(text: &mut String, map: &IndexMap<String, ParamValue>) {
    let sorted: BTreeMap<&String, &ParamValue> = map.iter().collect();
    text.push('{');
    for (i, (key, value)) in sorted.into_iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        string(text, key);
        text.push(':');
        write(text, value);
    }
    text.push('}');
}

fn string(text: &mut String, value: &str) {
    // A string always has a JSON form.
    text.push_str(&serde_json::to_string(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(values: &[(&str, ParamValue)]) -> BTreeMap<ParamKey, ParamValue> {
        values
            .iter()
            .map(|(key, value)| (ParamKey::parse(key).unwrap(), value.clone()))
            .collect()
    }

    #[test]
    fn kinds_of_one_all_differ() {
        let ones = [
            ParamValue::Null,
            ParamValue::Bool(true),
            ParamValue::Int(1),
            ParamValue::Float(1.0),
            ParamValue::Str("1".to_owned()),
            ParamValue::Str("1.0".to_owned()),
            ParamValue::Str("true".to_owned()),
            ParamValue::Str("null".to_owned()),
            ParamValue::Str(String::new()),
            ParamValue::List(vec![ParamValue::Int(1)]),
            ParamValue::Float(-0.0),
            ParamValue::Float(0.0),
            ParamValue::Int(0),
        ];
        let digests: Vec<Digest> = ones
            .iter()
            .map(|value| digest_params(&params(&[("a", value.clone())])))
            .collect();
        for (i, digest) in digests.iter().enumerate() {
            assert_eq!(
                digests.iter().position(|other| other == digest),
                Some(i),
                "{:?}",
                ones[i]
            );
        }
    }

    #[test]
    fn text_cannot_imitate_structure() {
        let one = params(&[("a", ParamValue::Str("1\",\"b\":\"2".to_owned()))]);
        let two = params(&[
            ("a", ParamValue::Str("1".to_owned())),
            ("b", ParamValue::Str("2".to_owned())),
        ]);
        assert_ne!(canonical_json(&one), canonical_json(&two));
    }

    #[test]
    fn nested_keys_are_sorted() {
        let map = |keys: &[&str]| {
            ParamValue::Map(
                keys.iter()
                    .map(|key| ((*key).to_owned(), ParamValue::Null))
                    .collect(),
            )
        };
        assert_eq!(
            canonical_json(&params(&[("m", map(&["b", "a"]))])),
            r#"{"m":{"a":null,"b":null}}"#
        );
    }

    #[test]
    fn environments() {
        let env = |pairs: &[(&str, &str)]| -> IndexMap<EnvName, String> {
            pairs
                .iter()
                .map(|(name, value)| (EnvName::parse(name).unwrap(), (*value).to_owned()))
                .collect()
        };
        assert_eq!(digest_env(&env(&[])), None);
        assert_eq!(
            digest_env(&env(&[("A", "1"), ("B", "2")])),
            digest_env(&env(&[("B", "2"), ("A", "1")]))
        );
        assert_ne!(
            digest_env(&env(&[("A", "1B2")])),
            digest_env(&env(&[("A", "1"), ("B", "2")]))
        );
    }
}
