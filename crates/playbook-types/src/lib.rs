//! The playbook language and the records of runs, as values.
//!
//! A playbook's text becomes a [`Playbook`](model::playbook::Playbook) or a list of everything that is
//! wrong with it, each with its place ([`parse`]). Commands are [templates](template) whose values are
//! quoted for where they stand. The [`graph`] says who needs whom. [`record`] has what is written down:
//! lock entries, events, and the reasons why a stage must run.
//!
//! Nothing here knows the file system, the clock, processes or a terminal; the crate's own `clippy.toml`
//! makes that an error.
//!
//! ```
//! use playbook_types::graph::Graph;
//! use playbook_types::parse::{SourceName, parse};
//!
//! let text = r#"
//! version: "1.0"
//! name: two steps
//! stages:
//!   last: {cmd: sort words > sorted, deps: [words], outs: [sorted]}
//!   first: {cmd: echo b a > words, outs: [words]}
//! "#;
//! let parsed = parse(text, &SourceName::new("playbook.yaml")).expect("nothing is wrong with it");
//! let graph = Graph::build(&parsed.playbook).expect("it has no cycle");
//! let order: Vec<&str> =
//!     graph.order().iter().map(|stage| parsed.playbook.stages[stage.index()].name.as_str()).collect();
//! assert_eq!(order, ["first", "last"]);
//!
//! let wrong = text.replace("deps:", "dep:");
//! let findings = parse(&wrong, &SourceName::new("playbook.yaml")).unwrap_err();
//! let finding = findings.errors().next().expect("an unknown field is an error");
//! assert_eq!(finding.hint.as_deref(), Some("did you mean 'deps'?"));
//! assert_eq!(finding.place.as_ref().map(|place| place.line), Some(5));
//! ```

pub mod check;
pub mod digest;
pub mod expand;
pub mod finding;
pub mod graph;
pub mod language;
pub mod model;
pub mod name;
pub mod parse;
pub mod path;
pub mod record;
pub mod span;
pub mod suggest;
pub mod template;
pub mod units;
pub mod value;
