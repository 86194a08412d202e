//! `matrix` and `foreach`, from their nodes.

use indexmap::IndexMap;

use crate::finding::{Finding, Mark};
use crate::model::spread::{Grid, Spread, Values};
use crate::name::{ParamKey, is_param_part};
use crate::parse::fields::{At, Fields, Lowering};
use crate::parse::node::Node;
use crate::template::{Reference, Template};
use crate::value::ParamValue;

impl Lowering {
    /// What the stage is written once for.
    pub(in crate::parse) fn spread(&mut self, name: &str, fields: &Fields<'_>) -> Option<Spread> {
        let before = self.found.len();
        let spread = self.read_spread(name, fields);
        // What could not be read goes over nothing, so that its items are not missed elsewhere.
        let nothing = || Spread::Foreach(Values::Written(ParamValue::List(Vec::new())));
        spread.or_else(|| (self.found.len() > before).then(nothing))
    }

    fn read_spread(&mut self, name: &str, fields: &Fields<'_>) -> Option<Spread> {
        match (fields.get("matrix"), fields.get("foreach")) {
            (None, None) => None,
            (Some(_), Some(foreach)) => {
                let message = format!("stage '{name}' has both 'matrix' and 'foreach'");
                let finding = Finding::error(foreach.path, message).mark(Mark::Key);
                self.found.push(
                    finding
                        .hint("a matrix takes several lists; make what 'foreach' has one of them"),
                );
                None
            }
            (Some(matrix), None) => self.grid(&matrix).map(Spread::Matrix),
            (None, Some(foreach)) => match foreach.node {
                Node::Seq(_) | Node::Map(_) => {
                    Some(Spread::Foreach(Values::Written(foreach.node.to_value())))
                }
                _ => self
                    .param_reference(&foreach, "a list, a map")
                    .map(|key| Spread::Foreach(Values::Param(key))),
            },
        }
    }

    fn grid(&mut self, value: &At<'_>) -> Option<Grid> {
        if !matches!(value.node, Node::Map(_)) {
            let key = self.param_reference(value, "a map of lists")?;
            return Some(Grid::Param(key));
        }
        let mut axes = IndexMap::new();
        for (name, value) in self.map(value) {
            if !is_param_part(name) {
                let message = format!("'{name}' cannot be the name of an axis");
                let finding = Finding::error(value.path.clone(), message).mark(Mark::Key);
                self.found
                    .push(finding.hint("use letters, digits, '_' and '-'"));
                continue;
            }
            let values = match value.node {
                Node::Seq(_) => Values::Written(value.node.to_value()),
                _ => match self.param_reference(&value, "a list") {
                    Some(key) => Values::Param(key),
                    None => continue,
                },
            };
            axes.insert(name.to_owned(), values);
        }
        if axes.is_empty() && matches!(value.node, Node::Map(map) if map.entries.is_empty()) {
            self.error(&value.path, "'matrix' is empty");
        }
        Some(Grid::Axes(axes))
    }

    /// The param that a value is: `{{ params.regions }}` and nothing else.
    fn param_reference(&mut self, value: &At<'_>, what: &str) -> Option<ParamKey> {
        let what = format!("{what}, or a param as in '{{{{ params.name }}}}'");
        let Node::Str(text) = value.node else {
            self.expected(value, &what);
            return None;
        };
        let template = Template::parse(text.trim());
        let key = template.ok().and_then(|template| {
            let whole = |source: &str| source.len() == text.trim().len();
            let placeholder = template.references().next()?;
            match &placeholder.reference {
                Reference::Param(key) if whole(&placeholder.source) && !placeholder.raw => {
                    Some(key.clone())
                }
                _ => None,
            }
        });
        if key.is_none() {
            self.expected(value, &what);
        }
        key
    }
}
