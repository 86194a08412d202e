//! Reading the event log.

use playbook_types::record::event::Event;

/// An event log as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedEvents {
    /// The events, in the order they were written.
    pub events: Vec<Event>,
    /// Lines that are no event of this version, from 1: what a crash tore, or a newer program wrote.
    pub unreadable: Vec<usize>,
}

/// Reads the bytes of an event log. Lines that cannot be read spoil no others.
pub fn parse_events(bytes: &[u8]) -> ParsedEvents {
    let mut parsed = ParsedEvents::default();
    for (nth, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(event) => parsed.events.push(event),
            Err(_) => parsed.unreadable.push(nth + 1),
        }
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::EventLog;
    use playbook_types::record::event::{EventKind, RunTotals};

    fn events() -> Vec<Event> {
        let event = |kind| Event {
            ts: jiff::Timestamp::UNIX_EPOCH,
            run_id: uuid::Uuid::nil(),
            kind,
        };
        let stage = playbook_types::name::StageName::parse("a").unwrap();
        vec![
            event(EventKind::StageSkipped {
                stage: stage.clone(),
                because: stage,
            }),
            event(EventKind::RunFailed(RunTotals::default())),
        ]
    }

    #[test]
    fn cut_anywhere_whole_lines_survive() {
        let log: String = events().iter().map(EventLog::line).collect();
        for cut in 0..=log.len() {
            let parsed = parse_events(&log.as_bytes()[..cut]);
            assert!(events().starts_with(&parsed.events));
            assert!(parsed.events.len() >= log[..cut].matches('\n').count());
        }
    }

    #[test]
    fn a_torn_line_that_was_closed_spoils_no_other() {
        let [first, second] = [0, 1].map(|nth| EventLog::line(&events()[nth]));
        let log = format!("{}\n{second}", &first[..first.len() / 2]);
        let parsed = parse_events(log.as_bytes());
        assert_eq!(parsed.events, events()[1..]);
        assert_eq!(parsed.unreadable, [1]);
        assert_eq!(parse_events(b"\xff\n{}\n").unreadable, [1, 2]);
    }
}
