//! Digests of commands.

use playbook_types::digest::Digest;

/// The plain BLAKE3 of a resolved command.
pub fn digest_command(text: &str) -> Digest {
    digest_bytes(text.as_bytes())
}

/// Of a list of commands: the plain BLAKE3 of their JSON array.
pub fn digest_commands(texts: &[String]) -> Digest {
    // Strings always have a JSON form.
    digest_bytes(&serde_json::to_vec(texts).unwrap_or_default())
}

/// The plain BLAKE3 of some bytes, as `b3sum` would give it.
pub(crate) fn digest_bytes(bytes: &[u8]) -> Digest {
    Digest::from_bytes(*blake3::hash(bytes).as_bytes())
}
