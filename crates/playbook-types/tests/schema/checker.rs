//! As much of JSON Schema as the schema of the language uses; a keyword it does not know stops the test.

use regex_automata::meta::Regex;
use serde_json::Value;

/// Why the value is refused, if it is.
#[expect(clippy::too_many_lines, reason = "a list, one entry per keyword")]
pub(crate) fn refused(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let keywords = match schema {
        Value::Bool(true) => return None,
        Value::Bool(false) => return Some("nothing is allowed here".to_owned()),
        schema => schema.as_object().unwrap(),
    };
    if let Some(reference) = keywords.get("$ref") {
        let target = reference.as_str().unwrap().strip_prefix('#').unwrap();
        return refused(root, root.pointer(target).unwrap(), value);
    }
    keywords.iter().find_map(|(keyword, rule)| {
        let why = match keyword.as_str() {
            "$schema"
            | "$comment"
            | "title"
            | "description"
            | "default"
            | "definitions"
            | "enumDescriptions"
            | "patternErrorMessage"
            | "then"
            | "else" => None,
            "if" => {
                let branch = if refused(root, rule, value).is_none() {
                    "then"
                } else {
                    "else"
                };
                keywords
                    .get(branch)
                    .and_then(|branch| refused(root, branch, value))
            }
            "anyOf" => {
                let all = rule.as_array().unwrap().iter();
                let whys: Option<Vec<String>> =
                    all.map(|rule| refused(root, rule, value)).collect();
                whys.map(|whys| whys.join(" and "))
            }
            "type" => unless(rule.as_array().map_or_else(
                || is(value, rule),
                |kinds| kinds.iter().any(|kind| is(value, kind)),
            )),
            "const" => unless(value == rule),
            "enum" => unless(rule.as_array().unwrap().contains(value)),
            "minimum" => unless(value.as_f64().is_none_or(|it| it >= rule.as_f64().unwrap())),
            "maximum" => unless(value.as_f64().is_none_or(|it| it <= rule.as_f64().unwrap())),
            "exclusiveMinimum" => {
                unless(value.as_f64().is_none_or(|it| it > rule.as_f64().unwrap()))
            }
            "minLength" => unless(
                value
                    .as_str()
                    .is_none_or(|it| it.chars().count() as u64 >= rule.as_u64().unwrap()),
            ),
            "pattern" => unless(
                value
                    .as_str()
                    .is_none_or(|it| Regex::new(rule.as_str().unwrap()).unwrap().is_match(it)),
            ),
            "minItems" => unless(
                value
                    .as_array()
                    .is_none_or(|it| it.len() as u64 >= rule.as_u64().unwrap()),
            ),
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|item| refused(root, rule, item)),
            _ => return of_map(root, schema, (keyword, rule), value),
        };
        why.map(|why| {
            if why.is_empty() {
                format!("{keyword} {rule}")
            } else {
                why
            }
        })
    })
}

fn of_map(
    root: &Value,
    schema: &Value,
    (keyword, rule): (&str, &Value),
    value: &Value,
) -> Option<String> {
    let map = value.as_object();
    match keyword {
        "properties" => rule.as_object().unwrap().iter().find_map(|(name, rule)| {
            let why = refused(root, rule, map?.get(name)?)?;
            Some(format!("{name}: {why}"))
        }),
        "required" => rule.as_array().unwrap().iter().find_map(|name| {
            let name = name.as_str().unwrap();
            (!map?.contains_key(name)).then(|| format!("there is no '{name}'"))
        }),
        "additionalProperties" => map?.iter().find_map(|(name, value)| {
            let known = schema
                .get("properties")
                .is_some_and(|known| known.get(name).is_some());
            let why = if known {
                None
            } else {
                refused(root, rule, value)
            };
            why.map(|why| format!("{name}: {why}"))
        }),
        "propertyNames" => map?
            .keys()
            .find_map(|name| refused(root, rule, &Value::from(name.as_str()))),
        "minProperties" => {
            ((map?.len() as u64) < rule.as_u64().unwrap()).then(|| "too few".to_owned())
        }
        other => panic!("the keyword '{other}' is not understood here"),
    }
}

/// An empty reason: the rule itself says what was wrong.
fn unless(fits: bool) -> Option<String> {
    (!fits).then(String::new)
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("the type '{other}' is not understood here"),
    }
}
