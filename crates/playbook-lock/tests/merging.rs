//! Merging two locks, entry by entry.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::path::Path;

use playbook_lock::merge::{Merged, NoTruth, Side, Truth, merge};
use playbook_lock::{parse_lock, render_lock};
use playbook_types::name::StageName;
use playbook_types::record::lock::{LockFile, StageEntry};
use proptest::prelude::*;

/// A lock with these entries: `a1 b2` has `a` as its first version and `b` as its second.
fn lock(text: &str) -> LockFile {
    let entry = |word: &str| {
        let (name, version) = word.split_at(1);
        let digest = format!("blake3:{}", version.repeat(64));
        format!(
            "  {name}: {{status: completed, duration_seconds: {version}, outs: [{{path: {name}, hash: '{digest}'}}], cache_key: '{digest}'}}\n"
        )
    };
    let entries: String = text.split_whitespace().map(entry).collect();
    let stages = if entries.is_empty() {
        " {}\n".to_owned()
    } else {
        format!("\n{entries}")
    };
    parse(&format!("schema: '1.0'\nplaybook: p\nstages:{stages}"))
}

fn parse(text: &str) -> LockFile {
    parse_lock(text, Path::new("p.lock.yaml")).unwrap()
}

/// The entries of a lock, as [`lock`] reads them.
fn text(lock: &LockFile) -> String {
    let words = lock
        .stages
        .iter()
        .map(|(name, entry)| format!("{name}{}", entry.duration_seconds.unwrap()));
    words.collect::<Vec<_>>().join(" ")
}

fn merged(base: &str, ours: &str, theirs: &str) -> Merged {
    merge(Some(&lock(base)), &lock(ours), &lock(theirs), &NoTruth)
}

#[test]
fn each_entry_is_merged_by_itself() {
    for (base, ours, theirs, expected) in [
        ("a1 b1", "a1 b1", "a1 b1", "a1 b1"),
        ("a1 b1", "a2 b1", "a1 b2", "a2 b2"),
        ("a1", "a2", "a2", "a2"),
        ("a1", "a2", "a3", "a2"),
        ("a1", "a1 b1", "a1 c1", "a1 b1 c1"),
        ("a1", "b1 a1", "c1 a1", "b1 c1 a1"),
        ("a1 b1 c1", "a1 c1", "a1 b1 c2", "a1 c2"),
        ("a1 b1", "a1", "a1 b2", "a1 b2"),
        ("a1 b1", "a1 b2", "a1", "a1 b2"),
        ("a1 b1", "", "a1 b1", ""),
        ("a1 b1 c1", "a1 b1 c1", "c1 b1 a1", "c1 b1 a1"),
        ("a1 b1 c1", "c1 b1 a2", "a1 x1 b1 c2", "c2 b1 a2 x1"),
        ("", "a1 b1", "b1 c1", "a1 b1 c1"),
    ] {
        let found = text(&merged(base, ours, theirs).lock);
        assert_eq!(found, expected, "{base} → {ours} | {theirs}");
    }
}

#[test]
fn without_a_common_ancestor_what_both_have_alike_or_one_has_is_taken() {
    let found = merge(None, &lock("a1 b1"), &lock("b2 c1 a1"), &NoTruth);
    assert_eq!(text(&found.lock), "a1 b1 c1");
    assert_eq!(found.decided.len(), 1);
    assert_eq!(found.decided[0].1, Side::Ours);
}

#[test]
fn where_both_changed_an_entry_the_side_that_is_on_disk_is_taken() {
    struct Disk(f64);
    impl Truth for Disk {
        fn is_there(&self, entry: &StageEntry) -> bool {
            entry.duration_seconds == Some(self.0)
        }
    }
    for (there, expected, side) in [
        (2.0, "a2", Side::Ours),
        (3.0, "a3", Side::Theirs),
        (1.0, "a2", Side::Ours),
    ] {
        let found = merge(Some(&lock("a1")), &lock("a2"), &lock("a3"), &Disk(there));
        assert_eq!(text(&found.lock), expected);
        assert_eq!(found.decided, [(StageName::parse("a").unwrap(), side)]);
    }
}

#[test]
fn what_stands_in_front_of_the_entries_is_merged_too() {
    let front = |name: &str, at: &str, hash: &str| {
        let digest = hash.repeat(64);
        parse(&format!(
            "schema: '1.0'\nplaybook: {name}\ngenerated_at: {at}\nparams_hash: blake3:{digest}\nstages: {{}}\n"
        ))
    };
    let base = front("p", "2026-02-16T14:00:00Z", "1");
    let ours = front("p", "2026-02-16T16:00:00Z", "1");
    let theirs = front("q", "2026-02-16T15:00:00Z", "2");
    let found = merge(Some(&base), &ours, &theirs, &NoTruth).lock;
    assert_eq!(found.playbook, "q");
    assert_eq!(found.generated_at, ours.generated_at);
    assert_eq!(found.params_hash, theirs.params_hash);
    assert_eq!(found.generator, playbook_lock::GENERATOR);
    let both = front("p", "2026-02-16T16:00:00Z", "3");
    let found = merge(Some(&base), &both, &theirs, &NoTruth).lock;
    assert_eq!(found.params_hash, None, "it is the digest of neither");
}

/// A few stages in some order, each in one of three versions.
fn some() -> impl Strategy<Value = String> {
    let names = Just(vec!["a", "b", "c", "d", "e"]).prop_shuffle();
    (names, prop::collection::vec(0..4u8, 5)).prop_map(|(names, versions)| {
        let words = names.iter().zip(versions);
        let words = words.filter(|(_, version)| *version > 0);
        words
            .map(|(name, version)| format!("{name}{version}"))
            .collect::<Vec<_>>()
            .join(" ")
    })
}

proptest! {
    #[test]
    fn nothing_is_made_up_and_nothing_lost(base in some(), ours in some(), theirs in some()) {
        let (base, ours, theirs) = (lock(&base), lock(&ours), lock(&theirs));
        let found = merge(Some(&base), &ours, &theirs, &NoTruth).lock;
        let other = merge(Some(&base), &theirs, &ours, &NoTruth).lock;
        for name in base.stages.keys().chain(ours.stages.keys()).chain(theirs.stages.keys()) {
            let [was, here, there, now] = [&base, &ours, &theirs, &found].map(|lock| lock.stages.get(name));
            prop_assert!(now == here || now == there || (here.is_none() && there.is_none()));
            let one_changed = was == here || was == there || here == there;
            prop_assert!(!one_changed || now == other.stages.get(name), "sides may be exchanged");
            prop_assert!(now.is_some() || was == here || was == there || here == there);
        }
        prop_assert_eq!(&merge(Some(&base), &base, &theirs, &NoTruth).lock.stages, &theirs.stages);
        prop_assert_eq!(&merge(Some(&base), &ours, &base, &NoTruth).lock.stages, &ours.stages);
        let again = parse(&render_lock(&found).unwrap());
        prop_assert_eq!(again, found);
    }

    #[test]
    fn the_order_of_the_side_that_changed_it_is_kept(ours in some(), theirs in some()) {
        let (ours, theirs) = (lock(&ours), lock(&theirs));
        let found = merge(Some(&ours), &ours, &theirs, &NoTruth).lock;
        prop_assert!(found.stages.keys().eq(theirs.stages.keys()));
    }
}
