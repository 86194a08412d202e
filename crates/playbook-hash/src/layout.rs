//! The byte layouts of everything that is hashed, in one place.
//!
//! A file and a command are hashed plain, so that `b3sum` agrees. Everything else is written through
//! [`Framed`](crate::Framed) into BLAKE3's key derivation mode under a context of its own, so that no two
//! kinds of input can give the same digest, and no two inputs of one kind the same bytes.
//!
//! ```text
//! bytes   := length:u64le  byte*            list of n := n:u64le  item*
//! digest  := byte[32]                       option    := 0x00 | 0x01 item
//!
//! directory  (TREE)       list of entries, sorted by raw name bytes:
//!     entry      := kind:u8  name:bytes  digest
//!     kind       := 0x01 file | 0x02 executable file | 0x03 directory | 0x04 symbolic link
//!     digest     := of the file's bytes | of the directory | BLAKE3 of the link's text
//!
//! params     (PARAMS)     bytes: canonical JSON of an object, keys sorted at every level
//!
//! env        (ENV, or CLEAN_ENV where a command inherits nothing)
//!                         list of entries, sorted by name:
//!     entry      := name:bytes  value:bytes
//!
//! cache key  (CACHE_KEY)  shell:bytes  command:digest  list:u8 (0x01 if the command is a list)
//!     deps       list, sorted by path:  path:bytes  digest
//!     params     digest
//!     env        option of digest
//!     wdir       option of bytes
//!     outs       list of bytes, sorted
//!     split      only where the stage has one:
//!                0x01 (one file a job) | 0x02 size:u64le (so many)   glob:option of bytes   ext:option of bytes
//! ```
//!
//! A key without a split ends behind the outs: everything in front of that has its length or a fixed size, so where the
//! outs end is told by the bytes themselves, and no key that goes on there is one that ends. The text of a command whose
//! fan-out names are left open has them between NULs; no command with a NUL in it can be run, so none is mistaken for one.
//!
//! A job of a fan-out is known by a key of its own:
//!
//! ```text
//! jobs       (JOBS)       shell:bytes  command:digest  list:u8  params:digest  env:option of digest  wdir:option of bytes
//!     others     list of the stage's deps but the first, sorted by path:  path:bytes  digest
//!     after      list of the runs that this one follows:  stage:bytes  ended:option of bytes
//!
//! job        (JOB)        of all jobs:digest
//!     files      list, in the order the job gets them:  input:bytes  digest  output:bytes
//! ```
//!
//! A change here makes every recorded digest of that kind differ: raise the version in the context.

/// Context of directory digests.
pub const TREE: &str = "playbook 2026-11 directory v1";
/// Context of params digests.
pub const PARAMS: &str = "playbook 2026-11 params v1";
/// Context of environment digests.
pub const ENV: &str = "playbook 2026-11 env v1";
/// Context of digests of environments that are all a command has.
pub const CLEAN_ENV: &str = "playbook 2026-11 clean env v1";
/// Context of cache keys.
pub const CACHE_KEY: &str = "playbook 2026-11 cache key v1";

/// Context of what the jobs of a fan-out have in common.
pub const JOBS: &str = "playbook 2026-11 jobs v1";
/// Context of the keys of jobs.
pub const JOB: &str = "playbook 2026-11 job v1";

/// The byte for a split with one file a job.
pub const SPLIT_PER_FILE: u8 = 1;
/// The byte for a split with several.
pub const SPLIT_CHUNKED: u8 = 2;

/// Kind byte of a file.
pub const KIND_FILE: u8 = 1;
/// Kind byte of a file its owner may execute.
pub const KIND_EXECUTABLE: u8 = 2;
/// Kind byte of a directory.
pub const KIND_DIRECTORY: u8 = 3;
/// Kind byte of a symbolic link.
pub const KIND_LINK: u8 = 4;
