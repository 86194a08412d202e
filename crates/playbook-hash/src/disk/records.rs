//! A log of checksummed records: text lines, each with the digest of its payload in front.
//!
//! ```text
//! 3f0a9c41d2e87b56 {"record":"…"}
//! ```
//!
//! The 16 hex digits are the first 8 bytes of the BLAKE3 of the payload. Reading stops at the first line
//! that is not whole: whatever a crash or a full disk left behind it is not a record.

use std::fmt::Write as _;

/// Hex digits in front of a payload.
const DIGITS: usize = 16;

/// Appends a payload as a record. It must not hold a line break.
pub fn encode(payload: &str, into: &mut String) {
    debug_assert!(!payload.contains('\n'), "a record is one line");
    // Writing to text cannot fail.
    writeln!(into, "{:016x} {payload}", checksum(payload.as_bytes())).ok();
}

/// How many bytes a payload takes as a record.
pub fn encoded_len(payload: &str) -> usize {
    DIGITS + 1 + payload.len() + 1
}

/// The payloads of the records at the front of `bytes`, and how many bytes they take.
pub fn decode(bytes: &[u8]) -> (Vec<&str>, usize) {
    let mut payloads = Vec::new();
    let mut good = 0;
    while let Some(length) = bytes[good..].iter().position(|byte| *byte == b'\n') {
        let Some(payload) = payload_of(&bytes[good..good + length]) else {
            break;
        };
        payloads.push(payload);
        good += encoded_len(payload);
    }
    (payloads, good)
}

/// What stands behind the digits of a line, whether or not it is what was written.
pub fn payload_at(line: &[u8]) -> &[u8] {
    line.get(DIGITS + 1..).unwrap_or_default()
}

fn payload_of(line: &[u8]) -> Option<&str> {
    let (front, payload) = line.split_at_checked(DIGITS + 1)?;
    let front = std::str::from_utf8(front).ok()?.strip_suffix(' ')?;
    // What the writer would not have written is no record either: upper case, a sign.
    let written = front
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let expected = u64::from_str_radix(front, 16).ok().filter(|_| written)?;
    (checksum(payload) == expected).then_some(())?;
    std::str::from_utf8(payload).ok()
}

fn checksum(payload: &[u8]) -> u64 {
    let digest = blake3::hash(payload);
    let mut front = [0; 8];
    front.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(front)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> String {
        let mut log = String::new();
        for payload in ["{}", "", "zwölf \u{0} \\"] {
            encode(payload, &mut log);
        }
        log
    }

    #[test]
    fn what_was_written_is_read() {
        let log = three();
        assert_eq!(
            decode(log.as_bytes()),
            (vec!["{}", "", "zwölf \u{0} \\"], log.len())
        );
        assert_eq!(decode(b""), (vec![], 0));
    }

    #[test]
    fn cut_anywhere_it_is_a_prefix() {
        let log = three();
        let all = decode(log.as_bytes()).0;
        for cut in 0..log.len() {
            let (some, good) = decode(&log.as_bytes()[..cut]);
            assert!(all.starts_with(&some));
            assert!(good <= cut);
            let lines = log.as_bytes()[..cut].iter().filter(|byte| **byte == b'\n');
            assert_eq!(some.len(), lines.count(), "at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_ends_the_reading() {
        let log = three();
        let all = decode(log.as_bytes()).0;
        for at in 0..log.len() {
            for bit in 0..8 {
                let mut bytes = log.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let (some, good) = decode(&bytes);
                assert!(all.starts_with(&some), "byte {at}, bit {bit}");
                assert!(good <= at, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn zeros_after_a_power_cut_are_no_record() {
        let mut bytes = three().into_bytes();
        let length = bytes.len();
        bytes.extend([0; 4096]);
        bytes.push(b'\n');
        assert_eq!(decode(&bytes).1, length);
    }
}
