//! Units a playbook writes as text or numbers: durations, amounts of memory and disk; and how counts are written.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An amount of memory or disk. A gigabyte is 10⁹ bytes: a machine that is sold with 16 GB has some more than that,
/// so that a stage may ask for all 16.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteSize(u64);

impl ByteSize {
    /// So many bytes.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many gigabytes; `None` for what is no amount. What is more than can be counted is the most that can.
    pub fn from_gigabytes(gigabytes: f64) -> Option<Self> {
        let bytes = (gigabytes * 1e9).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not negative, and casts saturate"
        )]
        (bytes >= 0.0).then_some(Self(bytes as u64))
    }

    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// `812 B`, `1.5 kB`, `64 MB`, `25.277 GB`: to three places, never more than there is.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000 => return write!(f, "{} B", self.0),
            1_000..1_000_000 => (1_000, "kB"),
            1_000_000..1_000_000_000 => (1_000_000, "MB"),
            _ => (1_000_000_000, "GB"),
        };
        let (whole, thousandths) = (self.0 / unit, self.0 % unit / (unit / 1_000));
        let text = format!("{whole}.{thousandths:03}");
        let short = text.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{short} {name}")
    }
}

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a duration (examples: 500ms, 30s, 5m, 1h30m, 2d; a bare number is seconds)")]
pub struct NotADuration(pub String);

/// Parses `ms s m h d` and compounds such as `1h30m`; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, NotADuration> {
    let wrong = || NotADuration(text.to_owned());
    let trimmed = text.trim();
    if let Some(bare) = parse_number(trimmed) {
        return Duration::try_from_secs_f64(bare).map_err(|_| wrong());
    }
    let mut rest = trimmed;
    let mut total = Duration::ZERO;
    let mut last_unit = f64::INFINITY;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, behind) = tail.split_at(letters);
        let unit = unit_seconds(unit).ok_or_else(wrong)?;
        if unit >= last_unit {
            return Err(wrong());
        }
        last_unit = unit;
        let seconds = parse_number(number).ok_or_else(wrong)? * unit;
        let part = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = behind;
    }
    if trimmed.is_empty() {
        Err(wrong())
    } else {
        Ok(total)
    }
}

fn parse_number(text: &str) -> Option<f64> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

fn unit_seconds(unit: &str) -> Option<f64> {
    match unit {
        "ms" => Some(0.001),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3_600.0),
        "d" => Some(86_400.0),
        _ => None,
    }
}

/// A number with its thousands apart: `4,645`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// So many of something: `no jobs`, `1 job`, `4,645 jobs`.
pub fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        count => format!("{} {what}s", grouped(count)),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_is_not_several() {
        let told = [0, 1, 2, 4645].map(|count| counted(count, "job"));
        assert_eq!(told, ["no jobs", "1 job", "2 jobs", "4,645 jobs"]);
    }

    use super::*;

    #[test]
    fn amounts_of_bytes() {
        for (gigabytes, bytes, text) in [
            (0.0, 0, "0 B"),
            (1e-9, 1, "1 B"),
            (0.000_001_5, 1_500, "1.5 kB"),
            (0.5, 500_000_000, "500 MB"),
            (16.0, 16_000_000_000, "16 GB"),
            (25.276_502_016, 25_276_502_016, "25.276 GB"),
            (1e300, u64::MAX, "18446744073.709 GB"),
        ] {
            let size = ByteSize::from_gigabytes(gigabytes).unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, text));
        }
        for none in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(ByteSize::from_gigabytes(none), None);
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("5", 5_000),
            ("1.5", 1_500),
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1d1h1m1s1ms", 90_061_001),
        ] {
            assert_eq!(parse_duration(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in [
            "",
            " ",
            "-1",
            "s",
            "1x",
            "1m1h",
            "1m1m",
            "1 h",
            "1..5s",
            "99999999999999999999d",
            "1e3",
            "NaN",
            "inf",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
