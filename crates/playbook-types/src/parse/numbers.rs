//! Numbers whose text is not what a command will be given: `1.10` is `1.1`, as YAML says.

use crate::finding::{Finding, KeyPath, Mark};
use crate::model::params::Params;
use crate::value::ParamValue;

/// Key paths of number params, to be compared with their text once that is located. `top` is where the params stand.
pub(super) fn number_params(top: &KeyPath, params: &Params) -> Vec<(KeyPath, String)> {
    let mut found = Vec::new();
    for (name, value) in params.iter() {
        walk(&top.key(name), value, &mut found);
    }
    found
}

fn walk(at: &KeyPath, value: &ParamValue, found: &mut Vec<(KeyPath, String)>) {
    match value {
        ParamValue::Int(_) | ParamValue::Float(_) => {
            found.extend(value.scalar_text().map(|text| (at.clone(), text)));
        }
        ParamValue::List(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, item)| walk(&at.index(i), item, found)),
        ParamValue::Map(map) => map
            .iter()
            .for_each(|(key, value)| walk(&at.key(key), value, found)),
        ParamValue::Null | ParamValue::Bool(_) | ParamValue::Str(_) => {}
    }
}

/// The warning for a number that is written in another way than it is passed on.
pub(super) fn canonical_warning(at: KeyPath, written: &str, canonical: &str) -> Finding {
    Finding::warning(
        at,
        format!("the number {written} is passed on as {canonical}"),
    )
    .mark(Mark::Value)
    .hint(format!(
        "write {canonical}, or \"{written}\" in quotes to keep the text"
    ))
}
