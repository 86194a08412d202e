//! What the stages are called that one written stage stands for.
//!
//! The text a wildcard matched and the key of an item go into a stage's name as they are, if they can. A character
//! that no stage name has is written `_`; a text that had such a character, or is long, is followed by `-` and ten hex
//! digits that are different for different texts. So a name depends on its own text alone, and `my song` and `my_song` do
//! not share one.

/// The most characters of one text in a name.
const LONGEST: usize = 80;

/// The text as a part of a stage's name; `in_front` if the name begins with it.
pub(super) fn fit(text: &str, in_front: bool) -> String {
    let fits = |(n, c): (usize, char)| {
        c.is_ascii_alphanumeric()
            || c == '_'
            || (matches!(c, '.' | '@' | '-') && (n > 0 || !in_front))
    };
    if text.len() <= LONGEST && text.chars().enumerate().all(fits) {
        return text.to_owned();
    }
    let shown = text.chars().enumerate().take(LONGEST);
    let shown: String = shown
        .map(|(n, c)| if fits((n, c)) { c } else { '_' })
        .collect();
    // Forty bits.
    format!("{shown}-{:010x}", fnv1a(text.as_bytes()) & 0xff_ffff_ffff)
}

/// Fowler, Noll and Vo's hash of 64 bits: the same for ever, everywhere. Two texts that share it are told from each
/// other when two stages turn out to have one name.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    // The low bits alone are poor.
    hash ^ (hash >> 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::StageName;
    use proptest::prelude::*;

    #[test]
    fn names_that_fit_stay() {
        for text in ["lecture", "a.b-c@d_1", "1"] {
            assert_eq!(fit(text, false), text);
        }
        assert_eq!(fit("-x", false), "-x");
    }

    #[test]
    fn names_that_do_not_are_readable_and_for_ever() {
        let names = [
            fit("my song", false),
            fit("Grüße", false),
            fit("日本語", false),
            fit("-x", true),
            fit(&"long".repeat(60), false),
            fit("a\nb", false),
        ];
        assert_eq!(
            names,
            [
                "my_song-f2dbe6c6df",
                "Gr__e-11e3045796",
                "___-b5c8ba7165",
                "_x-07b49ffee2",
                &format!("{}-18c2688c8d", "long".repeat(20)),
                "a_b-1904f058c1"
            ]
        );
    }

    #[test]
    fn published_vectors() {
        let plain = |text: &str| {
            let step =
                |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, step)
        };
        assert_eq!(plain("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325 ^ 0xcb_f29c);
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_is_a_name(text in "\\PC{1,120}", other in "\\PC{1,120}") {
            prop_assert!(StageName::parse(&fit(&text, true)).is_ok());
            let behind = format!("t_{}", fit(&text, false));
            prop_assert!(StageName::parse(&behind).is_ok());
            prop_assert_eq!(fit(&text, false) == fit(&other, false), text == other);
        }
    }
}
