//! Digests of what a pipeline reads, makes and runs, and the disk operations beneath.
//!
//! | input | digest |
//! |---|---|
//! | file | the plain BLAKE3 of its bytes, so `b3sum` agrees: [`digest_file`] |
//! | directory | a Merkle tree over names, kinds, executable bits and contents: [`digest_tree`] |
//! | command | the plain BLAKE3 of its text: [`digest_command`], [`digest_commands`] |
//! | params | of their canonical JSON: [`digest_params`] |
//! | declared environment | of its sorted entries: [`digest_env`], or [`digest_clean_env`] where a command inherits nothing |
//! | all of a stage | the cache key: [`Fingerprint::cache_key`] |
//! | a job of a fan-out | its key: [`JobKeys::key`] |
//!
//! [`layout`] has the bytes. No time stamp is ever part of a digest; [`DigestMemo`] uses them only to
//! save reading a file again, and only where they cannot deceive.
//!
//! ```
//! use playbook_hash::{IgnoreRules, Listings, digest_command, digest_tree};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let empty = digest_tree(directory.path(), &IgnoreRules::load(directory.path())?, Listings::Skip)?;
//! assert_eq!((empty.file_count, empty.total_bytes), (0, 0));
//! assert!(digest_command("true").to_string().starts_with("blake3:"));
//! # Ok(())
//! # }
//! ```

mod command;
mod data;
pub mod disk;
mod error;
mod file;
mod fingerprint;
mod framed;
mod ignore_rules;
mod job_key;
pub mod layout;
mod params;
mod stat;
mod tree;

pub use command::{digest_command, digest_commands};
pub use data::{DataKind, PathDigest};
pub use error::{HashError, SpecialKind};
pub use file::{FileDigest, Reading, digest_file, reading};
pub use fingerprint::{DataDigest, Fingerprint};
pub use framed::Framed;
pub use ignore_rules::IgnoreRules;
pub use job_key::{JobFile, JobKeys};
pub use params::{canonical_json, digest_clean_env, digest_env, digest_params};
pub use stat::{
    Boot, DigestMemo, Evidence, EvidenceItem, Moment, StatCache, StatKey, Trust, boot_id, changed,
    is_racy, this_program,
};
pub use tree::{
    EntryKind, FoundTree, Glance, Listing, ListingDiff, ListingEntry, Listings, TreeDigest,
    digest_tree, glance,
};
