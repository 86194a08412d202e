//! Digests of files and trees, cache keys, and the stat cache that saves them.

use std::fs;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use playbook_hash::{
    DigestMemo, IgnoreRules, Listings, StatCache, Trust, digest_file, digest_tree,
};
use tempfile::TempDir;

use crate::fixture::{fingerprint, let_files_grow_old, put, tree};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

#[divan::bench(args = [4 * KIB, MIB, 64 * MIB])]
fn file(bencher: Bencher<'_, '_>, size: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    put(&path, &vec![0x5A; size]);
    bencher
        .counter(BytesCount::new(size))
        .bench(|| digest_file(black_box(&path)).unwrap());
}

#[divan::bench(args = [1_000])]
fn directory(bencher: Bencher<'_, '_>, files: usize) {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path(), files, 4 * KIB);
    let rules = IgnoreRules::load(folder.path()).unwrap();
    bencher
        .counter(ItemsCount::new(files))
        .bench(|| digest_tree(black_box(folder.path()), &rules, Listings::Skip).unwrap());
}

/// Ten thousand old files, a stat cache that knows all of them, and one more that it does not know.
static KNOWN: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let paths = tree(&folder.path().join("data"), FILES, 16);
    put(&folder.path().join("new"), b"new");
    let_files_grow_old();
    let rules = IgnoreRules::load(folder.path()).unwrap();
    let memo = memo(&folder, "cache");
    for path in paths {
        memo.digest(&path, &rules).unwrap();
    }
    memo.save().unwrap();
    folder
});
const FILES: usize = 10_000;

fn memo(folder: &TempDir, cache: &str) -> DigestMemo {
    let cache = StatCache::new(folder.path().join(cache), folder.path().to_owned());
    DigestMemo::with_cache(Trust::Stat, cache)
}

#[divan::bench]
fn stat_cache_load(bencher: Bencher<'_, '_>) {
    let folder = &*KNOWN;
    bencher
        .counter(ItemsCount::new(FILES))
        .bench(|| memo(folder, "cache"));
}

#[divan::bench]
fn stat_cache_load_and_save(bencher: Bencher<'_, '_>) {
    let folder = &*KNOWN;
    let rules = IgnoreRules::load(folder.path()).unwrap();
    bencher
        .counter(ItemsCount::new(FILES))
        .with_inputs(|| {
            fs::copy(folder.path().join("cache"), folder.path().join("copy")).unwrap();
        })
        .bench_local_values(|()| {
            let memo = memo(folder, "copy");
            memo.digest(&folder.path().join("new"), &rules).unwrap();
            memo.save().unwrap();
        });
}

#[divan::bench]
fn cache_key(bencher: Bencher<'_, '_>) {
    let fingerprint = fingerprint(7);
    bencher.bench(|| black_box(&fingerprint).cache_key());
}
