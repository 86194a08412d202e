//! Units a playbook writes as text: durations.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

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
