//! The values of params: what YAML, TOML and JSON have in common.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One param value. `1`, `1.0`, `"1"`, `true` and `null` are five different values, and so are `0.0` and `-0.0`.
#[derive(Debug, Clone)]
pub enum ParamValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number from `i64::MIN` to `u64::MAX`.
    Int(i128),
    /// A finite number written with a point or an exponent.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    List(Vec<Self>),
    /// A nested map, in the order it was written.
    Map(IndexMap<String, Self>),
}

/// Two values are equal exactly when a command would be given the same: `0.0` is not `-0.0`.
impl PartialEq for ParamValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl ParamValue {
    /// The kind of value in a person's words, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Str(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The text of a value that is one word: text as it is, numbers in canonical form (`1.10` is `1.1`).
    /// `None` for null, lists and maps.
    pub fn scalar_text(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(float_text(*value)),
            Self::Str(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// The shortest text that reads back as the same number, always with a point or an exponent.
fn float_text(value: f64) -> String {
    format!("{value:?}")
}

/// The value as a person reads it in a message: JSON, but text bare where that is not ambiguous.
impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) if reads_as_text(text) => f.write_str(text),
            other => f.write_str(&serde_json::to_string(other).map_err(|_| fmt::Error)?),
        }
    }
}

fn reads_as_text(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || "_/.~".contains(c))
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-./:@+~%,= ".contains(c))
        && !text.ends_with(' ')
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "~")
}

impl Serialize for ParamValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(*value),
            },
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Str(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Map(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ParamValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ParamValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a param value")
    }

    fn visit_unit<E>(self) -> Result<ParamValue, E> {
        Ok(ParamValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<ParamValue, E> {
        Ok(ParamValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<ParamValue, E> {
        Ok(ParamValue::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<ParamValue, E> {
        Ok(ParamValue::Int(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<ParamValue, E> {
        if value.is_finite() {
            Ok(ParamValue::Float(value))
        } else {
            Err(E::custom(
                "a param must be a finite number; write it in quotes to pass it as text",
            ))
        }
    }

    fn visit_str<E>(self, text: &str) -> Result<ParamValue, E> {
        Ok(ParamValue::Str(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ParamValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(ParamValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<ParamValue, A::Error> {
        let mut map = IndexMap::new();
        while let Some((key, value)) = access.next_entry::<String, ParamValue>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key '{key}'")));
            }
            map.insert(key, value);
        }
        Ok(ParamValue::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_kinds_of_one() {
        let texts = ["1", "1.0", "'1'", "true", "null"];
        let values: Vec<ParamValue> = texts
            .iter()
            .map(|text| serde_yaml_ng::from_str(text).unwrap())
            .collect();
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(i == j, a == b, "{} and {}", texts[i], texts[j]);
            }
            let again: ParamValue =
                serde_yaml_ng::from_str(&serde_yaml_ng::to_string(a).unwrap()).unwrap();
            assert_eq!(&again, a);
        }
    }

    #[test]
    fn canonical_numbers() {
        for (text, canonical) in [
            ("1.10", "1.1"),
            ("1e3", "1000.0"),
            ("0x10", "16"),
            ("-0.0", "-0.0"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let value: ParamValue = serde_yaml_ng::from_str(text).unwrap();
            assert_eq!(value.scalar_text().as_deref(), Some(canonical), "{text}");
        }
        assert!(serde_yaml_ng::from_str::<ParamValue>(".nan").is_err());
        assert!(serde_yaml_ng::from_str::<ParamValue>("{a: 1, a: 2}").is_err());
    }

    #[test]
    fn shown_to_a_person() {
        let shown = |value: &str| ParamValue::Str(value.to_owned()).to_string();
        assert_eq!(shown("tiny"), "tiny");
        assert_eq!(shown("1"), "\"1\"");
        assert_eq!(shown("true"), "\"true\"");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert_eq!(
            ParamValue::List(vec![ParamValue::Int(1), ParamValue::Null]).to_string(),
            "[1,null]"
        );
    }
}
