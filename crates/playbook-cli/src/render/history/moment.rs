//! Moments where the user is: what is kept and what programs read is UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-02-16 15:00`.
pub(crate) fn minute(moment: Timestamp) -> String {
    local(moment, "%Y-%m-%d %H:%M")
}

/// `2026-02-16 15:00:07`.
pub(crate) fn second(moment: Timestamp) -> String {
    local(moment, "%Y-%m-%d %H:%M:%S")
}

fn local(moment: Timestamp, format: &str) -> String {
    let here = moment.to_zoned(TimeZone::system());
    here.strftime(format).to_string()
}
