//! What patterns match.

use indexmap::IndexMap;
use proptest::prelude::*;

use super::{Part, Pattern, can_be_equal, same_shape};
use crate::path::DataPath;

/// Reads `{name}` as a wildcard.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').unwrap();
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Wildcard(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(&parts(text)).unwrap()
}

fn path(text: &str) -> DataPath {
    DataPath::parse(text).unwrap()
}

#[test]
fn what_matches_and_what_the_wildcards_are() {
    let check = |text: &str, name: &str, expected: Option<&[&str]>| {
        let found = pattern(text).matched(&path(name));
        let found = found
            .as_ref()
            .map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{text} on {name}");
    };
    check("raw/{s}.wav", "raw/a.wav", Some(&["a"]));
    check("raw/{s}.wav", "raw/a.b.wav", Some(&["a.b"]));
    check("./raw//{s}.wav", "raw/a.wav", Some(&["a"]));
    check("raw/{s}.wav", "raw/.wav", None);
    check("raw/{s}.wav", "raw/a/b.wav", None);
    check("raw/{s}.wav", "raw/a.wav.bak", None);
    check("raw/{s}.wav", "other/a.wav", None);
    check("raw/{s}", "raw/.hidden", None);
    check("raw/x{s}", "raw/x.y", None);
    check("raw/x{s}", "raw/x", None);
    check("{a}.{b}", "x.y.z", Some(&["x", "y.z"]));
    check("{a}_{b}_{c}", "1_2_3_4", Some(&["1", "2", "3_4"]));
    check("{a}{b}", "xyz", Some(&["x", "yz"]));
    check("{a}/{b}.txt", "d/f.txt", Some(&["d", "f"]));
    check("{a}/{a}.txt", "d/d.txt", Some(&["d"]));
    check("{a}/{a}.txt", "d/e.txt", None);
    check("{a}_{b}/{a}.txt", "x_y_z/x_y.txt", Some(&["x_y", "z"]));
    check("{a}-{a}", "x-x", Some(&["x"]));
    check("{a}-{a}", "x-y-x-y", Some(&["x-y"]));
    check("/data/{s}", "/data/a", Some(&["a"]));
    check("/data/{s}", "data/a", None);
    check("../in/{s}", "../in/a", Some(&["a"]));
    check("{s}", "日本 語.wav", Some(&["日本 語.wav"]));
    check("{a}本{b}", "日本語", Some(&["日", "語"]));
    check("a[{s}]*", "a[x]*", Some(&["x"]));
    check("literal", "literal", Some(&[]));
}

#[test]
fn a_long_search_ends() {
    let many = pattern("{a}_{b}_{c}_{d}_{e}_{f}_{g}x");
    assert_eq!(many.matched(&path(&"_".repeat(250))), None);
    assert_eq!(many.matched(&path(&"a_".repeat(120))), None);
}

#[test]
fn which_two_can_mean_one_name() {
    let check = |a: &str, b: &str, expected: bool| {
        assert_eq!(can_be_equal(&parts(a), &parts(b)), expected, "{a} and {b}");
        assert_eq!(can_be_equal(&parts(b), &parts(a)), expected, "{b} and {a}");
    };
    check("a", "a", true);
    check("a", "b", false);
    check("{x}.wav", "a.wav", true);
    check("{x}.wav", "a.txt", false);
    check("{x}.wav", "{y}.txt", false);
    check("{x}.wav", "{y}", true);
    check("a{x}", "{y}b", true);
    check("a{x}", "b{y}", false);
    check("{x}", ".hidden", false);
    check("{x}", "", false);
    check("{x}_{y}", "ab", false);
    check("{x}_{y}", "{z}_b", true);
    check("a{x}c", "ac", false);
    check("a{x}c", "ab{y}", true);
}

#[test]
fn shapes() {
    assert!(same_shape(&parts("a_{x}"), &parts("a_{y}")));
    assert!(!same_shape(&parts("a_{x}"), &parts("{y}")));
    assert!(!same_shape(&parts("a"), &parts("{y}")));
}

#[test]
fn normal_form() {
    let base = |text: &str| pattern(text).base().to_string();
    assert_eq!(base("raw/a/{s}.wav"), "raw/a");
    assert_eq!(base("{s}.wav"), ".");
    assert_eq!(base("/{s}"), "/");
    assert_eq!(base("/a/b"), "/a/b");
    assert_eq!(base("../x{s}/y"), "..");
    assert_eq!(pattern("./a//{s}/").to_string(), "a/{s}");
    assert_eq!(pattern("{s}/b").prefix(1).to_string(), "{s}");
    assert!(Pattern::new(&parts("a/../{s}")).is_err());
    assert!(Pattern::new(&parts("")).is_err());
}

fn piece() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-c_./]{1,3}".prop_map(Part::Text),
        prop_oneof![Just("x"), Just("y"), Just("z")].prop_map(|it| Part::Wildcard(it.to_owned())),
    ]
}

fn value() -> impl Strategy<Value = String> {
    "[a-c_][a-c_.]{0,3}"
}

proptest! {
    /// A path built of a pattern matches it, and what it is then said to stand for gives that path again.
    #[test]
    fn what_is_built_of_a_pattern_matches_it(
        parts in prop::collection::vec(piece(), 1..6),
        values in prop::collection::vec(value(), 3),
    ) {
        let Ok(pattern) = Pattern::new(&parts) else { return Ok(()) };
        let values: IndexMap<String, String> =
            ["x", "y", "z"].into_iter().map(str::to_owned).zip(values).collect();
        let built = pattern.filled(&values).unwrap();
        let found = pattern.matched(&built);
        prop_assert!(found.is_some(), "{pattern} on {built}");
        let again = pattern.names().iter().cloned().zip(found.unwrap()).collect();
        prop_assert_eq!(pattern.filled(&again).unwrap(), built);
    }

    /// Two components that match one name are said to be able to.
    #[test]
    fn what_both_match_both_can_mean(
        a in prop::collection::vec(piece(), 1..4),
        b in prop::collection::vec(piece(), 1..4),
        name in "[a-c_.]{1,6}",
    ) {
        let (Ok(a), Ok(b)) = (Pattern::new(&a), Pattern::new(&b)) else { return Ok(()) };
        let one = |pattern: &Pattern| pattern.depth() == 1 && !pattern.component(0).is_empty();
        prop_assume!(one(&a) && one(&b) && name != "." && name != "..");
        if a.component_matches(0, &name) && b.component_matches(0, &name) {
            prop_assert!(can_be_equal(a.component(0), b.component(0)), "{a} and {b} on {name}");
        }
    }
}
