//! Files that are kept to save time, in the one form in which damage is noticed: which kind of file it is, the BLAKE3 of all
//! that follows, and that.
//!
//! | bytes | what |
//! |---|---|
//! | as many as it has | the file's magic: what it is and its version, with a line break |
//! | 32 | the BLAKE3 of the body |
//! | | the body |

const DIGEST: usize = blake3::OUT_LEN;

/// The front of a sealed file. The body is to be put behind it, and then [`seal`] called.
pub fn unsealed(magic: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend([0; DIGEST]);
    bytes
}

/// Puts the digest of the body in its place, in what [`unsealed`] with the same magic began.
pub fn seal(magic: &[u8], bytes: &mut [u8]) {
    let front = magic.len() + DIGEST;
    if let Some((front, body)) = bytes.split_at_mut_checked(front) {
        front[magic.len()..].copy_from_slice(blake3::hash(body).as_bytes());
    }
}

/// The body of a sealed file; `None` if it is of another kind, cut off or damaged.
pub fn unseal<'b>(magic: &[u8], bytes: &'b [u8]) -> Option<&'b [u8]> {
    let (digest, body) = bytes.strip_prefix(magic)?.split_first_chunk::<DIGEST>()?;
    (blake3::hash(body).as_bytes() == digest).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: &[u8] = b"a test 1\n";

    fn sealed(body: &[u8]) -> Vec<u8> {
        let mut bytes = unsealed(MAGIC);
        bytes.extend(body);
        seal(MAGIC, &mut bytes);
        bytes
    }

    #[test]
    fn what_was_sealed_is_read_and_nothing_else() {
        for body in [&b""[..], b"body"] {
            let whole = sealed(body);
            assert_eq!(unseal(MAGIC, &whole), Some(body));
            assert_eq!(unseal(b"a test 2\n", &whole), None);
            for at in 0..whole.len() {
                assert_eq!(unseal(MAGIC, &whole[..at]), None, "cut at {at}");
                let mut flipped = whole.clone();
                flipped[at] ^= 1;
                assert_eq!(unseal(MAGIC, &flipped), None, "flipped at {at}");
            }
        }
    }
}
