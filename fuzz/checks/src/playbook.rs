//! A text is a playbook whose graph is sound, or there is something wrong with it that can be shown.

use playbook_types::graph::{Graph, StageId};
use playbook_types::model::playbook::Playbook;
use playbook_types::parse::{SourceName, parse};

use crate::shown::can_be_shown;
use crate::text;

/// Reads a playbook twice and looks at what came of it.
pub fn check(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let source = SourceName::new("playbook.yaml");
    let parsed = parse(text, &source);
    assert_eq!(parsed, parse(text, &source), "read twice, understood twice");
    match parsed {
        Ok(parsed) => {
            assert!(!parsed.warnings.has_errors(), "an error that stops nothing");
            can_be_shown(text, &parsed.warnings.0);
            sound(&parsed.playbook);
        }
        Err(findings) => {
            assert!(findings.has_errors(), "refused without an error");
            can_be_shown(text, &findings.0);
        }
    }
}

/// What reads a path needs all that make it, above, at or below it; and the order keeps to that.
fn sound(playbook: &Playbook) {
    let Ok(graph) = Graph::build(playbook) else {
        panic!("a playbook in order whose stages need each other in a circle")
    };
    assert_eq!(graph.order().len(), playbook.stages.len());
    let mut done = vec![false; playbook.stages.len()];
    for &stage in graph.order() {
        for need in graph.needs(stage) {
            assert!(done[need.index()], "a stage before what it needs");
            assert!(graph.feeds(*need).contains(&stage), "an edge of one end");
        }
        assert!(!done[stage.index()], "a stage twice in the order");
        done[stage.index()] = true;
    }
    for (i, stage) in playbook.stages.values().enumerate() {
        let makes = |other: &StageId| {
            let (_, other) = playbook.stages.get_index(other.index())?;
            let read = stage
                .deps
                .iter()
                .any(|dep| other.outs.iter().any(|out| out.path.overlaps(&dep.path)));
            (read && other.name != stage.name).then_some(())
        };
        let expected: Vec<StageId> = (0..playbook.stages.len())
            .map(StageId::new)
            .filter(|other| makes(other).is_some())
            .collect();
        assert_eq!(
            graph.reads(StageId::new(i)),
            expected,
            "what {} reads",
            stage.name
        );
    }
}
