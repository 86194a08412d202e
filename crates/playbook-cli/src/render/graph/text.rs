//! The graph in a terminal: one line per stage, in the order of a run, with its state as `status` has it.
//!
//! Each stage stands once, below the nearest stage through which all it needs leads (its dominator), so that indenting
//! says the truth about joins too. What it needs beside the stage it stands below is named behind an arrow. Where indenting
//! would use up the line, a stage stands no deeper and names all it needs instead.

use std::fmt::Write as _;

use crate::render::foretold::jobs_done;
use crate::render::graph::state::{State, told};
use crate::render::graph::{Node, Picture};
use crate::term::{Tone, paint};

/// What a line may take up.
const WIDTH: usize = 80;

/// The deepest indenting.
const DEEPEST: usize = 8;

/// How deep where some stages would stand deeper than that.
const SHALLOW: usize = 4;

/// How much is told of what a stage needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// What the line has room for.
    Fitting,
    /// All of it.
    All,
}

/// The picture as lines, and a total.
pub(crate) fn text(picture: &Picture, shown: Needs) -> String {
    let needs = picture.needs();
    let rows = rows(&needs);
    let signs = branches(&rows);
    let widest = rows.iter().zip(&signs).map(|(row, sign)| {
        let label = label(&picture.nodes[row.node]);
        sign.chars().count() + label.chars().count()
    });
    let widest = widest.max().unwrap_or(0).min(WIDTH / 2);
    let word_width = match picture.nodes.first().map(|node| node.state) {
        Some(State::Unknown) | None => 0,
        Some(_) => 7,
    };
    let mut text = String::new();
    for (row, sign) in rows.iter().zip(&signs) {
        let node = &picture.nodes[row.node];
        if word_width > 0 {
            text.push_str(&paint(
                node.state.tone(),
                &format!("{:<6}", node.state.word()),
            ));
            text.push(' ');
        }
        text.push_str(&paint(Tone::Dim, sign));
        let label = label(node);
        text.push_str(&label);
        if !row.named.is_empty() {
            let used = sign.chars().count() + label.chars().count();
            let pad = widest.saturating_sub(used);
            let room = WIDTH.saturating_sub(word_width + used + pad + 4);
            let names: Vec<&str> = row
                .named
                .iter()
                .map(|need| picture.nodes[*need].stage.as_str())
                .collect();
            let named = match shown {
                Needs::Fitting => fitting(&names, room),
                Needs::All => names.join(", "),
            };
            write!(
                text,
                "{}  {}",
                " ".repeat(pad),
                paint(Tone::Dim, &format!("← {named}"))
            )
            .ok();
        }
        text.push('\n');
    }
    writeln!(text, "{}", told(&picture.tally())).ok();
    text
}

/// What stands on the line of a stage.
fn label(node: &Node) -> String {
    let jobs = node.jobs.map(|jobs| format!(" ({})", jobs_done(jobs)));
    node.label() + &jobs.unwrap_or_default()
}

/// As many names as there is room for, and how many more there are.
fn fitting(names: &[&str], room: usize) -> String {
    let whole: usize = names.iter().map(|name| name.chars().count() + 2).sum();
    if whole <= room + 2 || names.len() == 1 {
        return names.join(", ");
    }
    let mut shown = 0;
    let mut used = 0;
    for name in names {
        used += name.chars().count() + 2;
        if used + format!("+{} more", names.len() - shown - 1).len() > room {
            break;
        }
        shown += 1;
    }
    if shown == 0 {
        return format!("{} stages", names.len());
    }
    let more = names.len() - shown;
    format!("{}, +{more} more", names[..shown].join(", "))
}

/// A stage's line.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    node: usize,
    depth: usize,
    /// What it needs and does not stand below.
    named: Vec<usize>,
}

/// The lines, each stage after all it needs.
fn rows(needs: &[Vec<usize>]) -> Vec<Row> {
    let below = dominators(needs);
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    let mut roots = Vec::new();
    for (node, above) in below.iter().enumerate() {
        match above {
            Some(above) => children[*above].push(node),
            None => roots.push(node),
        }
    }
    let deepest = depths(&below, |_| false, usize::MAX)
        .into_iter()
        .max()
        .unwrap_or(0);
    let only_child = |node: usize| below[node].is_some_and(|above| children[above].len() == 1);
    let depth = if deepest <= DEEPEST {
        depths(&below, |_| false, usize::MAX)
    } else {
        depths(&below, only_child, SHALLOW)
    };
    // Depth first; a branch of the tree has all that its stages need, but for what stands above it.
    let mut rows = Vec::with_capacity(needs.len());
    let mut open: Vec<usize> = roots.into_iter().rev().collect();
    while let Some(node) = open.pop() {
        open.extend(children[node].iter().rev());
        let stands_below = below[node].filter(|above| depth[node] == depth[*above] + 1);
        let named = match (stands_below, needs[node].as_slice()) {
            (Some(above), [only]) if *only == above => Vec::new(),
            _ => needs[node].clone(),
        };
        rows.push(Row {
            node,
            depth: depth[node],
            named,
        });
    }
    rows
}

fn depths(below: &[Option<usize>], stays: impl Fn(usize) -> bool, most: usize) -> Vec<usize> {
    let mut depths: Vec<usize> = Vec::with_capacity(below.len());
    for (node, above) in below.iter().enumerate() {
        let depth = above.map_or(0, |above| depths[above] + usize::from(!stays(node)));
        depths.push(depth.min(most));
    }
    depths
}

/// The signs in front of the names that show which line belongs below which.
fn branches(rows: &[Row]) -> Vec<String> {
    // From below: whether a line further down stands at this depth, under the same stage.
    let mut goes_on = [false; DEEPEST + 2];
    let mut signs = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        let mut sign = String::new();
        for goes_on in goes_on.iter().take(row.depth).skip(1) {
            sign.push_str(if *goes_on { "│  " } else { "   " });
        }
        if row.depth > 0 {
            sign.push_str(if goes_on[row.depth] {
                "├─ "
            } else {
                "└─ "
            });
        }
        goes_on[row.depth] = true;
        goes_on[row.depth + 1..].fill(false);
        signs.push(sign);
    }
    signs.reverse();
    signs
}

/// The nearest stage through which every way to a stage leads, for stages in an order in which needs come first.
fn dominators(needs: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut tree = Ancestors::default();
    for needed in needs {
        let mut nearest = needed.first().copied();
        for other in needed.iter().skip(1) {
            nearest = nearest.and_then(|nearest| tree.meet(nearest, *other));
        }
        tree.push(nearest);
    }
    tree.parent
}

/// A tree in which the place where two branches meet is found in logarithmic time: each node knows its parent, and one
/// node further up that is chosen so that a walk has the choice of long and short steps.
#[derive(Debug, Default)]
struct Ancestors {
    parent: Vec<Option<usize>>,
    /// That of a root is the root.
    far: Vec<usize>,
    depth: Vec<usize>,
}

impl Ancestors {
    fn push(&mut self, parent: Option<usize>) {
        let own = self.parent.len();
        let (far, depth) = parent.map_or((own, 0), |parent| {
            let once = self.far[parent];
            let twice = self.far[once];
            let first = self.depth[parent] - self.depth[once];
            let second = self.depth[once] - self.depth[twice];
            // Two steps of one length in a row are joined to one.
            let far = if first == second { twice } else { parent };
            (far, self.depth[parent] + 1)
        });
        self.parent.push(parent);
        self.far.push(far);
        self.depth.push(depth);
    }

    /// Where the ways up from two nodes meet, if they do.
    fn meet(&self, a: usize, b: usize) -> Option<usize> {
        let (mut low, mut high) = if self.depth[a] < self.depth[b] {
            (b, a)
        } else {
            (a, b)
        };
        while self.depth[low] > self.depth[high] {
            low = match self.far[low] {
                far if self.depth[far] >= self.depth[high] => far,
                _ => self.parent[low]?,
            };
        }
        // At one depth both have far steps of one length.
        while low != high {
            let (one, other) = (self.far[low], self.far[high]);
            (low, high) = if self.depth[low] > 0 && one != other {
                (one, other)
            } else {
                (self.parent[low]?, self.parent[high]?)
            };
        }
        Some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no way from a root avoids, told by looking at all sets.
    fn slow_dominators(needs: &[Vec<usize>]) -> Vec<Option<usize>> {
        let mut all: Vec<std::collections::BTreeSet<usize>> = Vec::new();
        for (node, needed) in needs.iter().enumerate() {
            let sets = needed.iter().map(|need| all[*need].clone());
            let mut common = sets.reduce(|a, b| &a & &b).unwrap_or_default();
            common.insert(node);
            all.push(common);
        }
        let nearest = |(node, set): (usize, &std::collections::BTreeSet<usize>)| {
            set.iter().copied().filter(|other| *other != node).max()
        };
        all.iter().enumerate().map(nearest).collect()
    }

    fn random(nodes: usize, mut seed: u64) -> Vec<Vec<usize>> {
        let mut next = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        let needs = (0..nodes).map(|node| {
            let mut needed: Vec<usize> = (0..next(4))
                .filter(|_| node > 0)
                .map(|_| next(node.max(1)))
                .collect();
            needed.sort_unstable();
            needed.dedup();
            needed
        });
        needs.collect()
    }

    #[test]
    fn dominators_are_what_no_way_avoids() {
        for seed in 0..300 {
            let needs = random(40, seed);
            assert_eq!(dominators(&needs), slow_dominators(&needs), "{needs:?}");
        }
    }

    #[test]
    fn every_stage_stands_once_and_after_all_it_needs() {
        for seed in 0..200 {
            let needs = random(60, seed);
            let rows = rows(&needs);
            let mut seen = vec![false; needs.len()];
            for row in &rows {
                assert!(needs[row.node].iter().all(|need| seen[*need]), "{needs:?}");
                assert!(!std::mem::replace(&mut seen[row.node], true));
                assert!(row.depth <= DEEPEST);
            }
            assert_eq!(rows.len(), needs.len());
        }
    }

    #[test]
    fn a_long_chain_is_not_indented_and_names_what_it_needs() {
        let needs: Vec<Vec<usize>> = (0..10_000_usize)
            .map(|node| node.checked_sub(1).into_iter().collect())
            .collect();
        let rows = rows(&needs);
        assert!(rows.iter().all(|row| row.depth == 0));
        assert_eq!(rows[9_999].named, [9_998]);
    }

    #[test]
    fn names_that_do_not_fit_are_counted() {
        let many = vec!["a"; 100_000];
        assert_eq!(fitting(&many, 20), "a, a, a, +99997 more");
        let names = ["aaaa", "bbbb", "cccc", "dddd"];
        assert_eq!(fitting(&names, 30), "aaaa, bbbb, cccc, dddd");
        assert_eq!(fitting(&names, 20), "aaaa, bbbb, +2 more");
        assert_eq!(fitting(&names, 5), "4 stages");
        assert_eq!(fitting(&names[..1], 2), "aaaa");
    }
}
