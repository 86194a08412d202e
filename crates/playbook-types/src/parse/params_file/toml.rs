//! TOML as nodes.

use ::toml::Spanned;
use ::toml::de::{DeInteger, DeTable, DeValue};

use crate::finding::{Finding, KeyPath};
use crate::parse::locate::{Spot, Spots};
use crate::parse::node::{MapNode, Node};
use crate::span::LineIndex;

/// The document with the places of its values, or everything that is wrong with its syntax.
pub(super) fn read(text: &str) -> Result<(Node, Spots), Vec<Finding>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let mut spots = Spots::new();
        let node = table(document.get_ref(), &KeyPath::TOP, &mut spots);
        return Ok((node, spots));
    }
    let lines = LineIndex::new(text);
    let finding = |error: ::toml::de::Error| {
        let message = format!("not valid TOML: {}", error.message());
        let mut finding = Finding::error(KeyPath::TOP, message);
        finding.place = error.span().map(|span| lines.place(span));
        finding
    };
    Err(errors.into_iter().map(finding).collect())
}

fn table(table: &DeTable<'_>, at: &KeyPath, spots: &mut Spots) -> Node {
    let mut map = MapNode::default();
    for (key, spanned) in table {
        let path = at.key(key.get_ref());
        let spot = Spot {
            keys: vec![key.span()],
            value: spanned.span(),
        };
        spots.insert(path.clone(), spot);
        let node = value(spanned, &path, spots);
        map.entries.insert(key.get_ref().to_string(), node);
    }
    Node::Map(Box::new(map))
}

fn value(spanned: &Spanned<DeValue<'_>>, at: &KeyPath, spots: &mut Spots) -> Node {
    match spanned.get_ref() {
        DeValue::String(text) => Node::Str(text.to_string()),
        DeValue::Boolean(value) => Node::Bool(*value),
        DeValue::Integer(number) => Node::Int(integer(number)),
        // What cannot be read as a number is none, and is refused as such.
        DeValue::Float(number) => Node::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Datetime(_) => Node::Date,
        DeValue::Array(items) => {
            let items = items.iter().enumerate().map(|(n, item)| {
                let path = at.index(n);
                let spot = Spot {
                    keys: Vec::new(),
                    value: item.span(),
                };
                spots.insert(path.clone(), spot);
                value(item, &path, spots)
            });
            Node::Seq(items.collect())
        }
        DeValue::Table(inner) => table(inner, at, spots),
    }
}

/// One that is too large for us is too large for a param.
fn integer(number: &DeInteger<'_>) -> i128 {
    let text = number.as_str();
    let least = if text.starts_with('-') {
        i128::MIN
    } else {
        i128::MAX
    };
    i128::from_str_radix(text, number.radix()).unwrap_or(least)
}
