//! YAML as plain nodes: like `serde_yaml_ng::Value`, but duplicate keys and odd values are kept to be reported.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{EnumAccess, MapAccess, SeqAccess, VariantAccess as _, Visitor};
use serde::{Deserialize, Deserializer};

use crate::finding::{Finding, KeyPath, Mark};
use crate::value::ParamValue;

/// One YAML value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Seq(Vec<Self>),
    /// In a box, so that a list of texts does not take as much memory as a list of maps.
    Map(Box<MapNode>),
    /// A value with a tag such as `!env`.
    Tagged(String),
    /// A date or a time, which only TOML has.
    Date,
}

/// A YAML map.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct MapNode {
    pub(super) entries: IndexMap<String, Node>,
    pub(super) duplicates: Vec<String>,
    odd_keys: Vec<&'static str>,
}

/// A tag is not passed over: who wrote it meant something by it.
pub(super) fn tag_not_understood(at: &KeyPath, tag: &str) -> Finding {
    Finding::error(at.clone(), format!("the tag '{tag}' is not understood"))
        .hint("only plain YAML without tags is; write the value itself")
}

impl Node {
    /// The kind of value in a person's words, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Str(_) => "text",
            Self::Seq(_) => "a list",
            Self::Map(_) => "a map",
            Self::Tagged(_) => "a tagged value",
            Self::Date => "a date",
        }
    }

    /// The same as a param value. What params cannot hold was reported by [`Node::oddities`].
    pub(super) fn to_value(&self) -> ParamValue {
        match self {
            Self::Null | Self::Tagged(_) | Self::Date => ParamValue::Null,
            Self::Bool(value) => ParamValue::Bool(*value),
            Self::Int(value) => ParamValue::Int(*value),
            Self::Float(value) => ParamValue::Float(*value),
            Self::Str(text) => ParamValue::Str(text.clone()),
            Self::Seq(items) => ParamValue::List(items.iter().map(Self::to_value).collect()),
            Self::Map(map) => ParamValue::Map(
                map.entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.to_value()))
                    .collect(),
            ),
        }
    }

    /// What no part of a playbook may hold: duplicate keys, tags, numbers that are none.
    pub(super) fn oddities(&self, at: &KeyPath, found: &mut Vec<Finding>) {
        match self {
            Self::Tagged(tag) => found.push(tag_not_understood(at, &format!("!{tag}"))),
            Self::Date => found.push(
                Finding::error(at.clone(), "a param cannot be a date or a time")
                    .hint("put it in quotes to pass it on as text"),
            ),
            Self::Float(_) if self.is_no_number() => found.push(
                Finding::error(at.clone(), "not a finite number")
                    .hint("put it in quotes to pass it on as text"),
            ),
            Self::Int(_) if self.is_no_number() => {
                found.push(
                    Finding::error(at.clone(), "this whole number does not fit in 64 bits")
                        .hint("put it in quotes to pass it on as text"),
                );
            }
            Self::Seq(items) => {
                for (i, item) in items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| item.may_be_odd())
                {
                    item.oddities(&at.index(i), found);
                }
            }
            Self::Map(map) => map.oddities(at, found),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Str(_) => {}
        }
    }

    /// A number that nothing here can hold.
    pub(super) fn is_no_number(&self) -> bool {
        match self {
            Self::Float(value) => !value.is_finite(),
            Self::Int(value) => !(i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value),
            _ => false,
        }
    }

    /// Saves building a key path for the many values that cannot be.
    fn may_be_odd(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(_) | Self::Str(_))
    }
}

impl MapNode {
    /// Whether nothing stands in it, not even what cannot be read.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.odd_keys.is_empty()
    }

    fn oddities(&self, at: &KeyPath, found: &mut Vec<Finding>) {
        for key in &self.duplicates {
            found.push(
                Finding::error(at.key(key), format!("'{key}' stands here twice"))
                    .mark(Mark::DuplicateKey)
                    .hint("keep one of them; other readers take the last in silence"),
            );
        }
        for kind in &self.odd_keys {
            found.push(
                Finding::error(at.clone(), format!("a key must be text, not {kind}"))
                    .hint("put it in quotes"),
            );
        }
        for (key, node) in self.entries.iter().filter(|(_, node)| node.may_be_odd()) {
            node.oddities(&at.key(key), found);
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Int(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Int(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Int(i128::try_from(value).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Str(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut map = MapNode::default();
        while let Some((key, value)) = access.next_entry::<Self::Value, Self::Value>()? {
            let key = match key {
                Node::Str(text) => text,
                Node::Int(number) => number.to_string(),
                odd => {
                    map.odd_keys.push(odd.kind());
                    continue;
                }
            };
            if map.entries.contains_key(&key) {
                map.duplicates.push(key);
            } else {
                // Most maps of a playbook are `{path: …}`: room for one is not room for three.
                map.entries
                    .reserve_exact(usize::from(map.entries.is_empty()));
                map.entries.insert(key, value);
            }
        }
        Ok(Node::Map(Box::new(map)))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        let (tag, variant) = access.variant::<String>()?;
        variant.newtype_variant::<Node>()?;
        Ok(Node::Tagged(tag))
    }
}
