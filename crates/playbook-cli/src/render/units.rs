//! Durations, moments and amounts of data as a person reads them.

use std::fmt::Write as _;

use jiff::Timestamp;
use playbook_types::record::usage::Usage;

/// `0.04 s`, `12.3 s`, `3 min 10 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 9.995 {
        return format!("{seconds:.2} s");
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 59.95, and casts saturate"
    )]
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes, rest) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// What commands used: `3.30 s of processor time (0.10 s in the system), at most 1.29 GB of memory`.
pub(crate) fn used(usage: &Usage) -> String {
    let mut text = format!("{} of processor time", duration(usage.cpu_seconds()));
    if usage.system_seconds >= 0.005 {
        write!(text, " ({} in the system)", duration(usage.system_seconds)).ok();
    }
    if let Some(most) = usage.max_rss_bytes {
        write!(text, ", at most {} of memory", memory(most)).ok();
    }
    text
}

/// An amount of memory in the units of `memory_gb`, to three places: `812 kB`, `64.3 MB`, `1.29 GB`.
pub(crate) fn memory(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is rounded to three places")]
    let mut rest = count as f64 / 1e3;
    let mut unit = "kB";
    for next in ["MB", "GB", "TB"] {
        // What would be shown as 1000 is one of the next unit.
        if rest < 999.5 {
            break;
        }
        rest /= 1e3;
        unit = next;
    }
    let places = match rest {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{rest:.places$} {unit}")
}

/// A moment as a person reads it: nobody asks for its microseconds.
pub(crate) fn to_the_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// An amount of data as a person reads it: `812 B`, `1.2 KiB`, `3.4 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    #[expect(clippy::cast_precision_loss, reason = "it is rounded to one place")]
    let mut rest = count as f64;
    let mut unit = "B";
    for next in UNITS {
        // What would be shown as 1024.0 is one of the next unit.
        if rest < 1023.95 {
            break;
        }
        rest /= 1024.0;
        unit = next;
    }
    if unit == "B" {
        format!("{count} B")
    } else {
        format!("{rest:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use playbook_types::record::usage::Usage;

    use super::{bytes, duration, memory, used};

    #[test]
    fn amounts() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_524, "1023.9 KiB"),
            (1_048_530, "1.0 MiB"),
            (3 << 30, "3.0 GiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn what_was_used() {
        for (count, text) in [
            (0, "0.00 kB"),
            (999_499, "999 kB"),
            (999_600, "1.00 MB"),
            (64_320_000, "64.3 MB"),
            (1_294_967_296, "1.29 GB"),
            (99_960_000_000, "100 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(memory(count), text);
        }
        let mut usage = Usage {
            user_seconds: 3.2,
            ..Usage::default()
        };
        assert_eq!(used(&usage), "3.20 s of processor time");
        (usage.system_seconds, usage.max_rss_bytes) = (0.1, Some(2_000_000_000));
        assert_eq!(
            used(&usage),
            "3.30 s of processor time (0.10 s in the system), at most 2.00 GB of memory"
        );
    }

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0.0, "0.00 s"),
            (0.041, "0.04 s"),
            (9.999, "10.0 s"),
            (12.34, "12.3 s"),
            (59.96, "1 min"),
            (190.2, "3 min 10 s"),
            (3600.0, "1 h"),
            (7_500.0, "2 h 5 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
