//! A hasher that cannot be written to without framing.

use playbook_types::digest::Digest;

/// So much is gathered before it is hashed: many small pieces one by one would cost more than hashing them does.
const GATHERED: usize = 32 * 1024;

/// BLAKE3 in key derivation mode, written to only in frames: lengths before bytes, fixed sizes, tags.
#[derive(Debug)]
pub struct Framed {
    hasher: blake3::Hasher,
    gathered: Vec<u8>,
}

impl Framed {
    /// A hasher under a context (`layout`).
    pub fn new(context: &str) -> Self {
        Self {
            hasher: blake3::Hasher::new_derive_key(context),
            gathered: Vec::new(),
        }
    }

    /// Bytes, their length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.put(bytes);
    }

    /// A length, or how many items follow.
    pub fn len(&mut self, len: usize) {
        self.put(&(len as u64).to_le_bytes());
    }

    /// One byte that says what follows.
    pub fn tag(&mut self, tag: u8) {
        self.put(&[tag]);
    }

    /// A digest.
    pub fn digest(&mut self, digest: &Digest) {
        self.put(digest.as_bytes());
    }

    /// A number.
    pub fn u64(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
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
    pub fn finish(mut self) -> Digest {
        self.hasher.update(&self.gathered);
        digest_of(&self.hasher)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED {
            self.hasher.update(&self.gathered);
            self.gathered.clear();
        }
    }
}

/// What a hasher has come to.
pub(crate) fn digest_of(hasher: &blake3::Hasher) -> Digest {
    Digest::from_bytes(*hasher.finalize().as_bytes())
}
