//! The language: from text to a playbook, from a playbook to its graph.

use std::fmt::Write as _;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use playbook_types::graph::Graph;
use playbook_types::parse::{SourceName, parse};

const STAGES: usize = 1_000;

/// Layers of a hundred: a stage reads its source and two outs of the layer above.
fn text() -> String {
    let mut text = "version: \"1.0\"\nname: bench\nstages:\n".to_owned();
    for at in 0..STAGES {
        let mut deps = vec![format!("{{path: src/{at}.txt}}")];
        if let Some(above) = at.checked_sub(100) {
            let beside = above - above % 100 + (above + 1) % 100;
            deps.extend([above, beside].map(|at| format!("{{path: out/{at}.txt}}")));
        }
        let deps = deps.join(", ");
        writeln!(
            text,
            "  s{at}:\n    cmd: \"cksum {{{{deps[0].path}}}} > {{{{outs[0].path}}}}\"\n    deps: [{deps}]\n    outs: [{{path: out/{at}.txt}}]"
        )
        .unwrap();
    }
    text
}

#[divan::bench]
fn parse_playbook(bencher: Bencher<'_, '_>) {
    let text = text();
    let source = SourceName::new("playbook.yaml");
    bencher
        .counter(ItemsCount::new(STAGES))
        .bench(|| parse(black_box(&text), &source).unwrap());
}

#[divan::bench]
fn build_graph(bencher: Bencher<'_, '_>) {
    let parsed = parse(&text(), &SourceName::new("playbook.yaml")).unwrap();
    bencher
        .counter(ItemsCount::new(STAGES))
        .bench(|| Graph::build(black_box(&parsed.playbook)).unwrap());
}
