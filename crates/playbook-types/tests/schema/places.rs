//! Every field of the language as its schema has it, and a playbook around each.

use serde_json::{Map, Value, json};

/// One field: the keys on the way to it, and what the schema says of it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) way: Vec<Value>,
    pub(crate) schema: Value,
}

impl Place {
    /// `stages.a.retry.limit`
    pub(crate) fn name(&self) -> String {
        let word = |key: &Value| key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        self.way.iter().map(word).collect::<Vec<_>>().join(".")
    }

    /// A playbook in which this field is that value.
    pub(crate) fn playbook_with(&self, root: &Value, value: Value) -> Value {
        let mut playbook = json!({"version": "1.0", "name": "t", "stages": {"a": {"cmd": "x", "deps": ["d"], "outs": ["o"]}}});
        put(root, &mut playbook, &self.way, value);
        playbook
    }
}

/// All of them, from the outside in.
pub(crate) fn places(schema: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    walk(schema, &[], &mut found);
    found
}

fn walk(schema: &Value, way: &[Value], found: &mut Vec<Place>) {
    let further = |key: Value| [way, &[key]].concat();
    if let Some(Value::Object(properties)) = schema.get("properties") {
        for (name, schema) in properties {
            let way = further(json!(name));
            found.push(Place {
                way: way.clone(),
                schema: schema.clone(),
            });
            walk(schema, &way, found);
        }
    }
    if let Some(item) = schema.get("items") {
        walk(item, &further(json!(0)), found);
    }
    if let Some(value @ Value::Object(_)) = schema.get("additionalProperties") {
        walk(value, &further(json!("a")), found);
    }
}

fn put(schema: &Value, into: &mut Value, way: &[Value], value: Value) {
    let Some((key, rest)) = way.split_first() else {
        *into = value;
        return;
    };
    if let Value::String(name) = key {
        if !into.is_object() {
            *into = Value::Object(Map::new());
        }
        let map = into.as_object_mut().unwrap();
        for required in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let required = required.as_str().unwrap();
            let sample = || sample(&schema["properties"][required]);
            map.entry(required).or_insert_with(sample);
        }
        let inner = match schema["properties"].get(name) {
            Some(inner) => inner,
            None => &schema["additionalProperties"],
        };
        put(inner, map.entry(name).or_insert(Value::Null), rest, value);
    } else {
        *into = json!([null]);
        put(&schema["items"], &mut into[0], rest, value);
    }
}

/// Something that fits.
fn sample(schema: &Value) -> Value {
    if let Some(words) = schema.get("enum") {
        return words[0].clone();
    }
    match schema["type"]
        .as_str()
        .or_else(|| schema["type"][0].as_str())
    {
        Some("integer" | "number") => json!(1),
        Some("string") => json!("p"),
        other => unreachable!("no sample for {other:?}"),
    }
}
