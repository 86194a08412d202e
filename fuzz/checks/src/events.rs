//! An event is written as one line, which reads back as the same event.

use playbook_lock::history::EventLog;
use playbook_types::record::event::Event;

/// Reads each line of an event log, writes it and reads it again.
pub fn check(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    for event in text.lines().filter_map(read) {
        let line = EventLog::line(&event);
        let whole = line
            .strip_suffix('\n')
            .is_some_and(|line| !line.contains('\n'));
        assert!(whole, "not one line: {line:?}");
        assert_eq!(read(&line), Some(event), "another event from {line}");
    }
}

fn read(line: &str) -> Option<Event> {
    serde_json::from_str(line).ok()
}
