//! The tables as a JSON Schema of draft 7, which every editor's YAML support understands.
//!
//! A schema cannot say everything: that names exist, that paths do not overlap, that templates are well formed.
//! There it lets through what the parser refuses. It never refuses what the parser takes.

use indexmap::IndexMap;

use crate::language::shape::{Field, Fields, Key, Shape};
use crate::language::top::{PARAM_NAME, PARAMS, PLAYBOOK, json};
use crate::value::ParamValue;

type Map = IndexMap<String, ParamValue>;

const DURATION: &str = r"^\s*([0-9][0-9.]*|([0-9][0-9.]*(ms|s|m|h|d))+)\s*$";
const A_PARAM: &str = r"^\s*\{\{\s*params\..*\}\}\s*$";
const AXIS: Shape = Shape::Axis;
const NOT_YET: &str = "Not supported yet: 'playbook run' refuses a playbook that uses it.";

/// The schema of the language. `generator` says in it who wrote it: `playbook 0.1.0`.
pub fn json_schema(generator: &str) -> ParamValue {
    let mut schema = Map::new();
    set(
        &mut schema,
        "$schema",
        "http://json-schema.org/draft-07/schema#",
    );
    set(
        &mut schema,
        "$comment",
        format!("written by 'playbook schema' of {generator}").as_str(),
    );
    set(&mut schema, "title", "Playbook");
    set(
        &mut schema,
        "description",
        "Stages, what each reads and what each makes. 'playbook run' runs only what has to run.",
    );
    schema.extend(map(&PLAYBOOK));
    // Not a description beside it: what stands beside a reference does not count.
    let mut param = shape(&PARAMS);
    param.shift_remove("type");
    let definitions = Map::from_iter([("param".to_owned(), ParamValue::Map(param))]);
    schema.insert("definitions".to_owned(), ParamValue::Map(definitions));
    ParamValue::Map(schema)
}

fn map(fields: &Fields) -> Map {
    let mut schema = typed("object");
    let properties = fields
        .all
        .iter()
        .map(|it| (it.name.to_owned(), ParamValue::Map(field(it))));
    let required = fields.all.iter().filter(|field| field.required);
    let required = required.map(|field| text(field.name)).collect();
    schema.insert(
        "properties".to_owned(),
        ParamValue::Map(properties.collect()),
    );
    schema.insert("required".to_owned(), ParamValue::List(required));
    schema.insert("additionalProperties".to_owned(), ParamValue::Bool(false));
    if let Some(ParamValue::Map(between)) = fields.between.map(|between| between()) {
        schema.extend(between);
    }
    schema
}

fn field(field: &Field) -> Map {
    let mut schema = Map::new();
    let about = if field.not_yet {
        format!("{} {NOT_YET}", field.about)
    } else {
        field.about.to_owned()
    };
    set(&mut schema, "description", &about);
    schema.extend(shape(&field.shape));
    if let Some(default) = field.default {
        set(&mut schema, "default", default);
    }
    schema
}

fn shape(it: &Shape) -> Map {
    match it {
        // 1.0 without quotes is the same to the parser. An editor should offer the text.
        Shape::Version => object(
            r#"{"anyOf": [{"const": "1.0"}, {"type": "number", "minimum": 1, "maximum": 1}], "default": "1.0"}"#,
        ),
        Shape::Text => typed("string"),
        Shape::Filled => matching(r"\S", "this cannot be empty"),
        Shape::Path | Shape::DataPath => object(r#"{"type": "string", "minLength": 1}"#),
        Shape::Matrix => {
            let mut axes = map_of(PARAM_NAME, &AXIS, 1);
            axes.extend(matching(
                A_PARAM,
                "a param as in {{ params.name }}, or a map of lists",
            ));
            axes.insert("type".to_owned(), kinds(&["object", "string"]));
            axes
        }
        Shape::Axis => {
            let mut list = matching(A_PARAM, "a param as in {{ params.name }}, or a list");
            list.insert("type".to_owned(), kinds(&["array", "string"]));
            list.insert("items".to_owned(), ParamValue::Map(shape(&Shape::Param)));
            list
        }
        Shape::Foreach => {
            let mut list = matching(A_PARAM, "a param as in {{ params.name }}, a list or a map");
            list.insert("type".to_owned(), kinds(&["array", "object", "string"]));
            list
        }
        Shape::Name(key) => matching(key.pattern, key.rule),
        Shape::Flag(default) => {
            let mut schema = typed("boolean");
            schema.insert("default".to_owned(), ParamValue::Bool(*default));
            schema
        }
        Shape::Count(least) => at_least("integer", *least),
        Shape::Number(least) => at_least("number", *least),
        Shape::Duration { positive } => duration(*positive),
        Shape::Words(words) => one_of(&words()),
        Shape::Scalar => object(r#"{"type": ["string", "number", "boolean"]}"#),
        Shape::Param => object(r##"{"$ref": "#/definitions/param"}"##),
        Shape::Map(fields) => map(fields),
        Shape::MapOf { key, value, least } => map_of(*key, value, *least),
        Shape::List { of, least } => list(typed("array"), of, *least),
        Shape::ListOrOne { of, least } => list(either(text_part(of), typed("array")), of, *least),
        Shape::TextOr(text, fields) => either(shape(text), map(fields)),
    }
}

/// What a lone text must be where a list of these may stand.
fn text_part(of: &Shape) -> Map {
    match of {
        Shape::TextOr(text, _) => shape(text),
        other => shape(other),
    }
}

/// A text of the first kind, or a list or map of the second: what is said of the one says nothing of the other.
fn either(mut text_schema: Map, other: Map) -> Map {
    for (key, value) in other {
        if key == "type" {
            text_schema.insert(key, ParamValue::List(vec![text("string"), value]));
        } else {
            text_schema.insert(key, value);
        }
    }
    text_schema
}

fn list(mut schema: Map, of: &Shape, least: u32) -> Map {
    schema.insert("items".to_owned(), ParamValue::Map(shape(of)));
    if least > 0 {
        schema.insert("minItems".to_owned(), ParamValue::Int(least.into()));
    }
    schema
}

fn map_of(key: Key, value: &Shape, least: u32) -> Map {
    let mut schema = typed("object");
    let names = matching(key.pattern, key.rule);
    schema.insert("propertyNames".to_owned(), ParamValue::Map(names));
    schema.insert(
        "additionalProperties".to_owned(),
        ParamValue::Map(shape(value)),
    );
    if least > 0 {
        schema.insert("minProperties".to_owned(), ParamValue::Int(least.into()));
    }
    schema
}

fn duration(positive: bool) -> Map {
    let mut schema = matching(
        DURATION,
        "a duration is 500ms, 30s, 5m, 1h30m, 2d or a number of seconds",
    );
    let bound = if positive {
        "exclusiveMinimum"
    } else {
        "minimum"
    };
    schema.insert(bound.to_owned(), ParamValue::Int(0));
    schema.insert(
        "type".to_owned(),
        ParamValue::List(vec![text("string"), text("number")]),
    );
    schema
}

fn one_of(words: &[(&str, &str)]) -> Map {
    let mut schema = typed("string");
    let names = words.iter().map(|(word, _)| text(word)).collect();
    let about = words.iter().map(|(_, about)| text(about)).collect();
    schema.insert("enum".to_owned(), ParamValue::List(names));
    // Editors show these; validators do not look at them.
    schema.insert("enumDescriptions".to_owned(), ParamValue::List(about));
    schema
}

fn matching(pattern: &str, rule: &str) -> Map {
    let mut schema = typed("string");
    set(&mut schema, "pattern", pattern);
    set(&mut schema, "patternErrorMessage", rule);
    schema
}

fn at_least(kind: &str, least: u32) -> Map {
    let mut schema = typed(kind);
    schema.insert("minimum".to_owned(), ParamValue::Int(least.into()));
    schema
}

fn kinds(kinds: &[&str]) -> ParamValue {
    ParamValue::List(kinds.iter().map(|kind| text(kind)).collect())
}

fn typed(kind: &str) -> Map {
    Map::from_iter([("type".to_owned(), text(kind))])
}

fn object(source: &str) -> Map {
    match json(source) {
        ParamValue::Map(map) => map,
        _ => Map::new(),
    }
}

fn set(schema: &mut Map, key: &str, value: &str) {
    schema.insert(key.to_owned(), text(value));
}

fn text(value: &str) -> ParamValue {
    ParamValue::Str(value.to_owned())
}
