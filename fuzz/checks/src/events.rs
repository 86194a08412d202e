//! An event is one line, which reads back as the same event, and a line that is spoilt spoils no other.

use playbook_lock::history::{EventLog, parse_events};
use playbook_types::record::event::Event;

/// How many places of a log are cut or damaged.
const PLACES: usize = 16;

/// Reads the bytes as an event log, and writes what was in it as another one.
pub fn check(data: &[u8]) {
    let read = parse_events(data);
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let spoilt = |line: &usize| lines.get(line - 1).is_some_and(|line| !line.is_empty());
    assert!(
        read.unreadable.iter().all(spoilt) && read.unreadable.is_sorted(),
        "lines that are not there: {:?}",
        read.unreadable
    );
    let full = lines.iter().filter(|line| !line.is_empty()).count();
    assert_eq!(
        read.events.len() + read.unreadable.len(),
        full,
        "each line is one event, or none"
    );
    let written: Vec<String> = read.events.iter().map(EventLog::line).collect();
    for line in &written {
        let whole = line.find('\n').is_some_and(|at| at + 1 == line.len());
        assert!(whole, "not one line: {line:?}");
    }
    let log = written.concat();
    let again = parse_events(log.as_bytes());
    assert_eq!(again.events, read.events, "other events from:\n{log}");
    assert!(again.unreadable.is_empty(), "lines lost from:\n{log}");
    for i in 0..PLACES.min(log.len()) {
        let at = log.len() * i / PLACES.min(log.len());
        whole_lines_survive(log.as_bytes(), at, 1 << (i % 8), &read.events);
    }
}

/// After a cut, all before it; after damage, all but what stood in the damaged line, or on both sides of a
/// damaged line break; and a torn line that was closed hides nothing behind it.
fn whole_lines_survive(log: &[u8], at: usize, bits: u8, events: &[Event]) {
    let (front, back) = log.split_at(at);
    let before = front.split(|byte| *byte == b'\n').count() - 1;
    let found = parse_events(front).events;
    assert!(
        events.starts_with(&found) && found.len() >= before,
        "{} of {before} events before a cut at {at}",
        found.len()
    );

    let mut damaged = log.to_vec();
    let mut lost = 1;
    if let Some(byte) = damaged.get_mut(at) {
        lost += usize::from(*byte == b'\n');
        *byte ^= bits;
    }
    let after = events.get(before + lost..).unwrap_or(&[]);
    let found = parse_events(&damaged).events;
    assert!(
        found.starts_with(events.get(..before).unwrap_or(&[])) && found.ends_with(after),
        "damage at {at} reaches other lines"
    );

    let mut closed = front.to_vec();
    closed.push(b'\n');
    closed.extend(back.iter().skip_while(|byte| **byte != b'\n'));
    let found = parse_events(&closed).events;
    let after = events.get(before + 1..).unwrap_or(&[]);
    assert!(
        found.ends_with(after),
        "torn at {at}, it hides what follows"
    );
}
