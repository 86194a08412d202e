//! A single param value, as a command line gives it.

use crate::finding::KeyPath;
use crate::parse::fields::{At, Lowering};
use crate::parse::node::Node;
use crate::value::ParamValue;

/// Reads a param value as YAML.
///
/// # Errors
///
/// What is wrong with it, in one sentence.
pub fn param_value(text: &str) -> Result<ParamValue, String> {
    let node: Node =
        serde_yaml_ng::from_str(text).map_err(|error| format!("not valid YAML: {error}"))?;
    let mut lowering = Lowering::default();
    node.oddities(&KeyPath::TOP, &mut lowering.found);
    if let Node::Map(_) = node {
        let path = KeyPath::TOP;
        lowering.params(&At { path, node: &node });
    }
    match lowering.found.into_iter().next() {
        Some(finding) => Err(finding.message),
        None => Ok(node.to_value()),
    }
}
