//! Which of many paths overlap a given one, without comparing with each.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::path::DataPath;

/// Values by path, found by containment in both directions.
#[derive(Debug, Clone)]
pub struct PathIndex<T> {
    by_path: BTreeMap<String, Vec<T>>,
    /// The most `..` in front of any of the paths: how far up an ancestor is worth looking for.
    most_ups: usize,
}

impl<T> Default for PathIndex<T> {
    fn default() -> Self {
        Self {
            by_path: BTreeMap::new(),
            most_ups: 0,
        }
    }
}

impl<T: Copy> PathIndex<T> {
    /// Adds a value under a path.
    pub fn insert(&mut self, path: &DataPath, value: T) {
        self.most_ups = self
            .most_ups
            .max(path.components().take_while(|part| *part == "..").count());
        self.by_path
            .entry(path.as_str().to_owned())
            .or_default()
            .push(value);
    }

    /// Values whose path is `path` or holds it.
    pub fn holding(&self, path: &DataPath) -> Vec<T> {
        let own_and_above = ancestors(path, self.most_ups);
        own_and_above
            .iter()
            .filter_map(|text| self.by_path.get(text))
            .flatten()
            .copied()
            .collect()
    }

    /// Values whose path lies below `path`, itself not counted.
    pub fn below(&self, path: &DataPath) -> Vec<T> {
        let only_ups = path.components().all(|part| part == "..") && !path.is_absolute();
        if only_ups {
            let inside = |text: &&String| {
                DataPath::parse(text).is_ok_and(|other| other != *path && path.holds(&other))
            };
            return self
                .by_path
                .iter()
                .filter(|(text, _)| inside(text))
                .flat_map(|(_, values)| values)
                .copied()
                .collect();
        }
        let prefix = if path.as_str() == "/" {
            "/".to_owned()
        } else {
            format!("{path}/")
        };
        let from = self
            .by_path
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        from.take_while(|(text, _)| text.starts_with(&prefix))
            .filter(|(text, _)| text.as_str() != prefix)
            .flat_map(|(_, values)| values)
            .copied()
            .collect()
    }
}

/// A path and everything that holds it: `../a/b`, `../a`, `..`, and as many `../..` as `most_ups` asks for.
fn ancestors(path: &DataPath, most_ups: usize) -> Vec<String> {
    let text = path.as_str();
    let ups = path.components().take_while(|part| *part == "..").count();
    let named = path.components().count() - ups;
    let mut found = Vec::with_capacity(named + 1);
    let mut end = text.len();
    for _ in 0..named {
        found.push(text[..end].to_owned());
        end = text[..end].rfind('/').unwrap_or(0);
    }
    if path.is_absolute() {
        found.push("/".to_owned());
        return found;
    }
    found.push(if ups == 0 {
        ".".to_owned()
    } else {
        vec![".."; ups].join("/")
    });
    found.extend((ups + 1..=most_ups).map(|count| vec![".."; count].join("/")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_path() -> impl Strategy<Value = DataPath> {
        let part = prop_oneof![Just("a"), Just("b"), Just("ab"), Just("a.b")];
        (0..3_usize, prop::collection::vec(part, 0..4), any::<bool>()).prop_map(
            |(ups, parts, absolute)| {
                let text = if absolute {
                    format!("/{}", parts.join("/"))
                } else {
                    let all: Vec<&str> = std::iter::repeat_n("..", ups).chain(parts).collect();
                    if all.is_empty() {
                        ".".to_owned()
                    } else {
                        all.join("/")
                    }
                };
                DataPath::parse(&text).unwrap()
            },
        )
    }

    proptest! {
        #[test]
        fn agrees_with_comparing_each(paths in prop::collection::vec(any_path(), 0..12), asked in any_path()) {
            let mut index = PathIndex::default();
            for (i, path) in paths.iter().enumerate() {
                index.insert(path, i);
            }
            let all = |test: &dyn Fn(&DataPath) -> bool| -> Vec<usize> {
                (0..paths.len()).filter(|i| test(&paths[*i])).collect()
            };
            let mut holding = index.holding(&asked);
            holding.sort_unstable();
            prop_assert_eq!(holding, all(&|path| path.holds(&asked)));
            let mut below = index.below(&asked);
            below.sort_unstable();
            prop_assert_eq!(below, all(&|path| asked.holds(path) && *path != asked));
        }
    }
}
