//! A hasher that cannot be written to without framing.

use playbook_types::digest::Digest;

/// BLAKE3 in key derivation mode, written to only in frames: lengths before bytes, fixed sizes, tags.
#[derive(Debug)]
pub struct Framed(blake3::Hasher);

impl Framed {
    /// A hasher under a context (`layout`).
    pub fn new(context: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(context))
    }

    /// Bytes, their length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.0.update(bytes);
    }

    /// A length, or how many items follow.
    pub fn len(&mut self, len: usize) {
        self.0.update(&(len as u64).to_le_bytes());
    }

    /// One byte that says what follows.
    pub fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }

    /// A digest.
    pub fn digest(&mut self, digest: &Digest) {
        self.0.update(digest.as_bytes());
    }

    /// A number.
    pub fn u64(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    /// Something that may be absent.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            None => self.tag(0),
            Some(value) => {
                self.tag(1);
                write(self, value);
            }
        }
    }

    /// The digest of everything written.
    pub fn finish(self) -> Digest {
        digest_of(&self.0)
    }
}

/// What a hasher has come to.
pub(crate) fn digest_of(hasher: &blake3::Hasher) -> Digest {
    Digest::from_bytes(*hasher.finalize().as_bytes())
}
